"""At whichever door a user is closed: what told who it was is gone, and another may have the name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.conftest import Api, serving
from tuckshop.domain.users import Actor, Role, UserState
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.identity.closed_users import address_hash
from tuckshop.operations import erasing
from tuckshop.queries import payout_signals
from tuckshop.queries import users as user_queries

NAME, ADDRESS, PASSWORD = "wilhelmina", "wilhelmina@example.org", "correct horse"
DIALECTS = ("simple-payment", "vending-challenge")


@dataclass
class Closing:
    """A user of the shop, with a log-in and an API token, and an admin."""

    api: Api
    user_id: int
    access: str
    token: str
    admin: str


async def opened(api: Api) -> Closing:
    body = {"username": NAME, "email": ADDRESS, "password": PASSWORD, "roles": ["buyer"]}
    assert (await api.post("/v1/users", body)).status_code == 201
    told = await api.logged_in(NAME, PASSWORD)
    asked = {"name": "my script", "scopes": ["read"], "days": 30}
    made = await api.post("/v1/auth/tokens", asked, by=told["access"])
    assert made.status_code == 201, made.text
    admin = api.token(await api.shop.person("root", Role.ADMIN))
    return Closing(api, told["user"]["id"], told["access"], made.json()["token"], admin)


async def by_oneself(one: Closing) -> int:
    return (await one.api.call("DELETE", "/v1/users/me", by=one.access)).status_code


async def by_an_admin(one: Closing) -> int:
    return (await one.api.call("DELETE", f"/v1/users/{one.user_id}", by=one.admin)).status_code


async def at_vending_challenge(one: Closing) -> int:
    at = "/dialects/vending-challenge/api/v1"
    body = {"username": NAME, "password": PASSWORD}
    told = (await one.api.post(f"{at}/auth/login/", body)).json()
    path = f"{at}/users/{one.user_id}/"
    return (await one.api.call("DELETE", path, by=told["access"])).status_code


async def at_simple_payment(one: Closing) -> int:
    at = "/dialects/simple-payment/api"
    body = {"username": NAME, "password": PASSWORD}
    told = (await one.api.post(f"{at}/get_token", body)).json()
    headers = {"Authorization": f"Token {told['token']}"}
    return (await one.api.call("DELETE", f"{at}/user/{NAME}", headers=headers)).status_code


DOORS: tuple[Callable[[Closing], Awaitable[int]], ...] = (
    by_oneself,
    by_an_admin,
    at_vending_challenge,
    at_simple_payment,
)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
async def test_nothing_is_left_and_nothing_is_inherited(
    database_url: str, door: Callable[[Closing], Awaitable[int]]
) -> None:
    settings: dict[str, Any] = {"dialects": ",".join(DIALECTS), "coins": CoinsPolicy.SELF}
    async with serving(database_url, **settings) as api:
        one = await opened(api)
        assert await door(one) == 204
        await erasing.erase_closed(api.running)
        row = next(row for row in await api.shop.rows("users") if row["id"] == one.user_id)
        assert (row["username"], row["email"], row["password_hash"]) == (
            f"closed user {one.user_id}",
            None,
            "",
        )
        assert bytes(row["email_hash"]) == address_hash(api.running.tokens, ADDRESS)
        assert await api.shop.rows("api_tokens") == []
        for name in ("users", "sessions", "user_skeletons", "admin_log", "api_tokens"):
            assert NAME not in repr(await api.shop.rows(name)).casefold(), name
        own = [row for row in await api.shop.rows("sessions") if row["user_id"] == one.user_id]
        assert {(row["device"], row["address"]) for row in own} == {(None, None)}

        again = await api.post(
            "/v1/users",
            {"username": NAME, "email": ADDRESS, "password": PASSWORD, "roles": ["buyer"]},
        )
        assert again.status_code == 201
        told = await api.logged_in(NAME, PASSWORD)
        assert told["user"]["id"] != one.user_id
        for old in (one.access, one.token):
            assert (await api.get("/v1/users/me", by=old)).status_code == 401
        assert (await api.get("/v1/auth/tokens", by=told["access"])).json()["items"] == []
        orders = await api.get("/v1/orders", by=told["access"])
        assert orders.json()["items"] == []
        await api.shop.assert_clean()


async def test_nobody_registers_as_a_closed_user(api: Api) -> None:
    for name in ("closed user 4", "Closed  User 4", "c1osed user 4", "closed-user", "Former Buyers"):
        body = {"username": name, "password": PASSWORD, "roles": ["buyer"]}
        answer = await api.post("/v1/users", body)
        assert answer.status_code in (409, 422), (name, answer.text)
    ada = await api.registered("ada")
    answer = await api.call("PATCH", "/v1/users/me", {"username": "closed user 9"}, by=ada["access"])
    assert answer.status_code == 422
    answer = await api.call("PATCH", "/v1/users/me", {"username": "cl0sed user 9"}, by=ada["access"])
    assert answer.status_code in (409, 422)


async def test_a_former_seller_is_found_by_the_whole_address(api: Api) -> None:
    one = await opened(api)
    assert await by_oneself(one) == 204
    admin = Actor(1, frozenset({Role.ADMIN}))
    for keyword, state, found in (
        (ADDRESS.upper(), UserState.CLOSED, [one.user_id]),
        ("wilhelmina@", UserState.CLOSED, []),
        ("other@example.org", UserState.CLOSED, []),
        (ADDRESS, None, []),
    ):
        page = await user_queries.page(api.running, actor=admin, keyword=keyword, state=state, limit=9)
        assert [record.user.id for record in page] == found, keyword
    seller = await api.shop.person("back", Role.SELLER)
    assert seller.user_id is not None
    await api.shop.execute(
        "UPDATE users SET email = :email, email_key = :email WHERE id = :id", email=ADDRESS, id=seller.user_id
    )
    signals = await payout_signals.of_sellers(api.running, actor=admin, seller_ids=[seller.user_id])
    (namesake,) = signals[seller.user_id].namesakes
    assert (namesake.username, namesake.owed_cents) == (f"closed user {one.user_id}", 0)
