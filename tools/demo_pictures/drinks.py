"""Drinks of the demo, painted: cans, bottles, a cup, a carton."""

from __future__ import annotations

import math

from tools.demo_pictures.brush import BLACK, WHITE, Brush, Colour, at, mixed, smooth


def _can(brush: Brush, colour: Colour) -> None:
    brush.shadow(108)
    brush.box(90, 194, 166, 216, "#b9c0c9", rounding=9)
    brush.shape([(82, 70), (96, 44), (160, 44), (174, 70)], "#c6ccd4")
    brush.oval(128, 44, 66, 14, "#dfe4ea")
    brush.oval(128, 43, 26, 6, "#aab2bc")
    brush.box(82, 64, 174, 206, colour, rounding=12)
    brush.box(92, 78, 101, 190, mixed(colour, WHITE, 0.35), rounding=4)
    brush.box(160, 70, 174, 200, mixed(colour, BLACK, 0.14), rounding=7)


def _bottle(brush: Brush, glass: Colour, cap: Colour) -> None:
    brush.shadow(92)
    brush.shape(at("114,46 142,46 142,74 166,104 90,104 114,74"), glass)
    brush.box(90, 96, 166, 214, glass, rounding=14)
    brush.box(110, 34, 146, 54, cap, rounding=5)
    brush.box(99, 108, 106, 204, mixed(glass, WHITE, 0.5), rounding=3)


def cola(brush: Brush) -> None:
    """A red can with a wave."""
    _can(brush, "#d0212f")
    upper = smooth(at("82,158 100,136 128,142 154,132 174,104"))
    lower = smooth(at("174,128 154,156 128,164 104,160 82,180"))
    brush.shape(upper + lower, WHITE)
    for x, y, size in ((116, 104, 12), (134, 92, 8), (140, 112, 6)):
        brush.oval(x, y, size, size, mixed("#d0212f", WHITE, 0.55))


def orange_soda(brush: Brush) -> None:
    """An orange can with a slice."""
    _can(brush, "#f08a1c")
    brush.oval(128, 136, 64, 64, "#fff3df")
    brush.oval(128, 136, 54, 54, "#ffb347")
    for part in range(8):
        angle = math.radians(part * 45)
        brush.line([(128, 136), (128 + 26 * math.cos(angle), 136 + 26 * math.sin(angle))], "#fff3df", 2.6)


def iced_tea(brush: Brush) -> None:
    """An amber bottle with lemon and leaves."""
    _bottle(brush, "#c97a2b", "#2f6b4f")
    brush.box(90, 126, 166, 184, "#fdf1d7")
    brush.oval(120, 156, 36, 36, "#f4d03f")
    brush.oval(120, 156, 27, 27, "#fae58a")
    brush.leaf(140, 166, 32, -62, "#3f8f5f")
    brush.leaf(140, 168, 26, -20, "#5cab74")


def still_water(brush: Brush) -> None:
    """A blue bottle with a drop."""
    _bottle(brush, "#8fcdf0", "#2f6fb3")
    brush.box(90, 126, 166, 184, "#eaf6fd")
    brush.oval(128, 161, 28, 28, "#2f86cf")
    brush.shape([(128, 132), (140.6, 155), (115.4, 155)], "#2f86cf")
    brush.oval(122, 162, 6, 10, "#a8d6f5")


def sparkling_water(brush: Brush) -> None:
    """A green bottle with bubbles."""
    _bottle(brush, "#5fb79a", "#2f7d63")
    brush.box(90, 130, 166, 176, "#f3fbf8")
    for x, y, size in ((112, 160, 14), (130, 148, 20), (148, 162, 11), (146, 142, 7), (114, 140, 7)):
        brush.oval(x, y, size, size, "#3f9a7d")
        brush.oval(x - size * 0.15, y - size * 0.15, size * 0.5, size * 0.5, "#bfe6d9")
    for x, y, size in ((128, 112, 7), (140, 98, 6), (122, 88, 5), (134, 76, 5), (136, 196, 8), (118, 190, 6)):
        brush.oval(x, y, size, size, mixed("#5fb79a", WHITE, 0.6))


def coffee(brush: Brush) -> None:
    """A cup to go."""
    brush.shadow(96)
    for x in (106, 128, 150):
        brush.curve([(x, 62), (x - 7, 50), (x + 6, 36), (x - 1, 22)], "#cdbfae", 6)
    brush.shape([(82, 92), (174, 92), (162, 214), (94, 214)], "#fbf7f0")
    brush.shape([(85, 118), (171, 118), (165, 182), (91, 182)], "#8a5a36")
    brush.oval(128, 150, 30, 40, "#e9d3b4")
    brush.curve([(132, 134), (123, 146), (133, 154), (124, 166)], "#8a5a36", 4.5)
    brush.box(74, 80, 182, 98, "#4a3324", rounding=7)
    brush.box(84, 68, 172, 86, "#5c4130", rounding=7)


def oat_milk(brush: Brush) -> None:
    """A carton with an ear of oats."""
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
