"""Log-ins with one secret: as good as any log-in, known by a hash alone, and ended by all that ends them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.shop import Clock
from tuckshop.context import Shop
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.domain.refusals import BadCredentials, SessionEnded
from tuckshop.domain.users import Role, Scope
from tuckshop.identity import api_tokens, browser_sessions, registration, sessions
from tuckshop.identity.access_tokens import Tokens
from tuckshop.queries import data_export

PASSWORD = "correct horse"


@pytest.fixture
async def shop(open_for_business: Shop) -> Shop:
    shop = open_for_business
    await registration.add(shop, username="ada", email=None, password=PASSWORD, roles=[Role.BUYER])
    return shop


async def log_in(shop: Shop, days: int = 30) -> browser_sessions.BrowserSession:
    return await browser_sessions.log_in(shop, username="ada", password=PASSWORD, days=days)


def restarted(shop: Shop) -> Shop:
    """The shop with nothing remembered."""
    return replace(shop, tokens=Tokens(secret=b"x" * 32, clock=shop.clock))


async def test_the_secret_is_known_whether_it_is_remembered_or_not(shop: Shop) -> None:
    entered = await log_in(shop)
    for one in (shop, shop, restarted(shop)):
        caller = await browser_sessions.caller(one, secret=entered.secret)
        assert caller == entered.caller
        assert (await sessions.actor(one, caller=caller)).roles == {Role.BUYER}
    again = await log_in(shop)
    assert again.active_sessions == 1
    assert again.secret != entered.secret


async def test_nothing_else_is_a_secret(shop: Shop) -> None:
    entered = await log_in(shop)
    user_id = entered.caller.user_id or 0
    _, token = await api_tokens.make(shop, user_id=user_id, name="x", scopes=[Scope.READ], days=1)
    access = (await sessions.log_in(shop, username="ada", password=PASSWORD)).access
    for one in (shop, restarted(shop)):
        for secret in (
            "",
            browser_sessions.PREFIX,
            entered.secret + "x",
            entered.secret[:-1],
            token,
            access,
            "\x00",
        ):
            with pytest.raises(SessionEnded):
                await browser_sessions.caller(one, secret=secret)
        with pytest.raises(SessionEnded):  # Or a log-in would be a token without scopes.
            await api_tokens.known(restarted(one), secret=entered.secret)
    with pytest.raises(BadCredentials):
        await browser_sessions.log_in(shop, username="ada", password="wrong one")


async def test_it_lasts_its_days_and_ends_with_the_others(shop: Shop, clock: Clock) -> None:
    short, long = await log_in(shop, days=1), await log_in(shop)
    clock.forward(DAY_SECONDS + 1)
    with pytest.raises(SessionEnded):
        await sessions.actor(shop, caller=await browser_sessions.caller(shop, secret=short.secret))
    caller = await browser_sessions.caller(shop, secret=long.secret)
    assert await sessions.log_out_everywhere(shop, caller=caller) >= 1
    with pytest.raises(SessionEnded):
        await sessions.actor(shop, caller=caller)


async def test_it_is_a_log_in_and_no_api_token(shop: Shop) -> None:
    entered = await log_in(shop)
    user_id = entered.caller.user_id or 0
    assert await api_tokens.page(shop, user_id=user_id, before_id=None, limit=10) == []
    (stands,) = await sessions.page(shop, user_id=user_id, before_id=None, limit=10)
    assert stands.id == entered.caller.session_id
    assert entered.secret not in str(await data_export.collect(shop, user_id=user_id))


def test_a_seal_needs_the_shops_secret(clock: Clock) -> None:
    one, other = (Tokens(secret=secret * 32, clock=clock) for secret in (b"a", b"b"))
    assert one.seal(b"body") == one.seal(b"body")
    assert len({one.seal(b"body"), one.seal(b"bodx"), other.seal(b"body")}) == 3
