"""Which of a folder's backups stay: the newest of each of 7 days, of 4 weeks and of 12 months."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

DAYS, WEEKS, MONTHS = 7, 4, 12
_FORM = "tuckshop-%Y%m%dT%H%M%SZ.tar"
_NAME = re.compile(r"tuckshop-[0-9]{8}T[0-9]{6}Z\.tar", re.ASCII)

_PERIODS: tuple[tuple[int, Callable[[datetime], object]], ...] = (
    (DAYS, lambda at: at.date()),
    (WEEKS, lambda at: at.isocalendar()[:2]),
    (MONTHS, lambda at: (at.year, at.month)),
)


def name_of(at_us: int) -> str:
    """The name of a backup of that instant: `tuckshop-20260131T021500Z.tar`."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime(_FORM)


def found_in(folder: Path) -> dict[datetime, Path]:
    """The folder's backups with names such as `name_of` makes, newest first, and when they were made."""
    found = {}
    for path in folder.iterdir():
        if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            try:
                found[datetime.strptime(path.name, _FORM).replace(tzinfo=UTC)] = path
            except ValueError:  # The 31st of February: not ours.
                continue
    return dict(sorted(found.items(), reverse=True))


def kept(made: Iterable[datetime]) -> set[datetime]:
    """Those that stay. Days without a backup do not count: a pause removes nothing."""
    newest_first = sorted(made, reverse=True)
    stay: set[datetime] = set()
    for count, period_of in _PERIODS:
        newest_of: dict[object, datetime] = {}
        for at in newest_first:
            newest_of.setdefault(period_of(at), at)
        stay.update(list(newest_of.values())[:count])
    return stay


def rotate(folder: Path) -> list[Path]:
    """Removes the backups that need not stay; returns them. Other files are left alone."""
    found = found_in(folder)
    stay = kept(found)
    gone = [path for at, path in found.items() if at not in stay]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone
