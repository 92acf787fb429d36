"""A shop that strangers reach by every door: the application itself, in this process, and honest staff."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.access.scene import restore, save
from tests.api.conftest import SECRET
from tests.shop import NOON_US, Clock, Shop
from tests.web.browsing import Browser
from tuckshop.app import create_app
from tuckshop.context import Shop as RunningShop
from tuckshop.dialects import NAMES
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.tabs import TabsFor
from tuckshop.domain.users import OPERATOR as OPERATOR_ACTOR
from tuckshop.domain.users import RegistrationMode, Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.operations import machines as machine_operations
from tuckshop.settings import Settings
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.machines import FillCoins

FIRST, HALL, YARD = 1, 2, 3
"""A cashier's drawer; a machine whose screen draws coins, which pays from a changer; and another, of which
the coalition holds the key."""
COUNTED = frozenset({HALL, YARD})
PASSWORD = "correct horse"
FILLED_CENTS = 2_000
ADA_CENTS = 300
TAB_CENTS, EXPOSURE_CENTS = 500, 700
DECLARED_CENTS, DECLARED_BY_ONE_CENTS = 600, 400
CREDIT_CENTS = 1_000


@dataclass(frozen=True)
class Product:
    """What the test knows of a product: `seller` None is the house, whose prices never change."""

    id: int
    name: str
    cents: int
    refundable: bool
    machine: int
    seller: str | None = None


@dataclass
class Member:
    """Somebody with a name and a password. `tokens`: by door, with the instant until which they are good."""

    name: str
    id: int
    roles: frozenset[str]
    tokens: dict[str, tuple[dict[str, str], int]] = field(default_factory=dict)
    browser: Browser | None = None
    logged_in_until_us: int = 0
    is_gone: bool = False


@dataclass
class Stage:
    """One shop for all examples, and where each of them begins."""

    shop: Shop
    running: RunningShop
    app: Any
    mode: CoinsPolicy
    staff: dict[str, SessionCaller] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    screens: dict[int, str] = field(default_factory=dict)
    house: tuple[Product, ...] = ()
    ada: Member = field(default_factory=lambda: Member("ada", 0, frozenset({"buyer"})))
    saved: Any = None

    @property
    def clock(self) -> Clock:
        """The time in the shop."""
        return self.shop.clock

    async def begin(self) -> None:
        """The shop is as it was at first."""
        await restore(self.shop, self.running, self.saved)
        self.clock.now_us = NOON_US

    def client(self, **more: Any) -> httpx.AsyncClient:
        """Somebody of the world outside."""
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", **more)

    def browser(self, *, screen_of: int | None = None) -> Browser:
        """A browser of somebody, or a machine's own screen."""
        headers = {"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}
        browser = Browser(self.client(follow_redirects=True, headers=headers))
        if screen_of is not None:
            browser.client.cookies.set("tuckshop_screen", self.screens[screen_of])
        return browser

    def bearer(self, name: str) -> dict[str, str]:
        """One of the staff, or the honest buyer."""
        return {"Authorization": f"Bearer {self.running.tokens.access(self.staff[name])}"}


@asynccontextmanager
async def open_stage(url: str, mode: CoinsPolicy) -> AsyncIterator[Stage]:
    """The stage in the empty shop at `url`."""
    is_self = mode is CoinsPolicy.SELF
    clock = Clock()
    settings = Settings(
        database_url=url,
        secret=SECRET,
        dialects=",".join(NAMES),
        coins=mode,
        registration=RegistrationMode.OPEN,
        seller_registration=RegistrationMode.OPEN,
        machine_undo=UndoMode.BOUNDED if is_self else UndoMode.OFF,
        tab_limit_cents=TAB_CENTS,
        tab_for=TabsFor.EVERYBODY if is_self else TabsFor.APPROVED,
        tab_exposure_cents=EXPOSURE_CENTS,
        coins_machine_daily_cap_cents=DECLARED_CENTS,
        coins_daily_cap_cents=DECLARED_BY_ONE_CENTS,
    )
    app = create_app(settings, clock=clock)
    async with _alive(app):
        assert app.middleware.running is not None
        running = app.middleware.running.shop
        shop = Shop(url=url, engine=running.engine, till=running.till, clock=clock)
        stage = Stage(shop, running, app, mode)
        await _furnish(stage)
        stage.saved = await save(shop)
        yield stage


@asynccontextmanager
async def _alive(app: Any) -> AsyncIterator[None]:
    """Starts and ends the application as its server does."""
    said: asyncio.Queue[Any] = asyncio.Queue()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, said.get, heard.put))
    await said.put({"type": "lifespan.startup"})
    answer = await heard.get()
    assert answer["type"] == "lifespan.startup.complete", answer
    try:
        yield
    finally:
        await said.put({"type": "lifespan.shutdown"})
        await life


async def _furnish(stage: Stage) -> None:
    """Machines, their keys and screens, what the house sells, and those who are honest."""
    shop = stage.shop
    stage.staff["root"] = await shop.person("root", Role.ADMIN)
    stage.staff["cas"] = await shop.person("cas", Role.CASHIER)
    assert [await shop.machine("hall"), await shop.machine("yard")] == [HALL, YARD]
    await shop.execute("UPDATE machines SET fulfil = 'now'")
    await shop.execute("UPDATE machines SET fulfil = 'either', coin_input = 'drawn' WHERE id = :id", id=HALL)
    await shop.execute("UPDATE machines SET fulfil = 'either' WHERE id = :id", id=YARD)
    await shop.execute("UPDATE machines SET hourly_deposit_cents_max = :most", most=CREDIT_CENTS)
    for machine in COUNTED:
        await shop.do(FillCoins(OPERATOR, machine, {50: 20, 20: 20, 10: 40, 5: 40}))
        stage.keys[machine] = await machine_operations.new_key(
            stage.running, actor=OPERATOR_ACTOR, machine_id=machine
        )
        browser = stage.browser()
        await browser.open("/kiosk")
        await browser.post("/kiosk", {"code": await shop.pairing_code(machine)})
        stage.screens[machine] = browser.client.cookies["tuckshop_screen"]
    found = []
    for machine in (FIRST, HALL, YARD):
        for name, cents, refundable in (("crisps", 50, True), ("gum", 100, False)):
            made = await shop.product(
                f"{name} {machine}", price_cents=cents, stock=200, refundable=refundable, machine_id=machine
            )
            found.append(Product(made.product_id, made.name, cents, refundable, machine))
    stage.house = tuple(found)
    body: dict[str, Any] = {"username": "ada", "password": PASSWORD, "roles": ["buyer"]}
    async with stage.client() as client:
        stage.ada.id = (await client.post("/v1/users", json=body)).json()["id"]
        body = {"user": stage.ada.id, "amount": ADA_CENTS, "external_ref": "ada"}
        answer = await client.post("/v1/topups", json=body, headers=stage.bearer("root"))
    assert answer.status_code == 201, answer.text
