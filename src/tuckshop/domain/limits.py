"""What may be done so much and no more within an hour or a day, whoever does it: counters that limit.

A limit never counts what costs nothing, such as names of guests or fresh users: its subject is a machine, the
shop, or somebody whom the shop knows.
"""

from __future__ import annotations

from typing import NamedTuple

from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS

HOUR_SECONDS = 3_600


class LimitCounter(NamedTuple):
    """What is counted, of whom, and for how long: `coins` of `machine:3` within each hour."""

    what: str
    subject: str
    window_seconds: int

    @property
    def name(self) -> str:
        """Under which it is stored; never another's."""
        return f"{self.subject}/{self.what}/{self.window_seconds}"

    def starts_us(self, now_us: int) -> int:
        """When the window began that an instant belongs to."""
        return now_us - now_us % (self.window_seconds * MICROSECONDS)

    def wait_seconds(self, now_us: int) -> int:
        """Until the next window begins; at least 1."""
        ends_us = self.starts_us(now_us) + self.window_seconds * MICROSECONDS
        return -((now_us - ends_us) // MICROSECONDS)


def hourly(what: str, subject: str) -> LimitCounter:
    """Counts within each hour of UTC."""
    return LimitCounter(what, subject, HOUR_SECONDS)


def daily(what: str, subject: str) -> LimitCounter:
    """Counts within each day of UTC."""
    return LimitCounter(what, subject, DAY_SECONDS)
