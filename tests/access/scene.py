"""Who asks and what there is to ask for: a shop in which every request begins from the same state."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pyotp
from sqlalchemy import insert

from tests.api.conftest import Api, serving
from tests.api.pictures import painted
from tests.limits import until
from tests.shop import Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.dialects import NAMES
from tuckshop.dialects.shared.mounting import Dispatcher
from tuckshop.domain.ledger import AccountKind, AccountRef, wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.orders import Payment
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.http.hosts import HostCheck
from tuckshop.identity import screens
from tuckshop.identity.audiences import ANY
from tuckshop.identity.passwords import Passwords
from tuckshop.operations import pictures, uploads
from tuckshop.operations.uploads import UploadKind
from tuckshop.queries import storefront
from tuckshop.store import tables
from tuckshop.store.engine import connect_sqlite, postgres_dsn, sqlite_path, writing
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.imports import ImportedProduct, ProductsChanged
from tuckshop.till.commands.machines import FillCoins, MoveStock, SetShelves
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.transfers import MoneyMoved, TopUp
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit
from tuckshop.till.state import forms

CALLERS = (
    "nobody", "ended", "disabled", "buyer", "seller", "cashier", "admin", "owner", "other",
    "machine", "screen",
)  # fmt: skip
"""Who asks; what each of them is stands in `tables.CALLERS_ARE`."""
PEOPLE: dict[str, tuple[Role, ...]] = {
    "ended": tuple(Role),
    "disabled": tuple(Role),
    "buyer": (Role.BUYER,),
    "seller": (Role.SELLER,),
    "cashier": (Role.CASHIER,),
    "admin": (Role.ADMIN,),
    "owner": (Role.BUYER, Role.SELLER),
    "other": (Role.BUYER, Role.SELLER),
}
OWNERS = ("ended", "disabled", "owner")
PASSWORD = "correct horse"
GUEST_SECRET = "g" * 32
MACHINE_KEY = "2-" + "k" * 43
SCREEN_SECRET = "s1-" + "s" * 43
PAIRING_CODE = "AAAAA-AAAAA"
METRICS_TOKEN = "m" * 32
EARLIER_SECONDS = 3_600
NEVER_US = 4_000_000_000_000_000
CENTS = {100: 50}
Things = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Somebody with a password and a session, known by an access token and by a cookie's secret."""

    name: str
    caller: SessionCaller
    secret: str


@dataclass
class Scene:
    """The shop, its application, and two states of it: with everything in it, and with `people` alone.

    `things`: what paths and bodies name, for each caller: what `owner` has, but for `ended` and `disabled`,
    who ask for what is their own.
    """

    api: Api
    app: Any
    people: dict[str, Person] = field(default_factory=dict)
    things: dict[str, Things] = field(default_factory=dict)
    saved: dict[str, Any] = field(default_factory=dict)
    books: dict[str, Any] = field(default_factory=dict)
    state: str = ""

    @property
    def shop(self) -> Shop:
        return self.api.shop

    @property
    def dispatcher(self) -> Any:
        """What leads to the applications that are served."""
        checked = self.app.middleware._app
        assert isinstance(checked, HostCheck)  # Every shop has one.
        inside = checked._app
        assert isinstance(inside, Dispatcher)
        return inside

    async def begin(self, state: str) -> None:
        """The shop is as it was in this state, unless it is in it."""
        if self.state != state:
            await restore(self.shop, self.api.running, self.saved[state])
            self.state = state

    def may_have_changed(self) -> None:
        """The next request needs the state anew."""
        self.state = ""

    async def has_changed(self) -> bool:
        """Whether anything is stored that was not; the next request needs the state anew then."""
        changed: bool = await _books(self.shop) != self.books[self.state]
        if changed:
            self.state = ""
        return changed


@asynccontextmanager
async def furnished(url: str) -> AsyncIterator[Scene]:
    """The scene in the empty shop at `url`, with every interface served."""
    apps: list[Any] = []

    def keep(app: Any) -> Any:
        apps.append(app)
        return app

    async with serving(
        url, wrap=keep, dialects=",".join(NAMES), coins=CoinsPolicy.SELF, tab_limit_cents=10_000,
        metrics=True, metrics_token=METRICS_TOKEN, payout_delay_days=0,
    ) as api:  # fmt: skip
        scene = Scene(api, apps[0])
        for name, roles in PEOPLE.items():
            scene.people[name] = await _person(scene.shop, name, roles)
        passwords = Passwords()
        await scene.shop.execute(
            "UPDATE users SET password_hash = :hash", hash=await passwords.hash(PASSWORD)
        )
        passwords.close()
        await _end(scene, "people")
        await _restart(scene)
        await _furnish(scene)
        await scene.shop.assert_clean()
        await _end(scene, "things")
        await _set_up_second_factors(scene)
        await _end(scene, "begun")
        await scene.shop.execute("UPDATE users SET second_factor_us = :now", now=scene.shop.clock())
        await _end(scene, "codes")
        yield scene


