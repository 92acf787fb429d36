"""Makes a small shop with the code that is installed, over HTTP, and keeps its database and its answers.

    python tests/stored/make_fixture.py FOLDER [--postgres URL]

Run it with the release whose stored forms are to be read for ever: every command under an idempotency key,
refusals too, in /v1 and the dialects, and every kind of line in the admin log. It writes the database
(`shop.sqlite3.gz`, or of the empty PostgreSQL database at URL `shop.sql.gz`) and beside it `*.json.gz`: the
requests with the answers that they got. What that release itself does not answer again as before is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

SECRET = "a secret for tests, long enough to sign with"  # It signs nothing but this fixture.
SETTINGS = {
    "secret": SECRET,
    "coins": "self",
    "dialects": "simple-payment,vending-challenge,kiosk,app-demo,shop",
    "tab_limit_cents": 1_000,
    "refund_window_seconds": 60,
    "coins_daily_cap_cents": 3_000,
}
PASSWORD = "correct horse"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
V1 = "/v1"
SIMPLE, VENDING = "/dialects/simple-payment/api", "/dialects/vending-challenge/api/v1"
KIOSK, DEMO, SHOP = "/dialects/kiosk/api/v1", "/dialects/app-demo/api", "/dialects/shop/api"


class Recorder:
    """A client that keeps what it asks and what it is told."""

    def __init__(self, client: httpx.AsyncClient, clock: Clock) -> None:
        self.client = client
        self.clock = clock
        self.credentials: dict[str, dict[str, str]] = {}
        self.exchanges: list[dict[str, Any]] = []

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: str | None = None,
        status: int | None = None,
        keyed: bool = True,
        image: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """One request; `by` says whose credential, `status` what must come of it. The answer's JSON."""
        self.clock.now_us += 1_000_000
        sent = {**(headers or {}), **(self.credentials[by] if by else {})}
        content = json.dumps(body).encode() if body is not None else image or b""
        if content:
            sent["Content-Type"] = "application/json" if image is None else "image/png"
        if keyed:
            sent["Idempotency-Key"] = f"key-{len(self.exchanges):03}"
        answer = await self.client.request(method, path, headers=sent, content=content)
        if answer.status_code != (status or answer.status_code) or (not status and not answer.is_success):
            raise AssertionError(f"{method} {path} {body}: {answer.status_code} {answer.text}")
        if keyed:
            self.exchanges.append(
                {
                    "by": by,
                    "method": method,
                    "path": path,
                    "headers": sent,
                    "body": base64.b64encode(content).decode(),
                    "status": answer.status_code,
                    "answer": answer.text,
                    "at_us": self.clock.now_us,
                }
            )
        return answer.json() if answer.content else None

    async def log_in(self, *names: str, path: str = f"{V1}/auth/login", name_field: str = "username") -> None:
        """An access token each, of the interface with this log-in."""
        for name in names:
            body = {name_field: name, "password": PASSWORD}
            told = await self.ask("POST", path, body, keyed=False)
            self.credentials[name] = {"Authorization": f"Bearer {told['access']}"}

    async def register(self, *names: str, role: str = "buyer") -> list[int]:
        """New users, logged in; their ids."""
        ids = []
        for name in names:
            body = {"username": name, "password": PASSWORD, "roles": [role], "email": f"{name}@example.org"}
            ids.append((await self.ask("POST", f"{V1}/users", body, keyed=False))["id"])
        await self.log_in(*names)
        return ids


class Clock:
    """Microseconds since 1970; every request takes a second of them."""

    def __init__(self) -> None:
        self.now_us = time.time_ns() // 1_000

    def __call__(self) -> int:
        return self.now_us


def lines(*wanted: tuple[int, int]) -> list[dict[str, int]]:
    return [{"product": product, "quantity": quantity} for product, quantity in wanted]


