"""A new password or email address, in the contracts in which whoever holds a token may ask for one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contracts.conftest import Client, speaking
from tuckshop.domain.users import Role
from tuckshop.identity import sessions, users
from tuckshop.identity.login_throttle import PAIR
from tuckshop.identity.sessions import FRESH_SECONDS

PASSWORD = "correct horse"
NEW = "battery staple"
EMAIL = "new@example.org"


@dataclass
class Spoken:
    """One contract, and how it says the same things."""

    client: Client
    path: Callable[[dict[str, Any]], str]
    log_in: Callable[[str, str], Awaitable[Client]]

    async def user(self, name: str, role: str = "buyer") -> dict[str, Any]:
        await self.client.api.registered(name, PASSWORD, (role,))
        (row,) = [one for one in await self.client.api.shop.rows("users") if one["username"] == name]
        return row

    async def emails(self) -> set[str | None]:
        return {one["email"] for one in await self.client.api.shop.rows("users")}


@pytest.fixture(params=["simple-payment", "vending-challenge"])
async def spoken(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Spoken]:
    async with speaking(database_url, request.param) as client:

        async def simple(name: str, password: str = PASSWORD) -> Client:
            body = {"username": name, "password": password}
            told = await client.says("POST", "/api/get_token", body, status=200)
            return client.bearing(Authorization=f"Token {told['token']}")

        async def vending(name: str, password: str = PASSWORD) -> Client:
            body = {"username": name, "password": password}
            told = await client.says("POST", "/api/v1/auth/login/", body, status=200)
            return client.bearing(Authorization=f"Bearer {told['access']}")

        if request.param == "simple-payment":
            yield Spoken(client, lambda user: f"/api/user/{user['username']}", simple)
        else:
            yield Spoken(client, lambda user: f"/user/{user['id']}", vending)


async def aged(spoken: Spoken, seconds: int = FRESH_SECONDS) -> None:
    """All log-ins are older by so much; their tokens are as good as they were."""
    await spoken.client.api.shop.execute(
        "UPDATE sessions SET created_us = created_us - :us", us=seconds * 1_000_000
    )


@pytest.mark.parametrize("change", [{"password": NEW}, {"email": EMAIL}, {"email": EMAIL, "password": NEW}])
async def test_a_stolen_token_takes_no_account_over(spoken: Spoken, change: dict[str, str]) -> None:
    user = await spoken.user("ada")
    thief = await spoken.log_in("ada", PASSWORD)
    await aged(spoken)
    before = await spoken.client.api.shop.books()
    refused = await thief.says("PATCH", spoken.path(user), change, status=401)
    assert refused["code"] == "bad-credentials"
    assert await spoken.client.api.shop.books() == before
    await thief.says("GET", spoken.path(user), status=200)


async def test_a_wrong_current_password_is_refused_and_counted_even_at_a_fresh_log_in(spoken: Spoken) -> None:
    user = await spoken.user("ada")
    ada = await spoken.log_in("ada", PASSWORD)
    for wrong in ("x" * 1_025, None, 7):  # No password at all: nobody looks at it.
        await ada.says("PATCH", spoken.path(user), {"email": EMAIL, "current_password": wrong}, status=400)
    statuses = []
    for _ in range(PAIR.attempts + 1):
        body = {"email": EMAIL, "current_password": "wrong"}
        statuses.append((await ada.call("PATCH", spoken.path(user), body)).status_code)
    assert statuses == [401] * PAIR.attempts + [429]
    assert await spoken.emails() == {None}


async def test_the_current_password_is_enough_and_so_is_a_fresh_log_in(spoken: Spoken) -> None:
    user = await spoken.user("ada")
    ada = await spoken.log_in("ada", PASSWORD)
    await aged(spoken, FRESH_SECONDS - 1)
    await ada.says("PATCH", spoken.path(user), {"email": EMAIL}, status=200)
    await aged(spoken)
    body = {"email": "other@example.org", "current_password": PASSWORD}
    await ada.says("PATCH", spoken.path(user), body, status=200)
    assert await spoken.emails() == {None, "other@example.org"}
    body = {"password": NEW, "current_password": PASSWORD}
    await ada.says("PATCH", spoken.path(user), body, status=200)
    await ada.says("GET", spoken.path(user), status=401)
    await spoken.log_in("ada", NEW)


async def test_a_log_in_elsewhere_is_none_here(spoken: Spoken) -> None:
    user = await spoken.user("ada")
    ada = await spoken.log_in("ada", PASSWORD)
    await aged(spoken)
    await spoken.client.api.logged_in("ada", PASSWORD)  # To /v1, now.
    await ada.says("PATCH", spoken.path(user), {"email": EMAIL}, status=401)
    fresh = await spoken.log_in("ada", PASSWORD)
    await spoken.client.api.shop.execute("UPDATE sessions SET audience = 'any'")
    spoken.client.api.running.known_tokens.clear()
    await fresh.says("PATCH", spoken.path(user), {"email": EMAIL}, status=401)


async def test_a_new_email_ends_all_other_sessions_and_the_same_one_none(spoken: Spoken) -> None:
    user = await spoken.user("ada")
    ada, other = [await spoken.log_in("ada", PASSWORD) for _ in range(2)]
    page = await spoken.client.api.logged_in("ada", PASSWORD)
    await ada.says("PATCH", spoken.path(user), {"email": None, "username": "Ada"}, status=200)
    for client in (ada, other):
        await client.says("GET", spoken.path({**user, "username": "Ada"}), status=200)
    await ada.says("PATCH", spoken.path({**user, "username": "Ada"}), {"email": EMAIL}, status=200)
    await ada.says("GET", spoken.path({**user, "username": "Ada"}), status=200)
    await other.says("GET", spoken.path({**user, "username": "Ada"}), status=401)
    assert (await spoken.client.api.get("/v1/users/me", by=page["access"])).status_code == 401
    whole = {"email": EMAIL, "username": "Ada"}  # As clients send a user back.
    await aged(spoken)
    await ada.says("PATCH", spoken.path({**user, "username": "Ada"}), whole, status=200)


async def test_password_and_email_are_nobody_s_but_the_owner_s(spoken: Spoken) -> None:
    user = await spoken.user("ada")
    await spoken.user("bob")
    hashed = await spoken.client.api.running.passwords.hash(PASSWORD)
    await spoken.client.api.shop.execute(
        "UPDATE users SET password_hash = :h WHERE username = 'root'", h=hashed
    )
    admin, bob = await spoken.log_in("root", PASSWORD), await spoken.log_in("bob", PASSWORD)
    before = await spoken.client.api.shop.rows("users")
    for change in ({"password": NEW}, {"email": EMAIL}, {"email": EMAIL, "username": "lady"}):
        for more in ({}, {"current_password": PASSWORD}):
            refused = await admin.says("PATCH", spoken.path(user), {**change, **more}, status=403)
            assert refused["code"] == "not-owner"
            assert (await bob.call("PATCH", spoken.path(user), {**change, **more})).status_code in (403, 404)
    assert await spoken.client.api.shop.rows("users") == before


async def test_an_admin_s_own_password_and_email_are_the_admin_s(spoken: Spoken) -> None:
    hashed = await spoken.client.api.running.passwords.hash(PASSWORD)
    await spoken.client.api.shop.execute(
        "UPDATE users SET password_hash = :h WHERE username = 'root'", h=hashed
    )
    (root,) = await spoken.client.api.shop.rows("users")
    assert root["is_admin"], Role.ADMIN
    admin = await spoken.log_in("root", PASSWORD)
    await admin.says("PATCH", spoken.path(root), {"email": EMAIL}, status=200)
    await admin.says("PATCH", spoken.path(root), {"password": NEW}, status=200)
    await spoken.log_in("root", NEW)


async def test_ten_changes_at_once_with_one_fresh_log_in_leave_one_password(spoken: Spoken) -> None:
    user = await spoken.user("ada")
    ada = await spoken.log_in("ada", PASSWORD)
    wanted = [f"{NEW} {number}" for number in range(10)]
    answers = await asyncio.gather(
        *(ada.call("PATCH", spoken.path(user), {"password": password}) for password in wanted)
    )
    done = [password for password, one in zip(wanted, answers, strict=True) if one.status_code == 200]
    assert len(done) == 1, [one.status_code for one in answers]
    await spoken.log_in("ada", done[0])


async def test_a_reset_is_not_undone_by_a_fresh_log_in_s_change_that_began_before_it(
    spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await spoken.user("ada")
    thief = await spoken.log_in("ada", PASSWORD)
    shop = spoken.client.api.running
    real = sessions.proven
    new = ""

    async def proven(*given: Any, **more: Any) -> str:
        nonlocal new
        kept = await real(*given, **more)
        new = await users.reset_password(shop, username="ada")  # While the thief's change is on its way.
        return kept

    monkeypatch.setattr(sessions, "proven", proven)
    refused = await thief.says("PATCH", spoken.path(user), {"password": NEW}, status=401)
    assert refused["code"] == "bad-credentials"
    monkeypatch.undo()
    await spoken.log_in("ada", new)