async def _person(shop: Shop, name: str, roles: tuple[Role, ...]) -> Person:
    """A new user, whose session a browser has too."""
    caller = await shop.person(name, *roles)
    secret = f"tss_{hashlib.sha256(name.encode()).hexdigest()[:43]}"
    row = {
        "session_id": caller.session_id,
        "name": "log-in",
        "secret_hash": hashlib.sha256(secret.encode()).digest(),
    }
    async with writing(shop.engine) as connection:
        await connection.execute(insert(tables.api_tokens).values(row))
    return Person(name, caller, secret)


async def _end(scene: Scene, state: str) -> None:
    """Ends one session and disables one user, and keeps the state of the shop under this name.

    The session of the disabled user is left open: that the user may not in is looked at, too.
    """
    ended, disabled = (scene.people[name].caller for name in ("ended", "disabled"))
    await scene.shop.execute("UPDATE sessions SET ended_us = created_us WHERE id = :id", id=ended.session_id)
    await scene.shop.execute("UPDATE users SET state = 'disabled' WHERE id = :id", id=disabled.user_id)
    scene.saved[state], scene.books[state] = await save(scene.shop), await _books(scene.shop)


async def _restart(scene: Scene) -> None:
    await scene.shop.execute("UPDATE sessions SET ended_us = NULL")
    await scene.shop.execute("UPDATE users SET state = 'active'")


async def _furnish(scene: Scene) -> None:
    """Something of everything."""
    shop = scene.shop
    shared = await _furnish_machines(shop)
    for name in ("buyer", "other"):
        await shop.do(Deposit(OPERATOR, wallet_of(scene.people[name].caller.user_id), CENTS))
    for name in OWNERS:
        scene.things[name] = shared | await _furnish_owner(scene, name, shared)
    ordered = await _furnish_guests(shop, shared)
    for name in OWNERS:
        scene.things[name] = ordered | scene.things[name]
    box = [row for row in await shop.rows("coin_boxes") if row["machine_id"] == shared["hall_id"]]
    held = sorted((row["value_cents"], row["count"]) for row in box)
    expected = " ".join(f"{value}:{count}" for value, count in held)
    for name, person in scene.people.items():
        things = scene.things.get(name, scene.things["owner"])
        scene.things[name] = things | await _own(scene, person) | {"hall_coins": expected}
    for name in CALLERS:
        scene.things.setdefault(name, scene.things["owner"] | ordered)


async def _furnish_guests(shop: Shop, shared: Things) -> Things:
    """What the guest has bought in both machines, and the guest whose browser has a cookie."""
    water, hall = shared["water_id"], shared["hall_id"]
    guest = AccountRef(AccountKind.WALLET, None, shared["guest_id"])
    found = {}
    for name, machine_id in (("first_order_id", 1), ("hall_order_id", hall)):
        ordered = await shop.do(PlaceOrder(OPERATOR, guest, ((water, 1),), machine_id=machine_id))
        assert isinstance(ordered, OrderPlaced)
        found[name] = ordered.order_id
    browser = await shop.guest(storefront.guest_name(GUEST_SECRET))
    await shop.do(Deposit(OPERATOR, browser, CENTS, machine_id=hall))
    placed = await shop.do(PlaceOrder(OPERATOR, browser, ((water, 1),), machine_id=hall))
    assert isinstance(placed, OrderPlaced)
    return found | {"undone_id": placed.order_id}