async def play(shop: Recorder) -> None:
    """All that a shop does."""
    ask = shop.ask
    await shop.log_in("root", "max")
    ada, bob, _, cas, zoe = await shop.register("ada", "bob", "eve", "cas", "zoe")
    sue, _ = await shop.register("sue", "sam", role="seller")
    await ask("PATCH", f"{V1}/users/{cas}", {"roles": ["cashier", "buyer"]}, by="root", keyed=False)
    await shop.log_in("cas")  # Whoever gets other roles is logged out.
    hall = (await ask("POST", f"{V1}/machines", {"name": "hall"}, by="root", keyed=False))["id"]
    await ask("PATCH", f"{V1}/machines/{hall}", {"name": "lobby"}, by="root", keyed=False)
    key = (await ask("POST", f"{V1}/machines/{hall}/key", by="root", keyed=False))["key"]
    screens = f"{V1}/machines/{hall}/screens"
    await ask("POST", screens, {"name": "Tablet"}, by="root", keyed=False)
    screen = (await ask("GET", screens, by="root", keyed=False))["items"][0]["id"]
    await ask("DELETE", f"{screens}/{screen}", by="root", keyed=False)
    shop.credentials["hall"] = {"Authorization": f"Machine {key}"}
    shop.credentials["kiosk"] = {"X-Kiosk-Key": key}
    await sweep(shop)
    products = await sell(shop, hall)
    early = await buy(shop, products, ada=ada, hall=hall)
    await mistype(shop, products, ada=ada, hall=hall)
    await refuse(shop, products, early=early, bob=bob, sue=sue, hall=hall)
    shop.clock.now_us += 100_000_000  # Nothing can be given back any more: sellers are paid.
    await shop.log_in("root", "ada", "bob", "cas", "sue", "sam", "eve")
    await move_money(shop, ada=ada, bob=bob, sue=sue, hall=hall)
    await guests(shop, products["gum"], hall=hall)
    await dialects(shop)
    await close(shop, zoe=zoe, products=products)


async def sweep(shop: Recorder) -> None:
    """A guest leaves money behind, which is nobody's days later."""
    door = {"user_name": "door 3", "amount": 100}
    await shop.ask("POST", f"{KIOSK}/users/1/add_balance", door, by="kiosk", keyed=False)
    shop.clock.now_us += 3 * 86_400_000_000
    await shop.log_in("root", "ada", "bob", "eve", "cas", "sue", "sam")
    await shop.ask("POST", f"{V1}/guests/unclaimed", {"days": 2}, by="root", keyed=False)


async def sell(shop: Recorder, hall: int) -> dict[str, int]:
    """Products, their stock, pictures and shelves; their ids."""
    ask = shop.ask
    ids: dict[str, int] = {}
    for name, price, by, more in (
        ("cola", 150, "sue", {"tax_basis_points": 700, "cost": 60}),
        ("gum", 50, "sue", {"refundable": False}),
        ("tea", 80, "root", {"house": True}),
        ("mate", 200, "sam", {}),
        ("last", 100, "sue", {}),
    ):
        stock = 1 if name == "last" else 40
        body = {"name": name, "price": price, "stock": stock, **more}
        ids[name] = (await ask("POST", f"{V1}/products", body, by=by, status=201))["id"]
    cola, gum, tea = ids["cola"], ids["gum"], ids["tea"]
    await ask("PUT", f"{V1}/products/{cola}", {"name": "cola", "price": 140, "stock": 38}, by="sue")
    await ask("PATCH", f"{V1}/products/{cola}", {"price": 150, "reason": "dearer"}, by="root")
    await ask("POST", f"{V1}/products/{cola}/stock", {"restock": 5, "reason": "new"}, by="sue")
    await ask("POST", f"{V1}/products/{tea}/stock", {"correct": 39, "reason": "broken"}, by="root")
    await ask("POST", f"{V1}/products/{tea}/stock", {"restock": 3}, by="root")
    await ask("PUT", f"{V1}/products/{cola}/image", by="sue", image=PIXEL)
    await ask("PUT", f"{V1}/products/{tea}/image", by="root", image=PIXEL)
    await ask("DELETE", f"{V1}/products/{tea}/image", by="root")
    move = {"product": cola, "quantity": 9, "to": hall, "reason": "for the hall"}
    await ask("POST", f"{V1}/machines/1/moves", move, by="root")
    await ask("POST", f"{V1}/machines/1/moves", {"product": gum, "quantity": 9, "to": hall}, by="root")
    shelf = {"product": cola, "slot": "A1", "capacity": 12, "par_level": 8, "price": 160}
    await ask("PUT", f"{V1}/machines/{hall}/shelves", {"shelves": [shelf, {"product": gum}]}, by="root")
    return ids


async def buy(shop: Recorder, products: dict[str, int], *, ada: int, hall: int) -> int:
    """Coins, orders in every state, refunds; the first order."""
    ask, cola, tea = shop.ask, products["cola"], products["tea"]
    await ask("POST", f"{V1}/machines/{hall}/coins/fill", {"coins": {"10": 20, "50": 20}}, by="root")
    await ask("POST", f"{V1}/wallet/deposits", {"coins": {"100": 9, "50": 2}}, by="ada", status=201)
    await ask("POST", f"{V1}/wallet/deposits", {"coins": {"100": 5}, "user": ada}, by="cas", status=201)
    await ask("POST", f"{V1}/wallet/deposits", {"coins": {"100": 6}}, by="bob", status=201)
    body = {"lines": lines((cola, 2), (tea, 1)), "client_ref": "ada-1"}
    first: int = (await ask("POST", f"{V1}/orders", body, by="ada", status=201))["id"]
    await ask("POST", f"{V1}/orders", {"lines": lines((cola, 1)), "change": "return"}, by="bob")
    await ask("POST", f"{V1}/wallet/deposits", {"coins": {"100": 6}}, by="bob", status=201)
    later = [
        (await ask("POST", f"{V1}/orders", {"lines": lines((cola, 2)), "fulfil": "later"}, by="bob"))["id"]
        for _ in range(2)
    ]
    tab = {"lines": lines((cola, 2)), "payment": "tab"}
    owed = [(await ask("POST", f"{V1}/orders", tab, by="ada"))["id"] for _ in range(3)]
    await ask("PATCH", f"{V1}/orders/{owed[0]}", {"status": "dispensed"}, by="root")
    await ask("PATCH", f"{V1}/orders/{owed[1]}", {"lines": lines((cola, 1)), "reason": "less"}, by="root")
    await ask("PATCH", f"{V1}/orders/{owed[1]}", {"status": "dispensed"}, by="sue")
    await ask("PATCH", f"{V1}/orders/{owed[2]}", {"status": "cancelled", "reason": "no"}, by="root")
    await ask("PATCH", f"{V1}/orders/{later[0]}", {"status": "cancelled"}, by="bob")
    await ask("PATCH", f"{V1}/orders/{later[1]}", {"status": "failed", "reason": "stuck"}, by="root")
    await ask("POST", f"{V1}/orders/{first}/refunds", {"lines": lines((cola, 1))}, by="ada", status=201)
    body = {"lines": lines((tea, 1)), "stock": "write_off", "reason": "sour"}
    await ask("POST", f"{V1}/orders/{first}/refunds", body, by="cas", status=201)
    return first


