"""Plots as pages draw them: every place in hundredths of the picture, so that a browser may give it any size.

Words stand beside the picture, not in it, and stay readable on a phone; whoever cannot see it reads the
figures in a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

TICKS = 4
LABELS_MAX = 7  # Beneath a plot; on a phone, every other of them fits.
GAP = 0.28  # Of a bar's place, so that thirty bars are still thirty.
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Point:
    """What something is called, and how much it is."""

    label: str
    value: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One point, drawn: in hundredths from the left and from the top. `written` is its value in words."""

    label: str
    written: str
    x: float
    y: float
    width: float
    height: float
    is_negative: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across, and its value in words."""

    y: float
    written: str


@dataclass(frozen=True, slots=True)
class Label:
    """What stands beneath a bar, in the middle of its place."""

    x: float
    written: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars that stand, or the points of a line; `labels` are those that have room beneath."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Label, ...]
    zero_y: float

    @property
    def line(self) -> str:
        """The tops of the bars as the points of a line, in a picture of 100 by 100."""
        return " ".join(
            f"{bar.x + bar.width / 2:.2f},{bar.y + (bar.height if bar.is_negative else 0):.2f}"
            for bar in self.bars
        )


def columns(points: Sequence[Point], *, written: Callable[[int], str]) -> Plot:
    """Bars beside each other, in this order: days, say. Values below 0 hang."""
    most = max((point.value for point in points), default=0)
    least = min((point.value for point in points), default=0)
    step = _step(max(most, 0) - min(least, 0))
    top, bottom = -(-max(most, 1) // step) * step, min(least, 0) // step * step
    span = top - bottom
    place = 100 / max(len(points), 1)
    bars = tuple(
        Bar(
            point.label,
            written(point.value),
            x=round(place * (number + GAP / 2), 3),
            y=round(100 * (top - max(point.value, 0)) / span, 3),
            width=round(place * (1 - GAP), 3),
            height=round(100 * abs(point.value) / span, 3),
            is_negative=point.value < 0,
        )
        for number, point in enumerate(points)
    )
    ticks = tuple(
        Tick(round(100 * (top - value) / span, 3), written(value)) for value in range(bottom, top + 1, step)
    )
    return Plot(bars, ticks, _thinned(bars), round(100 * top / span, 3))


def lying(points: Sequence[Point], *, written: Callable[[int], str]) -> tuple[Bar, ...]:
    """Bars beneath each other, each as wide as its share of the longest: products, say."""
    most = max((abs(point.value) for point in points), default=0) or 1
    return tuple(
        Bar(
            point.label,
            written(point.value),
            x=0,
            y=0,
            width=round(100 * abs(point.value) / most, 3),
            height=100,
            is_negative=point.value < 0,
        )
        for point in points
    )


def _step(span: int) -> int:
    """A round number that goes into the span a few times."""
    least = max(span, 1) / TICKS
    power = 1
    while power * 10 <= least:
        power *= 10
    return max(int(next(power * step for step in _STEPS if power * step >= least)), 1)


def _thinned(bars: Sequence[Bar]) -> tuple[Label, ...]:
    """So many that they have room, evenly apart, the last among them: that is the newest."""
    step = -(-len(bars) // LABELS_MAX) or 1
    return tuple(Label(round(bar.x + bar.width / 2, 3), bar.label) for bar in reversed(bars[::-1][::step]))