async def _furnish_machines(shop: Shop) -> Things:
    """The first machine and another with a key, what the house sells in them, and a guest with money."""
    hall = await shop.machine("hall")
    key_hash = hashlib.sha256(MACHINE_KEY.encode()).digest()
    await shop.execute("UPDATE machines SET key_hash = :hash WHERE id = :id", hash=key_hash, id=hall)
    await shop.draw_coins(hall)
    await shop.execute(
        "INSERT INTO screens (machine_id, name, secret_hash, created_us, paired_us)"
        " VALUES (:machine, 'Tablet', :hash, :now, :now)",
        machine=hall,
        hash=hashlib.sha256(SCREEN_SECRET.encode()).digest(),
        now=shop.clock.now_us,
    )
    await shop.execute(
        "INSERT INTO screens (machine_id, name, secret_hash, created_us)"
        " VALUES (:machine, 'Shelf', :hash, :now)",
        machine=hall,
        hash=screens.hashed_code(PAIRING_CODE),
        now=shop.clock.now_us + 24 * EARLIER_SECONDS * 1_000_000,  # It would be too old by then.
    )
    await shop.do(FillCoins(OPERATOR, hall, {100: 20, 50: 20}))
    await shop.do(FillCoins(OPERATOR, 1, {100: 20, 50: 20}))
    water = (await shop.product("water", price_cents=50, stock=100)).product_id
    kvass = (await shop.product("kvass", stock=0)).product_id
    await shop.execute("INSERT INTO waiting_products VALUES (:id, 1)", id=kvass)
    await shop.do(MoveStock(OPERATOR, 1, hall, water, 20))
    await shop.do(SetShelves(OPERATOR, hall, (ShelfPlan(water, "A1", 50, 8, 50),)))
    guest = await shop.guest("door")
    await shop.do(Deposit(OPERATOR, guest, CENTS, machine_id=hall))
    return {
        "hall_id": hall,
        "machine_id": hall,
        "machine": hall,
        "screen": 1,
        "screen_id": 1,
        "water_id": water,
        "waiting_id": kvass,
        "guest": "door",
        "guest_id": guest.guest_id,
        "first_id": 1,
    }


async def _furnish_owner(scene: Scene, name: str, shared: Things) -> Things:
    """What one buyer and seller has: purchases, sales, a tab, earnings, a session and a token."""
    shop, owner, water = scene.shop, scene.people[name].caller, shared["water_id"]
    buyer = scene.people["buyer"].caller
    deposited = await shop.do(Deposit(OPERATOR, wallet_of(owner.user_id), CENTS))
    topped_up = await shop.do(TopUp(OPERATOR, wallet_of(owner.user_id), 100, f"bank of {name}"))
    assert isinstance(deposited, CoinsDeposited)
    assert isinstance(topped_up, MoneyMoved)
    await shop.log_in_at(shared["hall_id"], owner)
    cola = (await shop.product(f"cola of {name}", price_cents=50, stock=100, seller=owner)).product_id
    await shop.do(MoveStock(OPERATOR, 1, shared["hall_id"], cola, 20))
    image_id = await pictures.add(scene.api.running, media_type="image/png", content=painted("PNG"))
    await shop.execute("UPDATE products SET image_id = :image WHERE id = :id", image=image_id, id=cola)
    await shop.buy(buyer, (cola, 2))
    shop.clock.forward(EARLIER_SECONDS)  # What was sold an hour ago can be paid out by now, and not refunded.
    bought = await shop.buy(owner, (water, 2))
    placed = await shop.buy(owner, (water, 2), payment=Payment.TAB, client_ref=f"basket-{name}")
    undone = await shop.buy(owner, (water, 1), machine_id=shared["hall_id"])
    sold = await shop.buy(buyer, (cola, 2))
    ordered = await shop.buy(buyer, (cola, 1), payment=Payment.TAB)
    elsewhere = {
        "user_id": owner.user_id,
        "generation": 1,
        "created_us": shop.clock(),
        "expires_us": NEVER_US,
    }
    async with writing(shop.engine) as connection:
        asked = {
            "order_id": bought.order_id,
            "seller_id": owner.user_id,
            "amount_cents": 1,
            "created_us": NEVER_US,
        }
        await connection.execute(insert(tables.refund_requests).values(asked))
        session_id = await connection.scalar(
            insert(tables.sessions).values(elsewhere).returning(tables.sessions.c.id)
        )
    await shop.execute("UPDATE sessions SET confirmed_us = :now", now=shop.clock())
    made = await scene.api.post("/v1/auth/tokens", {"name": "reader", "scopes": ["read"]}, by=owner)
    assert made.status_code == 201, made.text
    return {
        "user_id": owner.user_id, "user": owner.user_id, "username": name,
        "seller_id": owner.user_id, "seller": owner.user_id,
        "session_id": session_id, "session": session_id,
        "token_id": made.json()["id"], "token": made.json()["id"],
        "product_id": cola, "product": cola, "name": f"cola of {name}", "version": 1, "image_id": image_id,
        "order_id": bought.order_id, "order": bought.order_id, "undone_id": undone.order_id,
        "placed_id": placed.order_id, "basket": f"basket-{name}", "new_basket": "basket",
        "transfer_id": deposited.transfer_id, "transfer": deposited.transfer_id,
        "topup_id": topped_up.transfer_id,
        "sold_id": sold.order_id, "ordered_id": ordered.order_id, "path_id": water,
    }  # fmt: skip


