"""The real application behind the real server on a real socket, in the test's own loop, on both databases.

Every answer that a test gets is held against the OpenAPI document: an operation answers nothing that the
document does not name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server

from tests.api.contract import check_answer
from tests.limits import HANG_SECONDS
from tests.shop import Clock, Shop
from tools.loopback import free_port
from tuckshop.app import create_app
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.tabs import TabsFor
from tuckshop.domain.users import RegistrationMode, Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.http.bodies import Bodies
from tuckshop.http.timeouts import BodyTimeouts
from tuckshop.identity.audiences import ANY
from tuckshop.queries.events import Events
from tuckshop.settings import Settings
from tuckshop.till.callers import SessionCaller

SECRET = "a secret for tests, long enough to sign with"


@dataclass
class Api:
    """A running server, its books, and a client."""

    shop: Shop
    running: RunningShop
    events: Events
    client: httpx.AsyncClient
    port: int
    body_timeouts: BodyTimeouts
    bodies: Bodies

    @property
    def clock(self) -> Clock:
        """The instant at which the shop believes to be."""
        return self.shop.clock

    def token(self, caller: SessionCaller) -> str:
        """An access token for a session of `shop.person`, which is good at every interface."""
        return self.running.tokens.access(caller, audience=ANY)

    async def call(
        self, method: str, path: str, body: Any = None, *, by: SessionCaller | str | None = None, **more: Any
    ) -> httpx.Response:
        """One request; `by` a session of `shop.person`, or a token."""
        headers = dict(more.pop("headers", {}))
        if by is not None:
            headers["Authorization"] = f"Bearer {by if isinstance(by, str) else self.token(by)}"
        if body is not None:
            more["json"] = body
        return await self.client.request(method, path, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.call("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.call("POST", path, body, **more)

    async def raw(self, request: bytes) -> bytes:
        """The first bytes that the server answers to these, which need not be HTTP."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            return await asyncio.wait_for(reader.read(65536), HANG_SECONDS)
        finally:
            writer.close()

    async def registered(
        self, name: str = "ada", password: str = "correct horse", roles: tuple[str, ...] = ("buyer",)
    ) -> dict[str, Any]:
        """A user who registered and logged in; the log-in's answer."""
        body = {"username": name, "password": password, "roles": roles}
        assert (await self.post("/v1/users", body)).status_code == 201
        return await self.logged_in(name, password)

    async def logged_in(self, name: str = "ada", password: str = "correct horse") -> dict[str, Any]:
        """The answer to a log-in."""
        answer = await self.post("/v1/auth/login", {"username": name, "password": password})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


@asynccontextmanager
async def serving(
    url: str, *, clock: Clock | None = None, wrap: Callable[[Any], Any] = lambda app: app, **settings: Any
) -> AsyncIterator[Api]:
    """A server for the shop at `url`; `wrap` puts something of the test's around the application.

    Sellers are paid at once and register by themselves, unless said otherwise.
    """
    clock = clock or Clock()
    # Where there is a limit, it is for all who ask.
    settings = {
        "payout_delay_days": 0,
        "tab_for": TabsFor.EVERYBODY,
        "seller_registration": RegistrationMode.OPEN,
        **settings,
    }
    app = create_app(Settings(database_url=url, secret=SECRET, **settings), clock=clock)
    port = free_port()
    # The server opens and closes the shop by itself, in one task; a fixture's two halves are two.
    server = Server(wrap(app), port=port, interface=Interfaces.ASGI, log_enabled=False)
    task = asyncio.create_task(server.serve())
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            event_hooks={"response": [check_answer]},
            timeout=HANG_SECONDS,
            verify=False,  # Loopback speaks no TLS, and the world's certificates are long to read.
        ) as client:
            await _until_up(client, task)
            assert app.middleware.running is not None
            running, events = app.middleware.running.shop, app.middleware.running.events
            shop = Shop(url=url, engine=running.engine, till=running.till, clock=clock)
            yield Api(
                shop=shop,
                running=running,
                events=events,
                client=client,
                port=port,
                body_timeouts=app.middleware.running.body_timeouts,
                bodies=app.middleware.running.bodies,
            )
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        await task


async def _until_up(client: httpx.AsyncClient, server: asyncio.Task[None]) -> None:
    async with asyncio.timeout(HANG_SECONDS):
        while True:
            assert not server.done()
            try:
                await client.get("/health/live")
            except httpx.ConnectError:
                await asyncio.sleep(0.01)
            else:
                return


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """A new shop behind its server, with a clock that the test moves; only cashiers may attest coins."""
    async with serving(database_url) as served:
        yield served


@pytest.fixture
async def api_self(database_url: str) -> AsyncIterator[Api]:
    """The same, where buyers declare their coins themselves."""
    async with serving(database_url, coins=CoinsPolicy.SELF) as served:
        yield served


@dataclass
class People:
    """One person of each role."""

    ada: SessionCaller  # buys
    bob: SessionCaller  # buys too
    sam: SessionCaller  # sells
    sue: SessionCaller  # sells too
    cas: SessionCaller  # cashier
    root: SessionCaller  # admin


@pytest.fixture
async def people(api: Api) -> People:
    """Somebody of each role, logged in."""
    person = api.shop.person
    return People(
        ada=await person("ada", Role.BUYER),
        bob=await person("bob", Role.BUYER),
        sam=await person("sam", Role.SELLER),
        sue=await person("sue", Role.SELLER),
        cas=await person("cas", Role.CASHIER),
        root=await person("root", Role.ADMIN),
    )
