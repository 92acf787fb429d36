"""Business days: when the shop's day begins, and to which day an instant belongs.

A day is counted in whole days since 1970 and called by the date on which it begins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from tuckshop.domain.field_problems import DayAfter, DayOutOfRange, PeriodTooLong
from tuckshop.domain.refusals import InvalidField

MICROSECONDS = 1_000_000  # In a second: instants are counted in them.
DAY_SECONDS = 86_400

_WRITTEN = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_FIRST = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """Days that begin at `starts` by the clocks of `timezone`: 23 or 25 hours apart where clocks are set.

    A clock that shows `starts` twice begins the day when it does so first. One that leaves `starts` out
    begins it when `starts` would have come, had nobody set the clock.
    """

    timezone: tzinfo = UTC
    starts: time = time(0, 0)

    def of(self, instant_us: int) -> int:
        """The day to which an instant (microseconds since 1970, UTC) belongs."""
        local = (_EPOCH + timedelta(microseconds=instant_us)).astimezone(self.timezone)
        day = day_of(local.date()) + 1
        # By instants, not by the clock on the wall: what it shows twice must not lead back to yesterday.
        while self.start_us(day) > instant_us:
            day -= 1
        return day

    def start_us(self, day: int) -> int:
        """The first instant of a day."""
        starts = datetime.combine(date_of(day), self.starts, tzinfo=self.timezone)
        return (starts - _EPOCH) // timedelta(microseconds=1)


BY_UTC = BusinessDays()
"""Days from midnight to midnight, UTC."""


PERIOD_DAYS_MAX = 3_700  # Ten years and a little: what books are kept for.
PERIOD_DAYS = 30  # What is looked at unless somebody says more.
_YEARS = date(1970, 1, 2), date(9900, 1, 1)  # Every day has one before and after it, by every clock.


@dataclass(frozen=True, slots=True)
class Period:
    """From day to day, both of them in it."""

    first: date
    last: date


def period(first: date | None, last: date | None, *, today: date) -> Period:
    """The days asked for: until today, and thirty, unless said otherwise.

    Raises:
        InvalidField: it ends before it begins, is too long, or is outside of the calendar.
    """
    for field, day in (("from", first), ("to", last)):
        if day is not None and not _YEARS[0] <= day <= _YEARS[1]:
            raise InvalidField(field=field, problem=DayOutOfRange(f"{_YEARS[0]}", f"{_YEARS[1]}"))
    if last is None:
        last = today if first is None else max(today, first)
    if first is None:
        first = max(last - timedelta(days=PERIOD_DAYS - 1), _YEARS[0])
    if first > last:
        raise InvalidField(field="from", problem=DayAfter(f"{last}"))
    if (last - first).days >= PERIOD_DAYS_MAX:
        raise InvalidField(field="from", problem=PeriodTooLong(PERIOD_DAYS_MAX, f"{last}"))
    return Period(first, last)


def read(text: str) -> date:
    """`"2025-12-31"` -> the day. Raises ValueError for other texts and days that never are.

    Python itself takes weeks and digits without dashes too.
    """
    if _WRITTEN.fullmatch(text) is None:
        raise ValueError(f"not a day: {text!r}")
    return date.fromisoformat(text)


def date_of(day: int) -> date:
    """The date by which a day is called."""
    return date.fromordinal(day + _FIRST)


def day_of(called: date) -> int:
    """The day that is called by this date."""
    return called.toordinal() - _FIRST