async def refuse(
    shop: Recorder, products: dict[str, int], *, early: int, bob: int, sue: int, hall: int
) -> None:
    """What the till says no to, each under its key; `early`: an order of ada's."""
    ask, cola, gum, last = shop.ask, products["cola"], products["gum"], products["last"]
    order = f"{V1}/orders"
    await ask("POST", order, {"lines": lines((cola, 1))}, by="eve", status=409)  # InsufficientFunds
    await ask("POST", order, {"lines": lines((last, 2))}, by="ada", status=409)  # OutOfStock
    await ask("POST", order, {"lines": lines((999, 1))}, by="ada", status=404)
    again = {"lines": lines((cola, 1)), "client_ref": "ada-1"}
    await ask("POST", order, again, by="ada", status=409)  # ClientRefTaken
    dear = {"lines": lines((cola, 9)), "payment": "tab"}
    await ask("POST", order, dear, by="ada", status=409)  # TabLimitExceeded
    await ask("POST", order, {"lines": lines((cola, 1)), "machine": 99}, by="ada", status=404)
    await ask("POST", order, {"lines": lines((cola, 1))}, by="sue", status=403)  # RoleMissing
    chewed = (await ask("POST", order, {"lines": lines((gum, 2))}, by="ada"))["id"]
    refunds = f"{V1}/orders/{chewed}/refunds"
    await ask("POST", refunds, {}, by="ada", status=409)  # NotRefundable
    await ask("POST", refunds, {"lines": lines((gum, 3))}, by="root", status=409)  # RefundExceedsSale
    await ask("POST", f"{V1}/orders/999/refunds", {}, by="ada", status=404)
    await ask("PATCH", f"{V1}/orders/{chewed}", {"status": "cancelled"}, by="ada", status=409)  # WrongStatus
    deposits = f"{V1}/wallet/deposits"
    await ask("POST", deposits, {"coins": {"7": 1}}, by="ada", status=422)  # CoinNotAccepted
    await ask("POST", deposits, {"coins": {"100": 99}}, by="eve", status=409)  # CoinsCapReached
    await ask("POST", deposits, {"coins": {"100": 1}, "user": 999}, by="cas", status=404)
    await ask("POST", f"{V1}/wallet/payout", {}, by="eve", status=409)  # NothingToPayOut
    body: dict[str, Any] = {"name": "Cola", "price": 100, "stock": 1}
    await ask("POST", f"{V1}/products", body, by="sam", status=409)  # NameTaken
    await ask("POST", f"{V1}/products", {**body, "name": "x"}, by="ada", status=403)
    await ask("PATCH", f"{V1}/products/{cola}", {"price": 1}, by="sam", status=403)  # NotOwner
    stale = {"If-Match": '"1"'}
    await ask("PATCH", f"{V1}/products/{cola}", {"price": 1}, by="sue", headers=stale, status=412)
    settlements = f"{V1}/tabs/{bob}/settlements"
    await ask("POST", settlements, {"coins": {"100": 1}}, by="cas", status=409)  # SettlementExceedsTab
    await ask("POST", f"{V1}/wallet/transfers", {"to": 999, "amount": 1}, by="ada", status=404)
    await ask("POST", f"{V1}/wallet/transfers", {"to": bob, "amount": 99_999}, by="ada", status=409)
    payouts = f"{V1}/earnings/{sue}/payouts"
    await ask(
        "POST", payouts, {"external_ref": "early", "amount": 99_999}, by="root", status=409
    )  # NotPayable
    coins = f"{V1}/machines/{hall}/coins"
    await ask("POST", f"{coins}/collect", {"coins": {"100": 99}}, by="root", status=409)  # CoinsMissing
    more = {"restock": 99, "machine": hall}
    await ask("POST", f"{V1}/products/{cola}/stock", more, by="root", status=409)  # StockTooLarge
    move = {"product": cola, "quantity": 99, "to": hall}
    await ask("POST", f"{V1}/machines/1/moves", move, by="root", status=409)
    await ask("DELETE", f"{V1}/users/{sue}", by="root", status=409)  # StillHoldsValue
    shop.clock.now_us += 61_000_000
    await ask("POST", f"{V1}/orders/{early}/refunds", {}, by="ada", status=409)  # RefundWindowOver


