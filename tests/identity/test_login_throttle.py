"""Nobody tries passwords until one fits, and nobody is kept out by those who do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.shop import Clock
from tuckshop.context import Shop
from tuckshop.domain.refusals import BadCredentials, TooManyTries
from tuckshop.domain.users import Role
from tuckshop.identity import login_throttle, registration, sessions, users
from tuckshop.identity.sessions import LoggedIn

PASSWORD = "correct horse"
HOME, WORLD = "192.0.2.7", "198.51.100.9"


@pytest.fixture
async def shop(open_for_business: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(login_throttle, "DELAY_SECONDS", 0.0)
    await registration.add(
        open_for_business, username="ada", email=None, password=PASSWORD, roles=[Role.BUYER]
    )
    return open_for_business


async def log_in(shop: Shop, password: str = PASSWORD, *, name: str = "ada", address: str = HOME) -> Any:
    """The log-in, or why not."""
    try:
        return await sessions.log_in(shop, username=name, password=password, address=address)
    except (BadCredentials, TooManyTries) as refusal:
        return refusal


async def fill(shop: Shop, *, name: str = "ada", address: str = WORLD) -> int:
    """Tries wrong passwords until that is refused; how many were looked at."""
    for looked_at in range(1000):
        if isinstance(await log_in(shop, "wrong horse", name=name, address=address), TooManyTries):
            return looked_at
    raise AssertionError


async def test_ten_tries_at_once_and_then_one_a_minute(shop: Shop, clock: Clock) -> None:
    assert await fill(shop) == login_throttle.PAIR.attempts == 10
    refused = await log_in(shop, address=WORLD)  # The right one, but who knows.
    assert refused == TooManyTries(retry_seconds=60)
    clock.forward(59)
    assert await log_in(shop, "wrong horse", address=WORLD) == TooManyTries(retry_seconds=1)
    clock.forward(1)
    assert await fill(shop) == 1
    clock.forward(3600)
    assert await fill(shop) == 10


async def test_names_that_nobody_has_are_counted_alike(shop: Shop) -> None:
    assert await fill(shop, name="nobody") == await fill(shop, name="ada") == 10
    assert isinstance(await log_in(shop, name="NOBODY", address=WORLD), TooManyTries)


async def test_a_good_try_counts_no_more(shop: Shop) -> None:
    for _ in range(3 * login_throttle.PAIR.attempts):
        assert isinstance(await log_in(shop), LoggedIn)
    assert await fill(shop, address=HOME) == 10


async def test_many_at_once_are_counted_one_by_one(shop: Shop) -> None:
    answers = await asyncio.gather(*(log_in(shop, "wrong horse") for _ in range(30)))
    assert sum(isinstance(answer, BadCredentials) for answer in answers) == 10
    assert sum(isinstance(answer, TooManyTries) for answer in answers) == 20


async def test_many_addresses_do_not_try_one_name_for_ever(shop: Shop) -> None:
    looked_at = 0
    for place in range(20):
        looked_at += await fill(shop, address=f"203.0.{place}.1")
    assert looked_at == login_throttle.USER.attempts == 50


async def test_one_network_does_not_try_all_names(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_throttle, "NETWORK", login_throttle.Limit(12, 10))
    looked_at = 0
    for place in range(1, 5):
        looked_at += await fill(shop, name=f"user{place}", address=f"203.0.113.{place}")
    assert looked_at == 12
    assert await fill(shop, name="user9", address="203.0.114.1") == 10


@pytest.mark.parametrize("home", [HOME, "2001:db8::1", "::ffff:192.0.2.7"])
async def test_the_owner_is_let_in_from_where_they_were_before(shop: Shop, home: str) -> None:
    assert isinstance(await log_in(shop, address=home), LoggedIn)
    for place in range(6):
        await fill(shop, address=f"203.0.{place}.1")
    assert isinstance(await log_in(shop, address="203.0.99.1"), TooManyTries)
    assert isinstance(await log_in(shop, address=home), LoggedIn)


async def test_an_ipv6_network_is_one_address(shop: Shop) -> None:
    assert await fill(shop, address="2001:db8::1") == 10
    assert isinstance(await log_in(shop, address="2001:db8::2"), TooManyTries)
    assert isinstance(await log_in(shop, address="2001:db8:0:1::2"), LoggedIn)


async def test_the_present_password_is_no_way_around(shop: Shop) -> None:
    user = await users.find_by_name(shop, username="ada")
    for _ in range(10):
        with pytest.raises(BadCredentials):
            await users.change(shop, user_id=user.id, password="battery staple", current_password="x")
    with pytest.raises(TooManyTries):
        await users.change(shop, user_id=user.id, password="battery staple", current_password=PASSWORD)


async def test_the_second_half_of_the_tries_waits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(round(seconds, 1))

    monkeypatch.setattr(login_throttle, "DELAY_SECONDS", 0.2)
    monkeypatch.setattr("tuckshop.identity.login_throttle.asyncio.sleep", sleep)
    for _ in range(10):
        await login_throttle.begin(shop, username="ada", address=WORLD)
    assert waited == [0.2, 0.4, 0.6, 0.8, 1.0]


async def test_counts_that_have_run_dry_are_deleted(shop: Shop, clock: Clock) -> None:
    await fill(shop)
    clock.forward(599)
    await login_throttle.forget_old(shop)
    assert isinstance(await log_in(shop, address=WORLD), LoggedIn)
    clock.forward(3600)
    await login_throttle.forget_old(shop)
    from sqlalchemy import func, select

    from tuckshop.store.engine import reading

    async with reading(shop.engine) as connection:
        assert await connection.scalar(select(func.count()).select_from(login_throttle.attempts)) == 0
