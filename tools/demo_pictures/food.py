"""Baked goods and fruit of the demo, painted."""

from __future__ import annotations

import math

from tools.demo_pictures.brush import Brush, at


def croissant(brush: Brush) -> None:
    """A croissant."""
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


def pretzel(brush: Brush) -> None:
    """A pretzel with salt."""
    brush.shadow(140, 206)
    half = at("84,186 112,160 140,128 176,82 208,92 212,134 184,178 128,200")
    other = [(256 - x, y) for x, y in half]
    for strand in (half, other):
        brush.curve(strand, "#6e3a12", 30)
    for strand in (half, other):
        brush.curve(strand, "#a85c22", 23)
    brush.curve(half[:5], "#6e3a12", 29)
    brush.curve(half[:6], "#a85c22", 23)
    brush.curve(at("184,172 160,190 128,199 96,190 72,172"), "#a85c22", 23)
    for x, y in (
        (186, 90), (204, 112), (198, 146), (170, 180), (140, 196), (104, 192), (76, 168), (56, 138),
        (54, 106), (74, 90), (98, 110), (118, 140), (146, 126), (164, 104),
    ):  # fmt: skip
        brush.box(x - 3.5, y - 3.5, x + 3.5, y + 3.5, "#fff6e6", rounding=1.5)


def muffin(brush: Brush) -> None:
    """A muffin with blueberries."""
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


def cookie(brush: Brush) -> None:
    """A cookie with chocolate."""
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


def doughnut(brush: Brush) -> None:
    """A doughnut with pink icing."""
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


def apple(brush: Brush) -> None:
    """A red apple."""
    brush.shadow(110)
    brush.blob(
        at("128,88 158,74 192,92 198,136 176,190 148,212 128,206 108,212 80,190 58,136 64,92 98,74"),
        "#d3272f",
    )
    brush.blob(at("150,88 176,94 186,128 172,168 178,120 170,100"), "#b01b24")
    brush.oval(88, 122, 18, 40, "#f0787a")
    brush.curve([(128, 96), (127, 74), (136, 50)], "#6b4423", 8)
    brush.leaf(132, 70, 56, -28, "#5aa83c")


def banana(brush: Brush) -> None:
    """A banana."""
    brush.shadow(130, 212)
    brush.blob(
        at("196,50 208,58 206,112 176,170 124,202 74,206 50,194 52,182 92,172 136,146 168,106 184,62"),
        "#f7d038",
    )
    brush.curve(at("192,78 180,122 146,164 100,188 64,192"), "#e0b320", 5)
    brush.line([(197, 52), (201, 38)], "#8a6a1f", 13)
    brush.oval(53, 189, 16, 16, "#6b4f17")


def orange(brush: Brush) -> None:
    """An orange with leaves."""
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


def pear(brush: Brush) -> None:
    """A green pear."""
    brush.shadow(104)
    brush.blob(
        at("128,66 152,76 160,110 188,152 182,196 150,214 128,214 106,214 74,196 68,152 96,110 104,76"),
        "#b9cc3a",
    )
    brush.blob(at("150,100 160,122 180,156 172,196 150,206 166,160"), "#a0b52b")
    brush.oval(98, 158, 20, 44, "#dbe57f")
    brush.curve([(128, 70), (127, 50), (138, 34)], "#6b4423", 8)
    brush.leaf(131, 54, 48, -14, "#5aa83c")


def carrots(brush: Brush) -> None:
    """Three carrots."""
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
