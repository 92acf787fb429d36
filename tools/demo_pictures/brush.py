"""What the demo's pictures are painted with: shapes in the coordinates of the finished picture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIDE = 256  # Pixels of the finished picture.
FINE = 4  # Painted so many times as large, for smooth edges.

WHITE = "#ffffff"
BLACK = "#2b2118"

Point = tuple[float, float]
Colour = str


class Brush:
    """Paints on a canvas of FINE times SIDE pixels; `ground` is the colour it starts with."""

    def __init__(self, canvas: ImageDraw, ground: Colour) -> None:
        self._canvas = canvas
        self.ground = ground

    def box(
        self, left: float, top: float, right: float, bottom: float, fill: Colour, *, rounding: float = 0
    ) -> None:
        """A rectangle, its corners rounded."""
        self._canvas.rounded_rectangle(self._scaled((left, top), (right, bottom)), rounding * FINE, fill)

    def oval(self, x: float, y: float, width: float, height: float, fill: Colour) -> None:
        """An ellipse around its middle."""
        corners = (x - width / 2, y - height / 2), (x + width / 2, y + height / 2)
        self._canvas.ellipse(self._scaled(*corners), fill)

    def shape(self, points: Iterable[Point], fill: Colour) -> None:
        """A polygon."""
        self._canvas.polygon(self._scaled(*points), fill)

    def line(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        """A stroke, round at its ends and joints."""
        self._canvas.line(self._scaled(*points), fill, round(width * FINE), joint="curve")
        for x, y in (points[0], points[-1]):
            self.oval(x, y, width, width, fill)

    def curve(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        """A stroke through all the points, bent smoothly."""
        # Pillow's own joints splinter where a wide stroke bends in short pieces.
        path = smooth(points)
        for start, end in itertools.pairwise(path):
            self.line([start, end], fill, width)

    def blob(self, points: Sequence[Point], fill: Colour) -> None:
        """A closed shape through all the points, bent smoothly."""
        self.shape(smooth([points[-1], *points, points[0], points[1]])[STEPS:-STEPS], fill)

    def leaf(self, x: float, y: float, length: float, degrees: float, fill: Colour) -> None:
        """A leaf that grows from a point in a direction, clockwise from three o'clock."""
        way, side = math.radians(degrees), math.radians(degrees + 90)
        outline = []
        for part in range(21):
            along = part / 20
            across = math.sin(along * math.pi) * 0.24
            outline.append((along, across))
        edge = outline + [(along, -across) for along, across in reversed(outline)]
        self.shape(
            (
                (
                    x + length * (along * math.cos(way) + across * math.cos(side)),
                    y + length * (along * math.sin(way) + across * math.sin(side)),
                )
                for along, across in edge
            ),
            fill,
        )

    def shadow(self, width: float, y: float = 217) -> None:
        """What the thing throws on the ground."""
        self.oval(128, y, width, 15, mixed(self.ground, "#3b3355", 0.16))

    def _scaled(self, *points: Point) -> list[Point]:
        return [(x * FINE, y * FINE) for x, y in points]


STEPS = 16  # Straight pieces between two points of a curve; at this size nobody sees them.


def at(path: str) -> list[Point]:
    """Points as text: `"84,186 112,160"`."""
    return [(float(x), float(y)) for x, y in (point.split(",") for point in path.split())]


def smooth(points: Sequence[Point]) -> list[Point]:
    """Points on a Catmull-Rom spline through the given ones."""
    padded = [points[0], *points, points[-1]]
    curve = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for step in range(STEPS):
            t = step / STEPS
            curve.append(
                (
                    _between(before[0], start[0], end[0], after[0], t),
                    _between(before[1], start[1], end[1], after[1], t),
                )
            )
    return [*curve, points[-1]]


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """A colour between two; `share` is the other's part."""
    pairs = ((int(one[place : place + 2], 16), int(other[place : place + 2], 16)) for place in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _between(before: float, start: float, end: float, after: float, t: float) -> float:
    return 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
