"""Business days begin when the shop says, by its own clock, and follow each other without a gap."""

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tuckshop.domain.days import BY_UTC, PERIOD_DAYS_MAX, BusinessDays, Period, date_of, day_of, period
from tuckshop.domain.field_problems import DayOutOfRange
from tuckshop.domain.refusals import InvalidField

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
HOUR_US = 3_600_000_000
TODAY = date(2026, 3, 15)


def us(*parts: int) -> int:
    """An instant, told in UTC."""
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc, arg-type]


def test_days_are_those_of_utc_unless_the_shop_says_otherwise() -> None:
    assert BY_UTC.of(0) == 0
    assert BY_UTC.of(us(2026, 1, 31, 23, 59, 59) + 999_999) == day_of(date(2026, 1, 31))
    assert BY_UTC.of(us(2026, 2, 1)) == day_of(date(2026, 2, 1))


def test_a_night_belongs_to_the_day_before() -> None:
    late = BusinessDays(BERLIN, time(4, 0))  # 04:00 in winter is 03:00 UTC
    assert date_of(late.of(us(2026, 1, 10, 2, 59))) == date(2026, 1, 9)
    assert date_of(late.of(us(2026, 1, 10, 3, 0))) == date(2026, 1, 10)


@pytest.mark.parametrize(
    ("called", "hours"),
    [(date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 26), 24)],
)
def test_days_on_which_clocks_are_set_have_23_and_25_hours(called: date, hours: int) -> None:
    days = BusinessDays(BERLIN)
    begins, ends = days.start_us(day_of(called)), days.start_us(day_of(called) + 1)
    assert ends - begins == hours * HOUR_US
    assert {date_of(days.of(begins)), date_of(days.of(ends - 1))} == {called}
    assert date_of(days.of(ends)) == called + timedelta(days=1)


def test_an_hour_that_comes_twice_begins_the_day_once() -> None:
    days = BusinessDays(BERLIN, time(2, 30))  # On 2026-10-25 it is 02:30 at 00:30 and at 01:30 UTC.
    seen = [date_of(days.of(us(2026, 10, 25, 0, 0) + minute * 60_000_000)) for minute in range(180)]
    assert seen == [date(2026, 10, 24)] * 30 + [date(2026, 10, 25)] * 150


def test_an_hour_that_never_comes_begins_the_day_when_it_would_have_come() -> None:
    days = BusinessDays(BERLIN, time(2, 30))  # On 2026-03-29 the clock goes from 02:00 (01:00 UTC) to 03:00.
    assert days.start_us(day_of(date(2026, 3, 29))) == us(2026, 3, 29, 1, 30)


zones = st.sampled_from(
    [UTC, *(zoneinfo.ZoneInfo(name) for name in (
        "Europe/Berlin", "America/Sao_Paulo", "America/Havana", "Asia/Kathmandu", "Australia/Lord_Howe",
        "Pacific/Apia", "Pacific/Kiritimati", "Atlantic/Azores", "Africa/Casablanca",
    ))]
)  # fmt: skip


@given(zones, st.times(), st.integers(0, us(2100, 1, 1)))
@example(zoneinfo.ZoneInfo("Pacific/Apia"), time(4, 0), us(2011, 12, 30, 12))  # a day that never came
@example(zoneinfo.ZoneInfo("Pacific/Apia"), time(0, 0), us(2011, 12, 30, 10))
def test_every_instant_is_within_its_day(zone: zoneinfo.ZoneInfo, starts: time, instant_us: int) -> None:
    days = BusinessDays(zone, starts)
    day = days.of(instant_us)
    assert days.start_us(day) <= instant_us < days.start_us(day + 1)
    assert days.of(instant_us + 1) in (day, day + 1)
    assert day_of(date_of(day)) == day


def test_a_period_is_thirty_days_until_today() -> None:
    assert period(None, None, today=TODAY) == Period(date(2026, 2, 14), TODAY)
    assert period(date(2026, 3, 1), None, today=TODAY) == Period(date(2026, 3, 1), TODAY)
    assert period(None, date(2025, 12, 31), today=TODAY) == Period(date(2025, 12, 2), date(2025, 12, 31))
    assert period(date(2027, 1, 1), None, today=TODAY) == Period(date(2027, 1, 1), date(2027, 1, 1))
    assert period(None, date(1970, 1, 5), today=TODAY).first == date(1970, 1, 2)


def test_a_period_is_within_the_calendar() -> None:
    first, last = date(1970, 1, 2), date(9900, 1, 1)
    assert period(first, first, today=TODAY) == Period(first, first)
    assert period(last, last, today=TODAY) == Period(last, last)
    for day in (first - timedelta(days=1), last + timedelta(days=1)):
        with pytest.raises(InvalidField) as refused:
            period(None, day, today=TODAY)
        assert refused.value == InvalidField(field="to", problem=DayOutOfRange("1970-01-02", "9900-01-01"))


def test_a_period_has_an_end() -> None:
    longest = TODAY - timedelta(days=PERIOD_DAYS_MAX - 1)
    assert period(longest, TODAY, today=TODAY).first == longest
    for first, last, field in (
        (TODAY, TODAY - timedelta(days=1), "from"),
        (longest - timedelta(days=1), TODAY, "from"),
        (date(1, 1, 1), TODAY, "from"),
        (TODAY, date(9999, 12, 31), "to"),
        (date(9999, 12, 31), None, "from"),
    ):
        with pytest.raises(InvalidField) as refused:
            period(first, last, today=TODAY)
        assert refused.value.field == field