async def mistype(shop: Recorder, products: dict[str, int], *, ada: int, hall: int) -> None:
    """Values that the till cannot take, whatever the shop's state."""
    ask, cola, tea = shop.ask, products["cola"], products["tea"]
    product = {"price": 100, "stock": 1}
    for name in (" tea", "a/b", "a\u200b"):
        await ask("POST", f"{V1}/products", {**product, "name": name}, by="sam", status=422)
    tab: dict[str, Any] = {"lines": lines((cola, 1)), "payment": "tab"}
    await ask("POST", f"{V1}/orders", {**tab, "change": "return"}, by="ada", status=422)
    reduced = (await ask("POST", f"{V1}/orders", {**tab, "fulfil": "later"}, by="ada"))["id"]
    more, fewer = ({"lines": lines((cola, quantity))} for quantity in (2, 0))
    await ask("PATCH", f"{V1}/orders/{reduced}", more, by="ada", status=422)
    await ask("PATCH", f"{V1}/orders/{reduced}", fewer, by="ada")
    await ask("POST", f"{V1}/wallet/transfers", {"to": ada, "amount": 1}, by="ada", status=422)
    move = {"product": cola, "quantity": 1, "to": hall}
    await ask("POST", f"{V1}/machines/{hall}/moves", move, by="root", status=422)
    for shelves in (
        [{"product": cola}, {"product": cola}],
        [{"product": cola, "slot": "A1"}, {"product": tea, "slot": "A1"}],
        [{"product": cola, "capacity": 5, "par_level": 6}],
    ):
        await ask("PUT", f"{V1}/machines/{hall}/shelves", {"shelves": shelves}, by="root", status=422)
    box = f"{V1}/machines/{hall}/coins/count"
    await ask("POST", box, {"counted": [{"value": 100, "count": 1}]}, by="root", status=422)


async def move_money(shop: Recorder, *, ada: int, bob: int, sue: int, hall: int) -> None:
    """Tabs, the bank, machines' boxes, wallets."""
    ask = shop.ask
    settlements = f"{V1}/tabs/{ada}/settlements"
    await ask("POST", settlements, {"coins": {"100": 2}}, by="cas", status=201)
    bank = {"bank": {"amount": 100, "external_ref": "bank-1"}}
    await ask("POST", settlements, bank, by="root", status=201)
    body = {"user": bob, "amount": 300, "external_ref": "bank-2", "reason": "pocket money"}
    await ask("POST", f"{V1}/topups", body, by="root", status=201)
    await ask("POST", f"{V1}/topups", {**body, "amount": 1}, by="root", status=409)  # ExternalRefTaken
    body = {"external_ref": "bank-3", "amount": 100}
    await ask("POST", f"{V1}/earnings/{sue}/payouts", body, by="root", status=201)
    await ask("POST", f"{V1}/wallet/transfers", {"to": bob, "amount": 25, "reason": "thanks"}, by="ada")
    await ask("POST", f"{V1}/wallet/payout", {}, by="bob")
    await ask("POST", f"{V1}/wallet/payout", {"user": ada}, by="cas")
    coins = f"{V1}/machines/{hall}/coins"
    await ask("POST", f"{coins}/collect", {"coins": {"10": 2}, "reason": "full"}, by="root", status=201)
    counted = [{"value": value, "count": 7} for value in (5, 10, 20, 50, 100)]
    await ask("POST", f"{coins}/count", {"counted": counted}, by="root", status=201)


async def guests(shop: Recorder, gum: int, *, hall: int) -> None:
    """Guests at a machine, by /v1 and by the kiosk's contract."""
    ask = shop.ask
    drink = {"name": "juice", "price": 100, "stock": 9, "house": True, "machine": hall}
    juice = (await ask("POST", f"{V1}/products", drink, by="root"))["id"]
    door = {"user_name": "door 17", "amount": 500}
    await ask("POST", f"{KIOSK}/users/2/add_balance", door, by="kiosk", status=200)
    for path, piece in (("buy", juice), ("buy", gum), ("refund", juice)):
        choice = {"user_name": "door 17", "product_id": piece}
        await ask("POST", f"{KIOSK}/products/{piece}/{path}", choice, by="kiosk")
    choice = {"user_name": "door 17", "product_id": juice}
    await ask("POST", f"{KIOSK}/products/{juice}/refund", choice, by="kiosk", status=404)  # UnknownPurchase
    await ask("POST", f"{V1}/wallet/deposits", {"coins": {"100": 2}, "guest": "door 17"}, by="hall")
    await ask("POST", f"{V1}/orders", {"lines": lines((juice, 1)), "guest": "door 17"}, by="hall")
    await ask("POST", f"{V1}/guests/refunds", {"guest": "door 17", "product": juice}, by="hall")
    await ask("POST", f"{V1}/wallet/payout", {"guest": "door 17"}, by="hall")


