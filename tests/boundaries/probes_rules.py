"""Boundaries of rules that need no shop: each is asked so many microseconds or days past the boundary."""

from __future__ import annotations

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from tests.boundaries.scene import DAY_US
from tests.shop import NOON_US
from tuckshop.domain import days
from tuckshop.domain.days import PERIOD_DAYS_MAX, BusinessDays, day_of, period
from tuckshop.domain.limits import hourly
from tuckshop.domain.refusals import InvalidField, SessionEnded
from tuckshop.identity import sessions
from tuckshop.identity.access_tokens import ACCESS_SECONDS, REFRESH_SECONDS, Tokens
from tuckshop.till.callers import SessionCaller

CALLER = SessionCaller(3, 7)
BERLIN = BusinessDays(ZoneInfo("Europe/Berlin"), time(4))
# The clocks are set forward on one and back on another.
DAYS = (date(2025, 3, 30), date(2025, 7, 1), date(2025, 10, 26))


def day_that_begins(microseconds: int) -> str:
    of = {BERLIN.of(BERLIN.start_us(day_of(one)) + microseconds) - day_of(one) for one in DAYS}
    (since,) = of
    return {-1: "the day before", 0: "the day"}[since]


def first_year(more: int) -> str:
    return _taken(days._YEARS[0] + timedelta(days=more), days._YEARS[0] + timedelta(days=9))


def last_year(more: int) -> str:
    return _taken(days._YEARS[1] - timedelta(days=9), days._YEARS[1] + timedelta(days=more))


def backwards(more: int) -> str:
    return _taken(date(2025, 7, 1) + timedelta(days=more), date(2025, 7, 1))


def too_long(more: int) -> str:
    first = date(2025, 7, 1)
    return _taken(first, first + timedelta(days=PERIOD_DAYS_MAX - 1 + more))


def access_token(microseconds: int) -> str:
    clock = _Clock()
    tokens = Tokens(secret=b"s" * 32, clock=clock)
    token = tokens.access(CALLER)
    clock.now_us += ACCESS_SECONDS * 1_000_000 + microseconds
    return _good(lambda: tokens.caller(token))


def fresh_log_in(microseconds: int) -> bool:
    return sessions.is_fresh(NOON_US, now_us=NOON_US + 600_000_000 + microseconds)


def log_in_to_come(microseconds: int) -> bool:
    return sessions.is_fresh(NOON_US, now_us=NOON_US + microseconds)


def known_access_token(microseconds: int) -> str:
    clock = _Clock()
    tokens = Tokens(secret=b"s" * 32, clock=clock)
    token = tokens.access(CALLER)
    tokens.caller(token)  # From now on it is remembered.
    clock.now_us += ACCESS_SECONDS * 1_000_000 + microseconds
    return _good(lambda: tokens.caller(token))


def refresh_token(microseconds: int) -> str:
    clock = _Clock()
    tokens = Tokens(secret=b"s" * 32, clock=clock)
    token = tokens.refresh(CALLER, generation=1)
    clock.now_us += REFRESH_SECONDS * 1_000_000 + microseconds
    return _good(lambda: tokens.refreshing(token))


def token_of_a_clock_ahead(microseconds: int) -> str:
    ahead, clock = _Clock(), _Clock()
    token = Tokens(secret=b"s" * 32, clock=ahead).access(CALLER)
    clock.now_us += microseconds
    return _good(lambda: Tokens(secret=b"s" * 32, clock=clock).caller(token))


def limiting_hour(microseconds: int) -> tuple[int, int]:
    """How many seconds since the day began the window did, and for how many it still lasts."""
    counter, day_us = hourly("coins", "shop"), NOON_US // DAY_US * DAY_US
    now_us = day_us + 3_600 * 1_000_000 + microseconds
    return (counter.starts_us(now_us) - day_us) // 1_000_000, counter.wait_seconds(now_us)


class _Clock:
    now_us = NOON_US // DAY_US * DAY_US

    def __call__(self) -> int:
        return self.now_us


def _good(read: object) -> str:
    try:
        read()  # type: ignore[operator]
    except SessionEnded:
        return "no"
    return "good"


def _taken(first: date, last: date) -> str:
    try:
        period(first, last, today=date(2025, 7, 1))
    except InvalidField as refusal:
        return type(refusal.problem).__name__
    return "taken"
