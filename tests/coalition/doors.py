"""Members of the coalition, and how each of them is let in at each door."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.coalition.purse import DAY_US
from tests.coalition.stage import PASSWORD, Member, Stage
from tests.web.browsing import Browser

TOKEN_US = 290_000_000  # A little less than an access token is good for,
SESSION_US = 29 * DAY_US  # and a log-in of a browser.
V1 = "/v1"
APP_DEMO, KIOSK, SHOP, SIMPLE, VENDING = (
    f"/dialects/{name}" for name in ("app-demo", "kiosk", "shop", "simple-payment", "vending-challenge")
)
REGISTERING = {
    V1: "/v1/users",
    APP_DEMO: f"{APP_DEMO}/api/register",
    SIMPLE: f"{SIMPLE}/api/create_user",
    VENDING: f"{VENDING}/api/v1/users",
}
PAGES = "/register"


@dataclass
class Guest:
    """Somebody without a name, in a browser before a machine's page; with `screen`, before its own screen.

    `name` alone: a guest whom the holder of a machine's key has made up.
    """

    name: str
    machine: int
    browser: Browser | None = None
    screen: bool = False


@dataclass
class Doors:
    """What strangers can send; it keeps nothing but how members are known."""

    stage: Stage
    client: httpx.AsyncClient
    keys: int = 0
    sent: list[tuple[str, str, Any, dict[str, str]]] = field(default_factory=list)

    async def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """One request, never answered as a defect; what is posted has a key of its own."""
        headers = dict(headers or {})
        if method != "GET":
            self.keys += 1
            headers["Idempotency-Key"] = f"key-{self.keys}"
            self.sent.append((method, path, body, headers))
        return await self._answered(method, path, body, headers)

    async def again(self, place: int) -> httpx.Response:
        """An earlier request once more, with its key."""
        return await self._answered(*self.sent[place % len(self.sent)])

    async def _answered(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code < 500, f"{method} {path} {body}: {answer.text}"
        return answer

    async def by(self, who: Member, method: str, path: str, body: Any = None) -> httpx.Response:
        """A request of a member at the door that the path belongs to."""
        return await self.call(method, path, body, await self.credential(who, door_of(path)))

    async def by_key(self, machine: int, method: str, path: str, body: Any = None) -> httpx.Response:
        """A request with a machine's key."""
        key = self.stage.keys[machine]
        headers = {"X-Kiosk-Key": key} if path.startswith(KIOSK) else {"Authorization": f"Machine {key}"}
        return await self.call(method, path, body, headers)

    async def by_staff(self, name: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """A request of somebody honest."""
        return await self.call(method, path, body, self.stage.bearer(name))

    async def register(self, name: str, door: str, roles: frozenset[str], deposit: int = 0) -> Member | None:
        """A new member, by this door; None if it is closed. `deposit`: as simple-payment has it."""
        told: dict[str, Any] = {"username": name, "password": PASSWORD}
        role = min(roles)
        match door:
            case "/v1":
                told["roles"] = sorted(roles)
            case "/dialects/app-demo":
                told, roles = {"name": name, "password": PASSWORD}, frozenset({"buyer", "seller"})
            case "/dialects/simple-payment":
                roles = frozenset({role})
                told |= {"role": role, "email": f"{name}@example.org", "deposit": deposit or ""}
            case "/dialects/vending-challenge":
                told, roles = told | {"role": role}, frozenset({role})
            case _:
                return await self._register_by_page(name, role)
        answer = await self.call("POST", REGISTERING[door], told)
        return Member(name, answer.json()["id"], roles) if answer.status_code == 201 else None

    async def _register_by_page(self, name: str, role: str) -> Member | None:
        browser = self.stage.browser()
        await browser.open(PAGES)
        fields = {"username": name, "password": PASSWORD, "again": PASSWORD, "roles": role}
        await browser.post(PAGES, fields)
        if not browser.client.cookies.get("tuckshop"):
            return None
        until_us = self.stage.clock() + SESSION_US
        member = Member(name, 0, frozenset({role}), browser=browser, logged_in_until_us=until_us)
        member.id = (await self.by(member, "GET", "/v1/users/me")).json()["id"]
        return member

    async def reach(self, who: Member, machine: int) -> None:
        """The member logs in at a machine, before its own screen."""
        body = {"username": who.name, "password": PASSWORD, "machine_key": self.stage.keys[machine]}
        await self.call("POST", "/v1/auth/login", body)

    async def browser_of(self, who: Member) -> Browser:
        """The member's browser, logged in."""
        if who.browser is None or who.logged_in_until_us < self.stage.clock():
            who.browser = self.stage.browser()
            await who.browser.log_in(who.name, PASSWORD)
            who.logged_in_until_us = self.stage.clock() + SESSION_US
        return who.browser

    async def credential(self, who: Member, door: str) -> dict[str, str]:
        """The header that lets a member in at this door, from its own log-in."""
        known = who.tokens.get(door)
        if known is None or known[1] < self.stage.clock():
            known = who.tokens[door] = (await self._log_in(who, door), self.stage.clock() + TOKEN_US)
        return known[0]

    async def _log_in(self, who: Member, door: str) -> dict[str, str]:
        named = {"username": who.name, "password": PASSWORD}
        match door:
            case "/dialects/app-demo":
                path, named = f"{door}/api/token", {"name": who.name, "password": PASSWORD}
            case "/dialects/shop":
                path = f"{door}/api/token"
            case "/dialects/simple-payment":
                path = f"{door}/api/get_token"
            case "/dialects/vending-challenge":
                path = f"{door}/api/v1/auth/login"
            case _:
                path = "/v1/auth/login"
        told = (await self.call("POST", path, named)).json()
        if door == SIMPLE:
            return {"Authorization": f"Token {told.get('token')}"}
        return {"Authorization": f"Bearer {told.get('access')}"}


def door_of(path: str) -> str:
    """The prefix of a path whose credential it wants."""
    return V1 if path.startswith("/v1/") else "/".join(path.split("/")[:3])
