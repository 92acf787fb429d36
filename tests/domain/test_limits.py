"""Windows of limits: each instant is in one, and a wait leads to the next."""

from __future__ import annotations

import pytest

from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.limits import daily, hourly

NOON_US = 1_700_049_600 * MICROSECONDS  # 2023-11-15, 12:00 UTC


def test_a_counter_is_called_by_what_it_counts_of_whom_and_for_how_long() -> None:
    assert hourly("coins", "machine:3").name == "machine:3/coins/3600"
    assert daily("coins", "machine:3").name == "machine:3/coins/86400"


@pytest.mark.parametrize(
    ("after_us", "starts_us", "wait_seconds"),
    [
        (-1, -3600 * MICROSECONDS, 1),
        (0, 0, 3600),
        (1, 0, 3600),
        (MICROSECONDS, 0, 3599),
        (3600 * MICROSECONDS - 1, 0, 1),
        (3600 * MICROSECONDS, 3600 * MICROSECONDS, 3600),
    ],
)
def test_an_hour_ends_as_the_next_begins(after_us: int, starts_us: int, wait_seconds: int) -> None:
    counter = hourly("coins", "machine:3")
    assert counter.starts_us(NOON_US + after_us) == NOON_US + starts_us
    assert counter.wait_seconds(NOON_US + after_us) == wait_seconds


def test_a_day_begins_at_midnight() -> None:
    counter = daily("coins", "machine:3")
    assert counter.starts_us(NOON_US) == NOON_US - 12 * 3600 * MICROSECONDS
    assert counter.wait_seconds(NOON_US) == 12 * 3600
