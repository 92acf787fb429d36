"""Pictures of the demo's products, painted by us: flat shapes on a soft ground, a few kilobytes each."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import NamedTuple

from tuckshop.cli.demo_brush import FINE, SIDE, Brush, Colour, mixed, smooth

QUALITY = 84

WHITE = "#ffffff"
BLACK = "#2b2118"


class Picture(NamedTuple):
    """A finished picture."""

    media_type: str
    content: bytes


def draw(name: str) -> Picture:
    """The picture of this name (a key of PICTURES)."""
    from PIL import Image, ImageDraw

    ground, paint = PICTURES[name]
    canvas = Image.new("RGB", (SIDE * FINE, SIDE * FINE), ground)
    paint(Brush(ImageDraw.Draw(canvas), ground))
    file = io.BytesIO()
    canvas.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "WEBP", quality=QUALITY, method=4)
    return Picture("image/webp", file.getvalue())


def _can(brush: Brush, colour: Colour) -> None:
    brush.shadow(108)
    brush.box(90, 194, 166, 216, "#b9c0c9", rounding=9)
    brush.shape([(82, 70), (96, 44), (160, 44), (174, 70)], "#c6ccd4")
    brush.oval(128, 44, 66, 14, "#dfe4ea")
    brush.oval(128, 43, 26, 6, "#aab2bc")
    brush.box(82, 64, 174, 206, colour, rounding=12)
    brush.box(92, 78, 101, 190, mixed(colour, WHITE, 0.35), rounding=4)
    brush.box(160, 70, 174, 200, mixed(colour, BLACK, 0.14), rounding=7)


def _cola(brush: Brush) -> None:
    _can(brush, "#d0212f")
    upper = smooth([(82, 158), (100, 136), (128, 142), (154, 132), (174, 104)])
    lower = smooth([(174, 128), (154, 156), (128, 164), (104, 160), (82, 180)])
    brush.shape(upper + lower, WHITE)
    for x, y, size in ((116, 104, 12), (134, 92, 8), (140, 112, 6)):
        brush.oval(x, y, size, size, mixed("#d0212f", WHITE, 0.55))


def _orange_soda(brush: Brush) -> None:
    _can(brush, "#f08a1c")
    brush.oval(128, 136, 64, 64, "#fff3df")
    brush.oval(128, 136, 54, 54, "#ffb347")
    for part in range(8):
        angle = math.radians(part * 45)
        brush.line([(128, 136), (128 + 26 * math.cos(angle), 136 + 26 * math.sin(angle))], "#fff3df", 2.6)


def _bottle(brush: Brush, glass: Colour, cap: Colour) -> None:
    brush.shadow(92)
    brush.shape([(114, 46), (142, 46), (142, 74), (166, 104), (90, 104), (114, 74)], glass)
    brush.box(90, 96, 166, 214, glass, rounding=14)
    brush.box(110, 34, 146, 54, cap, rounding=5)
    brush.box(99, 108, 106, 204, mixed(glass, WHITE, 0.5), rounding=3)


def _iced_tea(brush: Brush) -> None:
    _bottle(brush, "#c97a2b", "#2f6b4f")
    brush.box(90, 126, 166, 184, "#fdf1d7")
    brush.oval(120, 156, 36, 36, "#f4d03f")
    brush.oval(120, 156, 27, 27, "#fae58a")
    brush.leaf(140, 166, 32, -62, "#3f8f5f")
    brush.leaf(140, 168, 26, -20, "#5cab74")


def _still_water(brush: Brush) -> None:
    _bottle(brush, "#8fcdf0", "#2f6fb3")
    brush.box(90, 126, 166, 184, "#eaf6fd")
    brush.oval(128, 161, 28, 28, "#2f86cf")
    brush.shape([(128, 132), (140.6, 155), (115.4, 155)], "#2f86cf")
    brush.oval(122, 162, 6, 10, "#a8d6f5")


def _sparkling_water(brush: Brush) -> None:
    _bottle(brush, "#5fb79a", "#2f7d63")
    brush.box(90, 130, 166, 176, "#f3fbf8")
    for x, y, size in ((112, 160, 14), (130, 148, 20), (148, 162, 11), (146, 142, 7), (114, 140, 7)):
        brush.oval(x, y, size, size, "#3f9a7d")
        brush.oval(x - size * 0.15, y - size * 0.15, size * 0.5, size * 0.5, "#bfe6d9")
    for x, y, size in ((128, 112, 7), (140, 98, 6), (122, 88, 5), (134, 76, 5), (136, 196, 8), (118, 190, 6)):
        brush.oval(x, y, size, size, mixed("#5fb79a", WHITE, 0.6))


def _coffee(brush: Brush) -> None:
    brush.shadow(96)
    for x in (106, 128, 150):
        brush.curve([(x, 62), (x - 7, 50), (x + 6, 36), (x - 1, 22)], "#cdbfae", 6)
    brush.shape([(82, 92), (174, 92), (162, 214), (94, 214)], "#fbf7f0")
    brush.shape([(85, 118), (171, 118), (165, 182), (91, 182)], "#8a5a36")
    brush.oval(128, 150, 30, 40, "#e9d3b4")
    brush.curve([(132, 134), (123, 146), (133, 154), (124, 166)], "#8a5a36", 4.5)
    brush.box(74, 80, 182, 98, "#4a3324", rounding=7)
    brush.box(84, 68, 172, 86, "#5c4130", rounding=7)


def _oat_milk(brush: Brush) -> None:
    brush.shadow(104)
    brush.shape([(84, 92), (108, 52), (148, 52), (172, 92)], "#d9c7a4")
    brush.box(104, 38, 152, 56, "#bda57a", rounding=3)
    brush.box(84, 90, 172, 214, "#fbf5e6", rounding=3)
    brush.box(84, 168, 172, 200, "#c89b4f")
    brush.curve([(128, 160), (127, 132), (131, 106)], "#8a7434", 4)
    for y, way in ((152, -35), (138, -40), (124, -48)):
        brush.leaf(128, y, 28, way, "#b28a3a")
        brush.leaf(127, y, 28, 180 - way, "#c9a256")
    brush.leaf(131, 112, 22, -88, "#b28a3a")


def _croissant(brush: Brush) -> None:
    brush.shadow(168, 196)
    parts = []
    for part in range(9):
        turn = math.radians(200 + part * 17.5)
        size = 36 + 50 * math.sin(math.pi * (part + 0.5) / 9)
        parts.append((128 + 82 * math.cos(turn), 186 + 78 * math.sin(turn), size))
    for place in (0, 8, 1, 7, 2, 6, 3, 5, 4):
        x, y, size = parts[place]
        brush.oval(x, y, size + 5, size + 5, "#a8641f")
        brush.oval(x, y, size, size, ("#dd9a3f", "#e8ab52")[place % 2])
        brush.oval(x - size * 0.08, y - size * 0.2, size * 0.56, size * 0.3, "#f3c67c")


def _pretzel(brush: Brush) -> None:
    brush.shadow(140, 206)
    half = [(84, 186), (112, 160), (140, 128), (176, 82), (208, 92), (212, 134), (184, 178), (128, 200)]
    other = [(256 - x, y) for x, y in half]
    for strand in (half, other):
        brush.curve(strand, "#6e3a12", 30)
    for strand in (half, other):
        brush.curve(strand, "#a85c22", 23)
    brush.curve(half[:5], "#6e3a12", 29)
    brush.curve(half[:6], "#a85c22", 23)
    brush.curve([(184, 172), (160, 190), (128, 199), (96, 190), (72, 172)], "#a85c22", 23)
    for x, y in (
        (186, 90), (204, 112), (198, 146), (170, 180), (140, 196), (104, 192), (76, 168), (56, 138),
        (54, 106), (74, 90), (98, 110), (118, 140), (146, 126), (164, 104),
    ):  # fmt: skip
        brush.box(x - 3.5, y - 3.5, x + 3.5, y + 3.5, "#fff6e6", rounding=1.5)


def _muffin(brush: Brush) -> None:
    brush.shadow(104)
    brush.shape([(78, 132), (178, 132), (164, 214), (92, 214)], "#5a8fc7")
    for x in range(88, 176, 18):
        lean = (128 - x) * 0.16
        brush.line([(x, 138), (x + lean, 210)], "#86b3df", 5)
    for x, y, size in ((92, 118, 58), (164, 118, 58), (128, 104, 84), (108, 92, 56), (150, 92, 54)):
        brush.oval(x, y, size, size * 0.86, "#d99a4e")
    brush.box(70, 112, 186, 138, "#d99a4e", rounding=12)
    for x, y, width in ((108, 82, 40), (150, 80, 26)):
        brush.oval(x, y, width, 12, "#eab873")
    for x, y in ((92, 112), (120, 100), (150, 112), (138, 80), (170, 124), (112, 124)):
        brush.oval(x, y, 17, 16, "#3d3f86")
        brush.oval(x - 3, y - 3, 6, 5, "#7a7cc4")


def _cookie(brush: Brush) -> None:
    brush.shadow(130)
    brush.oval(128, 130, 166, 164, "#b5793a")
    brush.oval(128, 127, 160, 158, "#d59b55")
    for x, y, size in ((96, 96, 14), (160, 158, 12), (122, 66, 10), (72, 142, 10), (186, 112, 10)):
        brush.oval(x, y, size, size, "#c18843")
    for x, y, turn in (
        (104, 82, 10), (148, 78, 40), (178, 100, 20), (82, 114, 30), (126, 116, 0), (164, 136, 45),
        (98, 150, 15), (134, 160, 35), (110, 184, 10), (160, 178, 25), (184, 146, 0), (70, 130, 45),
    ):  # fmt: skip
        corners = ((10, -4), (3, 9), (-9, 6), (-8, -8), (4, -10))
        way = math.radians(turn * 4)
        brush.shape(
            (
                (x + px * math.cos(way) - py * math.sin(way), y + px * math.sin(way) + py * math.cos(way))
                for px, py in corners
            ),
            "#4a2a16",
        )


def _doughnut(brush: Brush) -> None:
    brush.shadow(130)
    brush.oval(128, 132, 168, 164, "#c98a44")
    edge = []
    for part in range(64):
        turn = math.radians(part * 5.625)
        reach = 75 + 4 * math.cos(turn * 8)
        edge.append((128 + reach * math.cos(turn), 126 + reach * math.sin(turn)))
    brush.blob(edge, "#ee7fae")
    brush.oval(128, 128, 62, 58, "#c98a44")
    brush.oval(128, 131, 50, 46, brush.ground)
    colours = ("#ffffff", "#ffd84d", "#64c7e8", "#8f5bd0", "#7ed07e")
    for part in range(26):
        turn = part * 2.39996
        reach = 42 + (part * 7 % 27)
        x, y = 128 + reach * math.cos(turn), 126 + reach * math.sin(turn)
        lean = part * 1.7
        brush.line([(x, y), (x + 7 * math.cos(lean), y + 7 * math.sin(lean))], colours[part % 5], 4)


def _apple(brush: Brush) -> None:
    brush.shadow(110)
    brush.blob(
        [
            (128, 88),
            (158, 74),
            (192, 92),
            (198, 136),
            (176, 190),
            (148, 212),
            (128, 206),
            (108, 212),
            (80, 190),
            (58, 136),
            (64, 92),
            (98, 74),
        ],
        "#d3272f",
    )
    brush.blob([(150, 88), (176, 94), (186, 128), (172, 168), (178, 120), (170, 100)], "#b01b24")
    brush.oval(88, 122, 18, 40, "#f0787a")
    brush.curve([(128, 96), (127, 74), (136, 50)], "#6b4423", 8)
    brush.leaf(132, 70, 56, -28, "#5aa83c")


def _banana(brush: Brush) -> None:
    brush.shadow(130, 212)
    brush.blob(
        [
            (196, 50),
            (208, 58),
            (206, 112),
            (176, 170),
            (124, 202),
            (74, 206),
            (50, 194),
            (52, 182),
            (92, 172),
            (136, 146),
            (168, 106),
            (184, 62),
        ],
        "#f7d038",
    )
    brush.curve([(192, 78), (180, 122), (146, 164), (100, 188), (64, 192)], "#e0b320", 5)
    brush.line([(197, 52), (201, 38)], "#8a6a1f", 13)
    brush.oval(53, 189, 16, 16, "#6b4f17")


def _orange(brush: Brush) -> None:
    brush.shadow(114)
    brush.oval(128, 136, 150, 148, "#f3871d")
    brush.oval(128, 132, 144, 138, "#fa9d36")
    brush.oval(98, 104, 34, 26, "#fdbf72")
    for part in range(20):
        turn, reach = part * 2.39996, 14 + part * 2.6
        brush.oval(132 + reach * math.cos(turn), 142 + reach * math.sin(turn), 4, 4, "#e8801a")
    brush.oval(128, 72, 20, 10, "#6c8f2b")
    brush.leaf(130, 70, 62, -22, "#4f9a3a")
    brush.leaf(126, 70, 44, 206, "#69b04c")


def _pear(brush: Brush) -> None:
    brush.shadow(104)
    brush.blob(
        [
            (128, 66),
            (152, 76),
            (160, 110),
            (188, 152),
            (182, 196),
            (150, 214),
            (128, 214),
            (106, 214),
            (74, 196),
            (68, 152),
            (96, 110),
            (104, 76),
        ],
        "#b9cc3a",
    )
    brush.blob([(150, 100), (160, 122), (180, 156), (172, 196), (150, 206), (166, 160)], "#a0b52b")
    brush.oval(98, 158, 20, 44, "#dbe57f")
    brush.curve([(128, 70), (127, 50), (138, 34)], "#6b4423", 8)
    brush.leaf(131, 54, 48, -14, "#5aa83c")


def _carrots(brush: Brush) -> None:
    brush.shadow(140, 222)
    for top, tip, dark, light in (
        (76, 92, "#d9661a", "#ee7d24"),
        (180, 164, "#d9661a", "#ee7d24"),
        (128, 128, "#e8721e", "#fb8f36"),
    ):
        for way in (-125, -108, -90, -72, -55):
            brush.leaf(top, 96, 62, way, "#3f8f3a" if way % 2 else "#5aae4c")
        brush.blob(
            [
                (top * 1.0, 86),
                (top + 24, 94),
                (top + 20, 130),
                (tip + 10, 188),
                (tip, 222),
                (tip - 8, 188),
                (top - 22, 130),
                (top - 24, 94),
            ],
            dark,
        )
        brush.blob(
            [
                (top - 2, 89),
                (top + 12, 96),
                (top + 8, 130),
                (tip + 2, 184),
                (tip - 3, 208),
                (tip - 6, 184),
                (top - 18, 130),
                (top - 20, 98),
            ],
            light,
        )
        for y, left, right in ((116, -18, -2), (138, -2, 14), (158, -12, 0)):
            brush.line([(top + left, y), (top + right, y + 2)], dark, 3.5)


def _bag(brush: Brush, colour: Colour, band: Colour) -> None:
    brush.shadow(122)
    teeth_top = [(68 + 7.5 * part, 44 if part % 2 else 36) for part in range(17)]
    teeth_bottom = [(188 - 7.5 * part, 206 if part % 2 else 214) for part in range(17)]
    right = [(188, 60), (180, 90), (178, 128), (180, 166), (188, 196)]
    left = [(68, 196), (76, 166), (78, 128), (76, 90), (68, 60)]
    brush.shape([*teeth_top, *right, *teeth_bottom, *left], colour)
    brush.box(70, 50, 186, 58, mixed(colour, BLACK, 0.18))
    brush.box(70, 192, 186, 200, mixed(colour, BLACK, 0.18))
    brush.shape([(76, 82), (180, 70), (179, 98), (77, 110)], band)
    brush.shape([(86, 62), (94, 62), (100, 190), (92, 190)], mixed(colour, WHITE, 0.3))


def _crisp(brush: Brush, x: float, y: float, width: float) -> None:
    brush.oval(x, y, width, width * 0.74, "#c98a25")
    brush.oval(x, y - 2, width - 6, width * 0.74 - 6, "#f2c14e")
    brush.curve([(x - width * 0.28, y), (x, y - width * 0.14), (x + width * 0.28, y - 2)], "#dca535", 4)


def _salted_crisps(brush: Brush) -> None:
    _bag(brush, "#2b62b5", "#f5f1e4")
    _crisp(brush, 122, 152, 66)
    _crisp(brush, 148, 138, 48)
    for x, y in ((104, 148), (118, 160), (130, 148), (144, 134), (158, 140), (136, 164)):
        brush.box(x - 2, y - 2, x + 2, y + 2, WHITE, rounding=1)


def _paprika_crisps(brush: Brush) -> None:
    _bag(brush, "#c2352b", "#ffd25e")
    _crisp(brush, 112, 156, 52)
    brush.blob(
        [(132, 130), (146, 124), (160, 130), (170, 142), (164, 166), (150, 180), (138, 174), (132, 152)],
        "#8d1717",
    )
    brush.blob(
        [(136, 134), (147, 129), (158, 134), (164, 144), (158, 164), (149, 174), (141, 166)], "#f0503f"
    )
    brush.curve([(147, 131), (148, 120), (156, 112)], "#3f8f3a", 7)


def _chocolate_bar(brush: Brush) -> None:
    brush.shadow(124)
    brush.box(78, 34, 178, 150, "#4a2814", rounding=7)
    for row in range(3):
        for column in range(3):
            left, top = 83 + column * 32, 40 + row * 32
            brush.box(left, top, left + 27, top + 27, "#6b3d20", rounding=4)
            brush.box(left + 4, top + 4, left + 23, top + 9, "#8a5632", rounding=2)
    zigzag = [(70 + 9.67 * part, 112 if part % 2 else 122) for part in range(13)]
    brush.shape([*zigzag, (186, 140), (70, 140)], "#dfe3e8")
    brush.box(70, 132, 186, 214, "#6a3fa0", rounding=5)
    brush.box(70, 150, 186, 196, "#f3c94b")
    brush.box(82, 158, 174, 188, "#6a3fa0", rounding=15)
    brush.oval(110, 173, 16, 16, "#f3c94b")
    brush.box(126, 167, 160, 172, "#f3c94b", rounding=2)
    brush.box(126, 176, 150, 181, "#f3c94b", rounding=2)


def _bear(brush: Brush, x: float, y: float, size: float, colour: Colour) -> None:
    dark, light = mixed(colour, BLACK, 0.22), mixed(colour, WHITE, 0.45)
    for side in (-1, 1):
        brush.oval(x + side * 17 * size, y - 46 * size, 20 * size, 20 * size, dark)
        brush.oval(x + side * 27 * size, y - 2 * size, 22 * size, 26 * size, dark)
        brush.oval(x + side * 17 * size, y + 36 * size, 26 * size, 26 * size, dark)
    brush.oval(x, y + 8 * size, 58 * size, 66 * size, colour)
    brush.oval(x, y - 32 * size, 50 * size, 46 * size, colour)
    brush.oval(x, y + 12 * size, 30 * size, 36 * size, mixed(colour, WHITE, 0.18))
    brush.oval(x - 12 * size, y - 42 * size, 14 * size, 9 * size, light)
    brush.oval(x, y - 26 * size, 18 * size, 13 * size, mixed(colour, WHITE, 0.25))
    for side in (-1, 1):
        brush.oval(x + side * 10 * size, y - 36 * size, 5 * size, 6 * size, dark)
    brush.oval(x, y - 29 * size, 7 * size, 5 * size, dark)


def _gummy_bears(brush: Brush) -> None:
    brush.shadow(170, 212)
    _bear(brush, 72, 152, 0.98, "#3fae49")
    _bear(brush, 184, 152, 0.98, "#f4b51e")
    _bear(brush, 128, 134, 1.25, "#e2343f")


def _popcorn(brush: Brush) -> None:
    brush.shadow(104)
    for x, y, size in (
        (88, 92, 36), (112, 72, 38), (142, 68, 40), (168, 90, 36), (128, 94, 44), (104, 104, 36),
        (152, 104, 38), (126, 50, 34), (98, 60, 24), (160, 58, 26),
    ):  # fmt: skip
        brush.oval(x, y + 3, size, size, "#dfb95a")
        brush.oval(x - 2, y, size - 3, size - 4, "#fff3cf")
        brush.oval(x + size * 0.12, y + size * 0.1, size * 0.34, size * 0.3, "#f6d98a")
    brush.shape([(74, 108), (182, 108), (168, 214), (88, 214)], "#f7f2ea")
    for part in (0, 2, 4):
        top, bottom = 74 + part * 21.6, 88 + part * 16
        brush.shape([(top, 108), (top + 21.6, 108), (bottom + 16, 214), (bottom, 214)], "#d5303a")
    brush.box(72, 104, 184, 114, "#b3212b", rounding=4)
    brush.oval(128, 162, 52, 36, "#ffd25e")
    brush.oval(128, 162, 30, 18, "#fff3cf")


def _peanut(brush: Brush, x: float, y: float, degrees: float, size: float) -> None:
    way = math.radians(degrees)

    def at(along: float, across: float) -> tuple[float, float]:
        return (
            x + size * (along * math.cos(way) - across * math.sin(way)),
            y + size * (along * math.sin(way) + across * math.cos(way)),
        )

    outline = [(-62, 0), (-50, -27), (-26, -30), (0, -18), (26, -32), (52, -28), (66, 0)]
    outline += [(52, 28), (26, 32), (0, 18), (-26, 30), (-50, 27)]
    brush.blob([at(*point) for point in outline], "#a8743a")
    brush.blob([at(along * 0.93, across * 0.88) for along, across in outline], "#d8a862")
    for across in (-16, 0, 16):
        ridge = ((-48, across * 0.8), (-26, across), (0, across * 0.6), (26, across), (52, across * 0.8))
        brush.curve([at(*point) for point in ridge], "#b98646", 3.5 * size)
    for along in (-40, -18, 20, 42):
        brush.line([at(along, -20), at(along + 2, 20)], "#b98646", 3 * size)
    brush.curve([at(-46, -19), at(-28, -23), at(-12, -18)], "#f0cf98", 4 * size)


def _peanuts(brush: Brush) -> None:
    brush.shadow(150, 208)
    _peanut(brush, 140, 96, -32, 1.05)
    _peanut(brush, 120, 164, 14, 1.12)


def _ice_lolly(brush: Brush) -> None:
    brush.shadow(70, 226)
    brush.box(118, 168, 138, 228, "#c99a5b", rounding=9)
    brush.box(122, 176, 127, 222, "#e2bd85", rounding=2)
    brush.box(82, 28, 174, 186, "#f9d65c", rounding=44)
    brush.box(82, 88, 174, 140, "#ff9440")
    brush.box(82, 132, 174, 160, "#ef4f6b")
    brush.box(82, 136, 174, 186, "#ef4f6b", rounding=12)
    brush.blob(
        [(82, 84), (104, 94), (128, 84), (152, 94), (174, 84), (174, 96), (128, 100), (82, 96)], "#ff9440"
    )
    brush.blob(
        [(82, 130), (104, 140), (128, 130), (152, 140), (174, 130), (174, 146), (128, 150), (82, 146)],
        "#ef4f6b",
    )
    for x in (106, 144):
        brush.box(x, 54, x + 8, 164, mixed("#ff9440", WHITE, 0.4), rounding=4)


PICTURES: dict[str, tuple[Colour, Callable[[Brush], None]]] = {
    "cola": ("#fde3e1", _cola),
    "orange_soda": ("#fdeccb", _orange_soda),
    "iced_tea": ("#e5f1dc", _iced_tea),
    "still_water": ("#dcecfa", _still_water),
    "sparkling_water": ("#d9f1e8", _sparkling_water),
    "coffee": ("#eee3d4", _coffee),
    "oat_milk": ("#d3e4ec", _oat_milk),
    "croissant": ("#fbeccf", _croissant),
    "pretzel": ("#f6e6d2", _pretzel),
    "muffin": ("#e4e3f6", _muffin),
    "cookie": ("#f3e3d3", _cookie),
    "doughnut": ("#fce1ec", _doughnut),
    "apple": ("#e2f2d6", _apple),
    "banana": ("#fbf4cf", _banana),
    "orange": ("#fbe6cd", _orange),
    "pear": ("#eef3cd", _pear),
    "carrots": ("#f9e4d4", _carrots),
    "salted_crisps": ("#dde7f7", _salted_crisps),
    "paprika_crisps": ("#fbe2d8", _paprika_crisps),
    "chocolate_bar": ("#e9e0f3", _chocolate_bar),
    "gummy_bears": ("#e0f1ee", _gummy_bears),
    "popcorn": ("#fbe9dd", _popcorn),
    "peanuts": ("#f3ead4", _peanuts),
    "ice_lolly": ("#d8eff6", _ice_lolly),
}
"""By name: the ground's colour, and who paints on it."""
