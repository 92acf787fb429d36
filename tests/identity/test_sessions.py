"""Sessions where threads cross; tests/api/test_sessions.py has the rest."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from tests.shop import Clock
from tuckshop.context import Shop
from tuckshop.domain.refusals import BadCredentials, CredentialReused, SessionEnded
from tuckshop.domain.users import Role, Scope
from tuckshop.identity import api_tokens, browser_sessions, registration, sessions, users
from tuckshop.identity.access_tokens import ACCESS_SECONDS
from tuckshop.identity.audiences import V1
from tuckshop.identity.sessions import LoggedIn
from tuckshop.store import tables
from tuckshop.store.engine import reading

PASSWORD = "correct horse"


async def log_in(shop: Shop) -> LoggedIn:
    return await sessions.log_in(shop, username="ada", password=PASSWORD)


@pytest.fixture
async def shop(open_for_business: Shop) -> Shop:
    await registration.add(
        open_for_business, username="ada", email=None, password=PASSWORD, roles=[Role.BUYER]
    )
    return open_for_business


async def test_two_refreshes_at_once_have_at_most_one_winner(shop: Shop) -> None:
    for _ in range(5):
        logged_in = await log_in(shop)
        answers = await asyncio.gather(
            *(sessions.refresh(shop, token=logged_in.refresh) for _ in range(4)), return_exceptions=True
        )
        winners = [answer for answer in answers if isinstance(answer, LoggedIn)]
        losers = [answer for answer in answers if isinstance(answer, CredentialReused | SessionEnded)]
        assert len(winners) == 1
        assert len(losers) == 3
        with pytest.raises(SessionEnded):  # Whoever it was: two had the token.
            await sessions.refresh(shop, token=winners[0].refresh)


async def test_no_log_in_outlives_a_change_of_password(shop: Shop, clock: Clock) -> None:
    user = await users.find_by_name(shop, username="ada")
    for old, new in ((PASSWORD, "battery staple"), ("battery staple", PASSWORD)):
        answers = await asyncio.gather(
            *(sessions.log_in(shop, username="ada", password=old) for _ in range(3)),
            users.change(shop, user_id=user.id, password=new, current_password=old),
            return_exceptions=True,
        )
        for answer in answers:
            assert isinstance(answer, LoggedIn | BadCredentials | users.User), answer
            if isinstance(answer, LoggedIn):
                with pytest.raises(SessionEnded):
                    await sessions.actor(shop, caller=shop.tokens.caller(answer.access))


async def test_a_password_that_is_changed_while_it_is_checked_lets_nobody_in(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = shop.passwords.fits

    async def fits_and_is_changed(password: str, kept: str | None) -> bool:
        fitted = await fits(password, kept)
        await users.reset_password(shop, username="ada", password="battery staple")
        return fitted

    monkeypatch.setattr(shop.passwords, "fits", fits_and_is_changed)
    with pytest.raises(BadCredentials):
        await log_in(shop)


async def test_no_secret_is_kept_as_it_was_given(shop: Shop) -> None:
    user = await users.find_by_name(shop, username="ada")
    _, secret = await api_tokens.make(shop, user_id=user.id, name="printer", scopes=[Scope.READ], days=1)
    browser = await browser_sessions.log_in(shop, username="ada", password=PASSWORD)
    async with reading(shop.engine) as connection:
        kept = list(await connection.scalars(select(tables.api_tokens.c.secret_hash)))
    assert len(kept) == 2
    for given in (secret, browser.secret):
        assert not any(given.encode() in one for one in kept)


async def test_everything_ends_once(shop: Shop) -> None:
    first, second = await log_in(shop), await log_in(shop)
    caller = shop.tokens.caller(first.access)
    assert await sessions.log_out_everywhere(shop, caller=caller) == 2
    for logged_in in (first, second):
        with pytest.raises(SessionEnded):
            await sessions.log_out(shop, caller=shop.tokens.caller(logged_in.access))
    assert await sessions.log_out_everywhere_by_password(shop, username="ada", password=PASSWORD) == 0


async def test_all_others_end_and_this_one_stays(shop: Shop) -> None:
    callers = [shop.tokens.caller((await log_in(shop)).access) for _ in range(3)]
    token, _ = await api_tokens.make(
        shop, user_id=callers[0].user_id or 0, name="printer", scopes=[Scope.READ], days=1
    )
    assert await sessions.end_others(shop, caller=callers[1]) == 2
    assert await sessions.end_others(shop, caller=callers[1]) == 0
    found = await sessions.page(shop, user_id=callers[0].user_id or 0, before_id=None, limit=9)
    assert [one.id for one in found] == [callers[1].session_id]
    kept = await api_tokens.page(shop, user_id=callers[0].user_id or 0, before_id=None, limit=9)
    assert [one.id for one in kept] == [token.id]
    with pytest.raises(SessionEnded):
        await sessions.end_others(shop, caller=callers[0])


async def test_a_refresh_token_renews_again_and_again_for_its_day(shop: Shop, clock: Clock) -> None:
    logged_in = await log_in(shop)
    access = logged_in.access
    for _ in range(3):
        clock.forward(8 * 3_600 - 1)
        access = await sessions.renew(shop, token=logged_in.refresh, audience=V1)
        assert (await sessions.actor(shop, caller=shop.tokens.caller(access))).user_id == logged_in.user.id
    clock.forward(ACCESS_SECONDS)
    with pytest.raises(SessionEnded):
        shop.tokens.caller(access)
    with pytest.raises(SessionEnded):
        await sessions.renew(shop, token=logged_in.refresh, audience=V1)


async def test_nothing_renews_once_its_session_is_over(shop: Shop) -> None:
    logged_in = await log_in(shop)
    await sessions.log_out(shop, caller=shop.tokens.caller(logged_in.access))
    for token in (logged_in.refresh, logged_in.access, "", "x"):
        with pytest.raises(SessionEnded):
            await sessions.renew(shop, token=token, audience=V1)


async def test_renewing_with_a_token_that_was_used_up_ends_the_session(shop: Shop) -> None:
    first = await log_in(shop)
    second = await sessions.refresh(shop, token=first.refresh)
    await sessions.renew(shop, token=second.refresh, audience=V1)
    with pytest.raises(CredentialReused):
        await sessions.renew(shop, token=first.refresh, audience=V1)
    with pytest.raises(SessionEnded):  # Whoever it was: two had the session's tokens.
        await sessions.renew(shop, token=second.refresh, audience=V1)
    with pytest.raises(SessionEnded):
        await sessions.actor(shop, caller=shop.tokens.caller(second.access))
