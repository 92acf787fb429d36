"""A token is good for the contract that gave it, and for no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api, serving
from tests.limits import HANG_SECONDS
from tuckshop.app import api as v1
from tuckshop.dialects import NAMES
from tuckshop.dialects.shared import mounting
from tuckshop.domain.users import Role, Scope
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.http.router import Route
from tuckshop.identity import api_tokens, browser_sessions
from tuckshop.identity.audiences import ANY
from tuckshop.till.callers import SessionCaller

PASSWORD = "correct horse"
LOGGED_IN = ("simple-payment", "vending-challenge", "app-demo", "shop")
"""The dialects that know users; a kiosk's guests have no log-in."""
REFRESHING = {
    "v1": "/v1/auth/refresh",
    "vending-challenge": "/dialects/vending-challenge/api/v1/auth/refresh",
    "app-demo": "/dialects/app-demo/api/token/refresh",
    "shop": "/dialects/shop/api/token/refresh",
}
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Everywhere:
    """A shop with every interface, and what each has given to one user who logged in there."""

    api: Api
    client: httpx.AsyncClient
    access: dict[str, str] = field(default_factory=dict)
    refresh: dict[str, str] = field(default_factory=dict)
    cookie: str = ""

    def tokens(self) -> dict[str, str]:
        return {**self.access, "pages": self.cookie}

    async def ask(self, route: Route, token: str, *, interface: str) -> int:
        """The status, with the token brought as the interface has it brought."""
        scheme = "Token" if interface == "simple-payment" else "Bearer"
        path = route.path.format(**{one.name: "1" for one in route.in_path})
        headers = {"Authorization": f"{scheme} {token}"}
        body: Any = None if route.method in ("GET", "DELETE") else {}
        return (await self.send(route.method, path, body, headers=headers)).status_code

    async def send(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.client.request(method, path, json=body, **more)


@pytest.fixture
async def shop(sqlite_url: str) -> AsyncIterator[Everywhere]:
    settings: dict[str, Any] = {"coins": CoinsPolicy.SELF, "tab_limit_cents": 10_000}
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(serving(sqlite_url, dialects=",".join(NAMES), **settings))
        await api.registered("ada", PASSWORD, ("buyer", "seller"))
        base_url = str(api.client.base_url)
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=base_url, timeout=HANG_SECONDS))
        found = Everywhere(api, client)
        told = await api.logged_in("ada", PASSWORD)
        found.access["v1"], found.refresh["v1"] = told["access"], told["refresh"]
        named, path = {"username": "ada", "password": PASSWORD}, "/dialects"
        told = (await found.send("POST", f"{path}/simple-payment/api/get_token", named)).json()
        found.access["simple-payment"] = told["token"]
        for name, call, body in (
            ("vending-challenge", "api/v1/auth/login", named),
            ("app-demo", "api/token", {"name": "ada", "password": PASSWORD}),
            ("shop", "api/token", named),
        ):
            told = (await found.send("POST", f"{path}/{name}/{call}", body)).json()
            found.access[name], found.refresh[name] = told["access"], told["refresh"]
        found.cookie = (await browser_sessions.log_in(api.running, username="ada", password=PASSWORD)).secret
        yield found


def guarded(interface: str) -> list[Route]:
    """The routes of an interface that take a user's log-in, but for those that end it."""
    if interface == "v1":
        routes = v1().routes
    else:
        routes = mounting.find(interface).app(prefix=f"/dialects/{interface}").routes
    return [
        route
        for route in routes
        if route.handler.operation is not None
        and route.handler.operation.login in ("needed", "session")
        and "logout" not in route.path
        and not (route.method == "DELETE" and "user" in route.path)
        and not route.path.endswith("/events")
    ]


@pytest.mark.parametrize("interface", ["v1", *LOGGED_IN])
async def test_no_route_takes_a_token_of_another_interface(shop: Everywhere, interface: str) -> None:
    routes = guarded(interface)
    assert len(routes) >= 5, "an interface with nothing to guard shows nothing"
    for giver, token in shop.tokens().items():
        for route in routes:
            status = await shop.ask(route, token, interface=interface)
            assert (status == 401) == (giver != interface), (giver, route.method, route.path, status)