async def dialects(shop: Recorder) -> None:
    """The older contracts, each command once."""
    ask = shop.ask
    user: dict[str, Any] = {
        "username": "pia",
        "email": "pia@test.com",
        "role": "buyer",
        "password": PASSWORD,
        "deposit": 50,
    }
    await ask("POST", f"{SIMPLE}/create_user", user, status=201)
    await ask("POST", f"{SIMPLE}/create_user", {**user, "email": "x@test.com"}, status=409)
    await ask(
        "POST", f"{SIMPLE}/create_user", {**user, "username": "kai", "email": "kai@test.com", "deposit": 0}
    )
    sold = {"username": "sol", "email": "sol@test.com", "role": "seller", "password": PASSWORD}
    await ask("POST", f"{SIMPLE}/create_user", sold, status=201)
    for name in ("pia", "sol"):
        body = {"username": name, "password": PASSWORD}
        token = (await ask("POST", f"{SIMPLE}/get_token", body, keyed=False))["token"]
        shop.credentials[name] = {"Authorization": f"Token {token}"}
    body = {"username": "root", "password": PASSWORD}
    token = (await ask("POST", f"{SIMPLE}/get_token", body, keyed=False))["token"]
    shop.credentials["boss"] = {"Authorization": f"Token {token}"}
    await ask("PATCH", f"{SIMPLE}/user/kai", {"username": "kay"}, by="boss", keyed=False)
    await ask("POST", f"{SIMPLE}/products", {"name": "nuts", "cost": 60, "amount": 5}, by="sol")
    await ask("PUT", f"{SIMPLE}/product/nuts", {"cost": 50}, by="sol")
    await ask("PATCH", f"{SIMPLE}/buyer/deposit", {"deposit": 20}, by="pia")
    await ask("POST", f"{SIMPLE}/buyer/buy", {"name": "nuts", "amount": 1}, by="pia")
    await ask("POST", f"{SIMPLE}/buyer/buy", {"name": "nuts", "amount": 1}, by="pia", status=409)
    await ask("POST", f"{SIMPLE}/buyer/reset", by="pia")
    await shop.log_in("sam", "bob", path=f"{VENDING}/auth/login")
    drink: dict[str, Any] = {"productName": "milk", "cost": 50, "amountAvailable": 5}
    milk = (await ask("POST", f"{VENDING}/product", drink, by="sam"))["id"]
    await ask("PATCH", f"{VENDING}/product/{milk}", {"cost": 55}, by="sam")
    await ask("POST", f"{VENDING}/deposit", {"coin": 100}, by="bob")
    await ask("POST", f"{VENDING}/buy", {"productId": milk, "amount": 1}, by="bob")
    await ask("POST", f"{VENDING}/reset", by="bob")
    await ask("DELETE", f"{VENDING}/product/{milk}", by="sam")
    await shop.log_in("sam", "ada", path=f"{DEMO}/token", name_field="name")
    meal = {"name": "soup", "price": "1.50", "stock": "5"}
    soup = (await ask("POST", f"{DEMO}/product/", meal, by="sam"))["id"]
    await ask("PUT", f"{DEMO}/product/{soup}/", {"price": "1.60"}, by="sam")
    await ask("POST", f"{DEMO}/order/", {"products": [{"id": soup, "quantity": 1}]}, by="ada")
    await shop.log_in("bob", path=f"{SHOP}/token")
    await ask("POST", f"{SHOP}/orders", {"products": [{"id": soup, "quantity": 1}]}, by="bob")


async def close(shop: Recorder, *, zoe: int, products: dict[str, int]) -> None:
    """What ends: products and users."""
    ask = shop.ask
    await ask("DELETE", f"{V1}/products/{products['last']}", by="root")
    await ask("PATCH", f"{V1}/users/{zoe}", {"state": "disabled"}, by="root", keyed=False)
    await ask("DELETE", f"{V1}/users/{zoe}", by="root")