async def _set_up_second_factors(scene: Scene) -> None:
    """Everybody's app has the same secret, and none has sent a code."""
    app = pyotp.TOTP(pyotp.random_base32())
    rows = []
    for person in scene.people.values():
        kept = msgspec.json.encode({"user": person.caller.user_id, "secret": app.secret})
        rows.append(
            {
                "user_id": person.caller.user_id,
                "secret": scene.api.running.tokens.encrypt(kept),
                "last_step": 0,
            }
        )
    async with writing(scene.shop.engine) as connection:
        await connection.execute(insert(tables.second_factors), rows)
    for things in scene.things.values():
        things["code"] = app.at(scene.shop.clock() // 1_000_000)


async def _own(scene: Scene, person: Person) -> Things:
    """What only this caller sends: a name, a token to refresh, a file sent before, whom money is for."""
    key = await uploads.keep(
        scene.api.running, caller=person.caller, kind=UploadKind.PRODUCTS, content=b"name,price\ntea,1.00\n"
    )
    # An import of a product that is gone: whoever undoes it changes nothing that others ask for.
    gone = ImportedProduct(product_id=999, version=1, machine_id=1, stock_before=0, stock_after=0)
    kind, told = forms.written(ProductsChanged(added=1, changed=0, done=(gone,)))
    await scene.shop.execute(
        "INSERT INTO idempotency (scope, key, fingerprint, kind, outcome, created_us)"
        " VALUES (:scope, :key, :fingerprint, :kind, :told, 1)",
        scope=person.caller.scope,
        key=f"file.{key[::-1]}.0.1",
        fingerprint=b"",
        kind=kind,
        told=told,
    )
    payee = scene.people["owner" if person.name == "buyer" else "buyer"]
    return {
        "me": person.name,
        "upload": key,
        "imported": key[::-1],
        "refresh": scene.api.running.tokens.refresh(person.caller, generation=1, audience=ANY),
        "payee": payee.name,
        "payee_id": payee.caller.user_id,
    }


async def _books(shop: Shop) -> Any:
    """What is stored, but for the memory of what was asked."""
    books = await shop.books()
    del books["idempotency"]
    return books


_SAVED = itertools.count()


async def save(shop: Shop) -> Any:
    """All rows of all tables: a copy in memory, or in tables beside them."""
    if shop.url.startswith("sqlite"):
        copy = sqlite3.connect(":memory:")
        with closing(connect_sqlite(sqlite_path(shop.url))) as raw:
            raw.backup(copy)
        return copy
    names = [table.name for table in tables.metadata.sorted_tables]
    schema = f"saved_{next(_SAVED)}"
    await _on_postgres(
        shop,
        f"CREATE SCHEMA {schema};"
        + "".join(f"CREATE TABLE {schema}.{name} AS SELECT * FROM public.{name};" for name in names),
    )
    return schema


async def restore(shop: Shop, running: RunningShop, saved: Any) -> None:
    """The shop is as it was when this was saved, also in what it knows by heart."""
    await _write_back(shop, saved)
    books: Any = shop.till._books
    books._account_ids = type(books._account_ids)()
    running.guest_ids.clear()


async def _write_back(shop: Shop, saved: Any) -> None:
    if isinstance(saved, sqlite3.Connection):
        with closing(connect_sqlite(sqlite_path(shop.url))) as raw:
            raw.execute("PRAGMA busy_timeout = 0")  # Whoever waits here keeps the others from their end.
            await until(lambda: _is_written(saved, raw))
        return
    names = [table.name for table in tables.metadata.sorted_tables]
    await _on_postgres(
        shop,
        "BEGIN; SET LOCAL session_replication_role = replica;"
        + "".join(f"DELETE FROM public.{name};" for name in names)
        + "".join(
            f"INSERT INTO public.{name} OVERRIDING SYSTEM VALUE SELECT * FROM {saved}.{name};"
            for name in names
        )
        + "COMMIT;",
    )


def _is_written(saved: sqlite3.Connection, raw: sqlite3.Connection) -> bool:
    """Whether it could be: now and then, one of the shop's own tasks is in the middle of writing."""

    def heed(status: int, *_: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise BlockingIOError

    try:
        saved.backup(raw, progress=heed)
    except BlockingIOError:
        return False
    return True


async def _on_postgres(shop: Shop, sql: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(postgres_dsn(shop.url))
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