@pytest.mark.parametrize("interface", ["v1", *LOGGED_IN])
async def test_an_api_token_is_good_for_v1_alone(shop: Everywhere, interface: str) -> None:
    (ada,) = [row for row in await shop.api.shop.rows("users") if row["username"] == "ada"]
    _, secret = await api_tokens.make(
        shop.api.running, user_id=ada["id"], name="all", scopes=list(Scope), days=9
    )
    taken = [await shop.ask(route, secret, interface=interface) for route in guarded(interface)]
    assert (set(taken) == {401}) == (interface != "v1"), taken


async def test_no_refresh_token_is_renewed_elsewhere(shop: Everywhere) -> None:
    for giver, token in shop.refresh.items():
        for interface, path in REFRESHING.items():
            if interface != giver:
                answer = await shop.send("POST", path, {"refresh": token})
                assert answer.status_code == 401, (giver, interface)
    for interface, path in REFRESHING.items():  # And none of that has ended a session.
        answer = await shop.send("POST", path, {"refresh": shop.refresh[interface]})
        assert answer.status_code == 200, (interface, answer.text)
        access = answer.json()["access"]
        for other in REFRESHING:
            (route, *_) = guarded(other)
            assert (await shop.ask(route, access, interface=other) != 401) == (other == interface)


@pytest.mark.parametrize("path", ["/v1/users/me", "/account"])
async def test_a_browser_s_cookie_is_no_token_of_a_contract(shop: Everywhere, path: str) -> None:
    good = 200
    for giver, secret in shop.tokens().items():
        headers = {"Cookie": f"tuckshop={secret}", **OWN_PAGE}
        status = (await shop.send("GET", path, headers=headers)).status_code
        assert (status == good) == (giver == "pages"), (giver, status)


async def test_what_was_opened_before_the_upgrade_is_good_everywhere_until_it_expires(
    shop: Everywhere,
) -> None:
    await shop.api.shop.execute("UPDATE sessions SET audience = 'any'")
    shop.api.running.known_tokens.clear()
    (ada, *_) = await shop.api.shop.rows("sessions")
    tokens = shop.api.running.tokens
    caller = SessionCaller(ada["id"], ada["user_id"])
    old = tokens.access(caller, audience=ANY)
    opaque = (shop.access["simple-payment"], shop.cookie)
    for interface in ("v1", *LOGGED_IN):
        (route, *_) = guarded(interface)
        given = opaque if interface == "simple-payment" else (old,)
        for token in given:
            assert await shop.ask(route, token, interface=interface) != 401, interface
    for secret in opaque:
        headers = {"Cookie": f"tuckshop={secret}", **OWN_PAGE}
        assert (await shop.send("GET", "/account", headers=headers)).status_code == 200
    refreshed = (
        await shop.api.post(
            "/v1/auth/refresh", {"refresh": tokens.refresh(caller, generation=1, audience=ANY)}
        )
    ).json()
    (route, *_) = guarded("shop")
    assert await shop.ask(route, refreshed["access"], interface="shop") != 401
    # Two contracts may hold one such token: what one has used up ends the session in the other.
    renewed = await shop.send(
        "POST", REFRESHING["shop"], {"refresh": tokens.refresh(caller, generation=1, audience=ANY)}
    )
    assert (renewed.status_code, renewed.json()["code"]) == (401, "credential-reused")
    assert await shop.ask(route, refreshed["access"], interface="shop") == 401


async def test_every_session_says_where_it_was_opened(shop: Everywhere) -> None:
    root = await shop.api.shop.person("root", Role.ADMIN)
    made = await shop.api.post("/v1/auth/tokens", {"name": "reader", "scopes": ["read"]}, by=root)
    assert made.status_code == 201
    rows = await shop.api.shop.rows("sessions")
    opened = [row["audience"] for row in rows if row["id"] != root.session_id]
    assert {*opened} == {"v1", *LOGGED_IN, "pages"}
    assert [row["audience"] for row in rows if row["scopes"] is not None] == ["v1"]


@pytest.mark.parametrize("audience", ["", "V1", "v1 ", "any", "shop/../v1", "x" * 1_000, "shop\0", "é"])
async def test_only_the_very_audience_fits(shop: Everywhere, audience: str) -> None:
    (session, *_) = await shop.api.shop.rows("sessions")
    token = shop.api.running.tokens.access(
        SessionCaller(session["id"], session["user_id"]), audience=audience
    )
    for interface in ("v1", "shop"):
        (route, *_) = guarded(interface)
        status = await shop.ask(route, token, interface=interface)
        assert (status == 401) == (audience != ANY), (interface, status)
