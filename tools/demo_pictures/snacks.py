"""Snacks and sweets of the demo, painted."""

from __future__ import annotations

import math

from tools.demo_pictures.brush import BLACK, WHITE, Brush, Colour, at, mixed


def salted_crisps(brush: Brush) -> None:
    """A blue bag."""
    _bag(brush, "#2b62b5", "#f5f1e4")
    _crisp(brush, 122, 152, 66)
    _crisp(brush, 148, 138, 48)
    for x, y in ((104, 148), (118, 160), (130, 148), (144, 134), (158, 140), (136, 164)):
        brush.box(x - 2, y - 2, x + 2, y + 2, WHITE, rounding=1)


def paprika_crisps(brush: Brush) -> None:
    """A red bag."""
    _bag(brush, "#c2352b", "#ffd25e")
    _crisp(brush, 112, 156, 52)
    brush.blob(
        at("132,130 146,124 160,130 170,142 164,166 150,180 138,174 132,152"),
        "#8d1717",
    )
    brush.blob(at("136,134 147,129 158,134 164,144 158,164 149,174 141,166"), "#f0503f")
    brush.curve([(147, 131), (148, 120), (156, 112)], "#3f8f3a", 7)


def chocolate_bar(brush: Brush) -> None:
    """A bar, half unwrapped."""
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


def gummy_bears(brush: Brush) -> None:
    """Three gummy bears."""
    brush.shadow(170, 212)
    _bear(brush, 72, 152, 0.98, "#3fae49")
    _bear(brush, 184, 152, 0.98, "#f4b51e")
    _bear(brush, 128, 134, 1.25, "#e2343f")


def popcorn(brush: Brush) -> None:
    """A striped box of popcorn."""
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


def peanuts(brush: Brush) -> None:
    """Two peanuts."""
    brush.shadow(150, 208)
    _peanut(brush, 140, 96, -32, 1.05)
    _peanut(brush, 120, 164, 14, 1.12)


def ice_lolly(brush: Brush) -> None:
    """A lolly in three colours."""
    brush.shadow(70, 226)
    brush.box(118, 168, 138, 228, "#c99a5b", rounding=9)
    brush.box(122, 176, 127, 222, "#e2bd85", rounding=2)
    brush.box(82, 28, 174, 186, "#f9d65c", rounding=44)
    brush.box(82, 88, 174, 140, "#ff9440")
    brush.box(82, 132, 174, 160, "#ef4f6b")
    brush.box(82, 136, 174, 186, "#ef4f6b", rounding=12)
    brush.blob(at("82,84 104,94 128,84 152,94 174,84 174,96 128,100 82,96"), "#ff9440")
    brush.blob(
        at("82,130 104,140 128,130 152,140 174,130 174,146 128,150 82,146"),
        "#ef4f6b",
    )
    for x in (106, 144):
        brush.box(x, 54, x + 8, 164, mixed("#ff9440", WHITE, 0.4), rounding=4)


def _bag(brush: Brush, colour: Colour, band: Colour) -> None:
    brush.shadow(122)
    teeth_top = [(68 + 7.5 * part, 44 if part % 2 else 36) for part in range(17)]
    teeth_bottom = [(188 - 7.5 * part, 206 if part % 2 else 214) for part in range(17)]
    right = at("188,60 180,90 178,128 180,166 188,196")
    left = at("68,196 76,166 78,128 76,90 68,60")
    brush.shape([*teeth_top, *right, *teeth_bottom, *left], colour)
    brush.box(70, 50, 186, 58, mixed(colour, BLACK, 0.18))
    brush.box(70, 192, 186, 200, mixed(colour, BLACK, 0.18))
    brush.shape([(76, 82), (180, 70), (179, 98), (77, 110)], band)
    brush.shape([(86, 62), (94, 62), (100, 190), (92, 190)], mixed(colour, WHITE, 0.3))


def _crisp(brush: Brush, x: float, y: float, width: float) -> None:
    brush.oval(x, y, width, width * 0.74, "#c98a25")
    brush.oval(x, y - 2, width - 6, width * 0.74 - 6, "#f2c14e")
    brush.curve([(x - width * 0.28, y), (x, y - width * 0.14), (x + width * 0.28, y - 2)], "#dca535", 4)


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


def _peanut(brush: Brush, x: float, y: float, degrees: float, size: float) -> None:
    way = math.radians(degrees)

    def turned(along: float, across: float) -> tuple[float, float]:
        return (
            x + size * (along * math.cos(way) - across * math.sin(way)),
            y + size * (along * math.sin(way) + across * math.cos(way)),
        )

    outline = at("-62,0 -50,-27 -26,-30 0,-18 26,-32 52,-28 66,0")
    outline += at("52,28 26,32 0,18 -26,30 -50,27")
    brush.blob([turned(*point) for point in outline], "#a8743a")
    brush.blob([turned(along * 0.93, across * 0.88) for along, across in outline], "#d8a862")
    for across in (-16, 0, 16):
        ridge = ((-48, across * 0.8), (-26, across), (0, across * 0.6), (26, across), (52, across * 0.8))
        brush.curve([turned(*point) for point in ridge], "#b98646", 3.5 * size)
    for along in (-40, -18, 20, 42):
        brush.line([turned(along, -20), turned(along + 2, 20)], "#b98646", 3 * size)
    brush.curve([turned(-46, -19), turned(-28, -23), turned(-12, -18)], "#f0cf98", 4 * size)