@asynccontextmanager
async def opened(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, which is open as long as this."""
    told: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    answers: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, told.get, answers.put))
    await told.put({"type": "lifespan.startup"})
    started = await answers.get()
    assert started["type"] == "lifespan.startup.complete", started
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
    await told.put({"type": "lifespan.shutdown"})
    await answers.get()
    await task


async def replayed(client: httpx.AsyncClient, clock: Clock, one: dict[str, Any]) -> bool:
    """Whether the request is answered again as it was, while its token is good."""
    clock.now_us = one["at_us"]
    answer = await client.request(
        one["method"], one["path"], headers=one["headers"], content=base64.b64decode(one["body"])
    )
    same = (answer.status_code, answer.text) == (one["status"], one["answer"])
    return same and answer.headers.get("idempotent-replayed") == "true"


async def record() -> dict[str, Any]:
    from tuckshop.app import create_app

    clock = Clock()
    app = create_app(clock=clock)
    async with opened(app) as client:
        shop = Recorder(client, clock)
        await play(shop)
        ended_us = clock.now_us
        kept = [one for one in shop.exchanges if await replayed(client, clock, one)]
        for one in shop.exchanges:
            if one not in kept:
                say("not answered again:", one["method"], one["path"], one["status"])
        clock.now_us = ended_us
        await asyncio.to_thread(tuckshop, "user", "sessions", "end", "max")
        log, cursor = [], ""
        while True:
            told = await shop.ask("GET", f"{V1}/admin-log?limit=100{cursor}", by="root", keyed=False)
            log += told["items"]
            if told["next"] is None:
                break
            cursor = f"&cursor={told['next']}"
    return {"now_us": clock.now_us, "exchanges": kept, "admin_log": log}


def say(*words: object) -> None:
    print(*words)  # noqa: T201


def tuckshop(*arguments: str, stdin: str = "") -> None:
    command = [sys.executable, "-c", "from tuckshop.cli.main import cli; cli()", *arguments]
    subprocess.run(command, input=stdin, text=True, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--postgres")
    given = options.parse_args()
    folder = given.folder
    file = folder / "shop.sqlite3"
    url = given.postgres or f"sqlite:///{file}"
    os.environ.update({f"TUCKSHOP_{name.upper()}": str(value) for name, value in SETTINGS.items()})
    os.environ.update({"TUCKSHOP_DATABASE_URL": url, "TUCKSHOP_HOME": str(folder / "home")})
    tuckshop("init")
    roles = [word for role in ("admin", "cashier", "seller") for word in ("--role", role)]
    tuckshop("user", "add", "root", *roles, "--password-stdin", stdin=f"{PASSWORD}\n")
    tuckshop("user", "add", "max", "--password-stdin", stdin=f"{PASSWORD}\n")
    tuckshop("user", "add", "tom")
    tuckshop("user", "password", "tom")
    tuckshop("tab", "limit", "tom", "5.00")
    recorded = asyncio.run(record())
    if given.postgres:
        dumped = subprocess.run(
            ["pg_dump", "--inserts", "--no-owner", "--no-privileges", url], check=True, capture_output=True
        ).stdout
        # Other versions of PostgreSQL do not know every setting, nor the words of psql.
        kept = [line for line in dumped.splitlines() if not line.startswith((b"SET ", b"\\", b"--"))]
        name, database = "postgres", b"\n".join(line for line in kept if line)
    else:
        name, database = "sqlite", file.read_bytes()
    suffix = "sql" if given.postgres else "sqlite3"
    (folder / f"{name}.{suffix}.gz").write_bytes(gzip.compress(database, mtime=0))
    (folder / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(recorded).encode(), mtime=0))
    say(f"{len(recorded['exchanges'])} answers, {len(recorded['admin_log'])} lines of the log")


if __name__ == "__main__":
    main()
