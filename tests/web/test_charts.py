"""Where bars and lines stand; every number is worked out in its comment."""

from __future__ import annotations

from tuckshop.web.ui import charts
from tuckshop.web.ui.charts import Point


def test_bars_stand_on_zero_and_reach_their_value() -> None:
    plot = charts.columns([Point("Mon", 50), Point("Tue", 200)], written=str)
    assert [tick.written for tick in plot.ticks] == ["0", "50", "100", "150", "200"]
    assert [(bar.y, bar.height) for bar in plot.bars] == [(75, 25), (0, 100)]  # 50 of 200 is a quarter.
    assert (plot.bars[0].x, plot.bars[0].width) == (7, 36)  # Half the place, less 28% of it as a gap.
    assert plot.zero_y == 100


def test_what_was_given_back_hangs_below_zero() -> None:
    plot = charts.columns([Point("Mon", -100), Point("Tue", 300)], written=str)
    assert [tick.written for tick in plot.ticks] == ["-100", "0", "100", "200", "300"]
    assert [(bar.y, bar.height, bar.is_negative) for bar in plot.bars] == [(75, 25, True), (0, 75, False)]
    assert plot.line == "25.00,100.00 75.00,0.00"


def test_nothing_at_all_is_a_plot_too() -> None:
    assert charts.columns([], written=str).bars == ()
    flat = charts.columns([Point("Mon", 0)], written=str)
    assert (flat.bars[0].height, flat.zero_y) == (0, 100)
    assert charts.lying([], written=str) == ()
    assert charts.lying([Point("cola", 0)], written=str)[0].width == 0


def test_of_thirty_days_every_fifth_is_named_beneath_its_bar() -> None:
    plot = charts.columns([Point(str(day), day) for day in range(1, 31)], written=str)
    assert [label.written for label in plot.labels] == ["5", "10", "15", "20", "25", "30"]
    assert plot.labels[0].x == 15  # A place is a thirtieth of 100, and the fifth's middle is 4.5 of them.
    assert len(plot.bars) == 30


def test_huge_values_stay_in_the_picture() -> None:
    plot = charts.columns([Point("a", 10**15), Point("b", 1)], written=str)
    assert all(0 <= bar.y <= 100 and bar.height <= 100 for bar in plot.bars)
    assert 3 <= len(plot.ticks) <= charts.TICKS + 2


def test_lying_bars_are_shares_of_the_longest() -> None:
    bars = charts.lying([Point("cola", 400), Point("bar", -100)], written=str)
    assert [(bar.width, bar.is_negative, bar.written) for bar in bars] == [
        (100, False, "400"),
        (25, True, "-100"),
    ]
