"""Of a folder's backups stay 7 daily, 4 weekly and 12 monthly ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tuckshop.operations.backups import rotation

FIRST = datetime(2025, 1, 1, 2, 15, tzinfo=UTC)


def dates(made: set[datetime]) -> list[str]:
    return [f"{at:%m-%d}" for at in sorted(made)]


def test_a_year_of_nightly_backups() -> None:
    every_night = [FIRST + timedelta(days=day) for day in range(365)]
    days = ["12-25", "12-26", "12-27", "12-28", "12-29", "12-30", "12-31"]
    weeks = ["12-14", "12-21"]  # Sundays; 12-28 and the running week's 12-31 are among the days.
    months = ["01-31", "02-28", "03-31", "04-30", "05-31", "06-30"]
    months += ["07-31", "08-31", "09-30", "10-31", "11-30"]
    assert dates(rotation.kept(every_night)) == [*months, *weeks, *days]


def test_every_night_one_goes_and_the_rest_stays() -> None:
    """What is removed today is what no later day would have kept: rotating daily ends as rotating once."""
    there: set[datetime] = set()
    for day in range(800):
        there.add(FIRST + timedelta(days=day))
        there = rotation.kept(there)
        assert len(there) <= rotation.DAYS + rotation.WEEKS + rotation.MONTHS
    months = {(at.year, at.month) for at in there}
    assert len(months) == rotation.MONTHS
    assert len({at.isocalendar()[:2] for at in there}) >= rotation.WEEKS


def test_of_one_day_the_newest_stays() -> None:
    many = [FIRST + timedelta(minutes=minute) for minute in range(60)]
    assert rotation.kept(many) == {many[-1]}


def test_after_a_pause_nothing_goes_that_was_kept() -> None:
    week = [FIRST + timedelta(days=day) for day in range(6)]
    assert rotation.kept(week) == set(week)
    assert rotation.kept([*week, FIRST + timedelta(days=300)]) > set(week)


def test_nothing_else_is_touched(tmp_path: Path) -> None:
    others = [
        "shop.tar",
        "tuckshop-20250101.tar",
        "tuckshop-20251301T021500Z.tar",
        "tuckshop-20250101T021500Z.tar.1",
    ]
    for name in others:
        (tmp_path / name).touch()
    (tmp_path / "tuckshop-20250103T021500Z.tar").mkdir()
    (tmp_path / "tuckshop-20250104T021500Z.tar").symlink_to("shop.tar")
    for minute in range(3):
        at = FIRST + timedelta(minutes=minute)
        (tmp_path / rotation.name_of(int(at.timestamp()) * 1_000_000)).touch()
    gone = rotation.rotate(tmp_path)
    assert [path.name for path in gone] == ["tuckshop-20250101T021600Z.tar", "tuckshop-20250101T021500Z.tar"]
    assert len(list(tmp_path.iterdir())) == len(others) + 2 + 1
