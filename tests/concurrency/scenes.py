"""Crowds at real servers. Each scene returns what was wrong, in sentences; nothing wrong is an empty list.

A scene does not know whether its servers are sound: the tests run it on the real ones, the controls on ones
with a planted bug, and there the same sentences must come.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from sqlalchemy import text

from tests.reader import CLEAN, Reader, faults_of, reading
from tests.server import Servers, serving
from tests.shop import Clock, Shop, open_shop
from tests.wire import Answer, Ask, Line, lines, volley
from tuckshop.domain.users import Role
from tuckshop.operations.audit import audit
from tuckshop.operations.startup import system_clock
from tuckshop.store.engine import open_engine
from tuckshop.store.engine import reading as reading_books
from tuckshop.till.callers import SessionCaller

BUYERS = 50
AT_ONCE = 20
PRICE_CENTS = 100
STOCK = 1_000_000
PAYABLE_SECONDS = 30 * 86_400  # After as long, a sale is its seller's to be paid.
LOST_LATEST_SECONDS = 0.008  # A purchase takes some 5 ms: most of these breaks are in the middle of one.


class Break(Enum):
    """Where a line breaks: before the request is whole, after the answer came, or whenever it happens."""

    BEFORE = auto()
    WHENEVER = auto()
    AFTER = auto()


@dataclass
class Stage:
    """An empty shop whose servers are open, and somebody who reads its books all the time."""

    url: str
    servers: Servers
    reader: Reader

    def ask_order(self, buyer: SessionCaller, *products: int, key: str | None = None) -> Ask:
        """One piece of each product."""
        wanted = [{"product": product, "quantity": 1} for product in products]
        return Ask("/v1/orders", self.servers.token(buyer), {"lines": wanted}, key)

    @asynccontextmanager
    async def seeding(self) -> AsyncIterator[Shop]:
        """The shop through a till of the test's own, at the servers' own time."""
        async with open_shop(self.url, clock=Clock(system_clock())) as shop:
            yield shop

    async def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the books as they stand."""
        engine = open_engine(self.url, pool_size=1)
        try:
            async with reading_books(engine) as connection:
                return [tuple(row) for row in await connection.execute(text(sql))]
        finally:
            await engine.dispose()

    async def audited(self) -> list[str]:
        """What an audit finds now, and what the reader has found."""
        engine = open_engine(self.url, pool_size=1)
        try:
            found = faults_of(await audit(engine))
        finally:
            await engine.dispose()
        faults = [] if found == CLEAN else [f"audit: {found}"]
        return faults + self.reader.faults()


@contextmanager
def staged(
    url: str, home: Path, *, count: int, bug: str | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """Servers and reader on the shop at `url`, for as long as the context lasts."""
    with serving(url, home, count=count, bug=bug, settings=settings) as servers, reading(url, home) as reader:
        yield Stage(url, servers, reader)


async def last_can(stage: Stage, *, rounds: int) -> list[str]:
    """50 buyers want the last can: one gets it, 49 are told that it is gone."""
    async with stage.seeding() as shop:
        cents = rounds * PRICE_CENTS
        buyers = [await shop.buyer(f"buyer {number}", cents=cents) for number in range(BUYERS)]
        cans = [
            await shop.product(f"can {number}", price_cents=PRICE_CENTS, stock=1) for number in range(rounds)
        ]
    faults = []
    async with lines(stage.servers.ports, BUYERS) as crowd:
        for number, can in enumerate(cans):
            asks = [stage.ask_order(buyer, can.product_id, key=f"can-{number}") for buyer in buyers]
            told = Counter(map(str, await volley(crowd, asks)))
            if told != {"201": 1, "409 out-of-stock": BUYERS - 1}:
                faults.append(f"round {number}: the last can was answered with {dict(told)}")
    sold = dict(await stage.query("SELECT product_id, count(*) FROM order_lines GROUP BY product_id"))
    wrong = {can.name: sold.get(can.product_id, 0) for can in cans if sold.get(can.product_id, 0) != 1}
    if wrong:
        faults.append(f"the books hold sales of last cans: {wrong}")
    return faults + await stage.audited()


async def last_money(stage: Stage, *, rounds: int) -> list[str]:
    """A wallet of 1.00 and 20 purchases of 1.00 in one instant: one is paid, 19 are refused."""
    async with stage.seeding() as shop:
        buyers = [await shop.buyer(f"buyer {number}", cents=PRICE_CENTS) for number in range(rounds)]
        can = await shop.product(price_cents=PRICE_CENTS, stock=STOCK)
    faults = []
    async with lines(stage.servers.ports, AT_ONCE) as crowd:
        for number, buyer in enumerate(buyers):
            asks = [stage.ask_order(buyer, can.product_id, key=f"tab-{tab}") for tab in range(AT_ONCE)]
            told = Counter(map(str, await volley(crowd, asks)))
            if told != {"201": 1, "409 insufficient-funds": AT_ONCE - 1}:
                faults.append(f"round {number}: the last money was answered with {dict(told)}")
    orders = dict(await stage.query("SELECT buyer_id, count(*) FROM orders GROUP BY buyer_id"))
    wrong = {count for buyer in buyers if (count := orders.get(buyer.user_id, 0)) != 1}
    if wrong:
        faults.append(f"the books hold so many purchases with the last money: {wrong}")
    return faults + await stage.audited()


async def replay_storm(stage: Stage, *, keys: int) -> list[str]:
    """20 posts of one key in one instant have one effect and one answer; every tenth is a refusal."""
    async with stage.seeding() as shop:
        buyers = [await shop.buyer(f"buyer {number}", cents=keys * PRICE_CENTS) for number in range(4)]
        can = await shop.product("cola", price_cents=PRICE_CENTS, stock=STOCK)
        gone = await shop.product("mate", price_cents=PRICE_CENTS, stock=0)
    faults = []
    effects = 0
    async with lines(stage.servers.ports, AT_ONCE) as crowd:
        for number in range(keys):
            buyer, key = buyers[number % len(buyers)], f"storm-{number}"
            is_sold = number % 10 != 0
            wanted = can.product_id if is_sold else gone.product_id
            answers = await volley(crowd, [stage.ask_order(buyer, wanted, key=key)] * AT_ONCE)
            effects += is_sold
            faults += [f"key {number}: {fault}" for fault in _storm_faults(answers, is_sold=is_sold)]
            other = await crowd[number % AT_ONCE].ask(stage.ask_order(buyer, wanted, wanted, key=key))
            if str(other) != "422 key-reused":
                faults.append(f"key {number}: another body was answered with {other}")
    ((orders,),) = await stage.query("SELECT count(*) FROM orders")
    if orders != effects:
        faults.append(f"the books hold {orders} orders for {effects} keys")
    return faults + await stage.audited()


def _storm_faults(answers: Sequence[Answer], *, is_sold: bool) -> list[str]:
    # 409 without a replay of it: the first is still being settled, and that took too long.
    told = [answer for answer in answers if answer.problem != "in-flight"]
    faults = []
    if len({answer.same for answer in told}) != 1:
        faults.append(f"one key had {len({answer.same for answer in told})} answers: {set(map(str, told))}")
    if Counter(answer.replayed for answer in told)[False] != 1:
        faults.append(f"{sum(not answer.replayed for answer in told)} answers are no replay")
    if {str(answer) for answer in told} != {"201" if is_sold else "409 out-of-stock"}:
        faults.append(f"the answers are {set(map(str, told))}")
    return faults


async def refund_twice(stage: Stage, *, orders: int) -> list[str]:
    """Each order is given back twice in one instant: exactly one wins.

    By its seller and a cashier, or by two cashiers: those do not lock the seller, so nothing but the wallet
    keeps them apart. The seller has earned as much before: that the earnings do not cover it is never why.
    """
    async with stage.seeding() as shop:
        buyer = await shop.buyer(cents=2 * orders * PRICE_CENTS)
        seller = await shop.person("sam", Role.SELLER)
        cashier, colleague = [await shop.person(name, Role.CASHIER) for name in ("kim", "lou")]
        can = await shop.product(price_cents=PRICE_CENTS, stock=2 * orders, seller=seller)
        shop.clock.forward(-PAYABLE_SECONDS)
        await shop.buy(buyer, (can.product_id, orders))
        shop.clock.forward(PAYABLE_SECONDS)
        placed = [await shop.buy(buyer, (can.product_id, 1)) for _ in range(orders)]
    faults = []
    async with lines(stage.servers.ports, 2 * AT_ONCE) as crowd:
        for first in range(0, orders, AT_ONCE):
            some = placed[first : first + AT_ONCE]
            other = seller if first // AT_ONCE % 2 else colleague
            asks = []
            for number, order in enumerate(some):
                # The two of one order at different servers, where there are two.
                pair = [other, cashier] if number // 2 % 2 else [cashier, other]
                path = f"/v1/orders/{order.order_id}/refunds"
                asks += [Ask(path, stage.servers.token(who), key=f"{order.order_id}") for who in pair]
            answers = await volley(crowd[: len(asks)], asks)
            for order, pair_told in zip(some, zip(answers[::2], answers[1::2], strict=True), strict=True):
                told = sorted(map(str, pair_told))
                if told != ["201", "409 refund-exceeds-sale"]:
                    faults.append(f"order {order.order_id}: two refunds were answered with {told}")
    ((refunds,),) = await stage.query("SELECT count(*) FROM refunds")
    if refunds != orders:
        faults.append(f"the books hold {refunds} refunds of {orders} orders")
    return faults + await stage.audited()


async def opposite_orders(stage: Stage, *, pairs: int, at_once: int = AT_ONCE // 2) -> list[str]:
    """Two products in one order, and the other way round in another at the other server: both are sold."""
    async with stage.seeding() as shop:
        buyers = [await shop.buyer(f"buyer {number}", cents=STOCK) for number in range(2 * at_once)]
        cans = [
            await shop.product(f"can {number}", price_cents=PRICE_CENTS, stock=STOCK) for number in range(4)
        ]
    faults = []
    async with lines(stage.servers.ports, 2 * at_once) as crowd:
        for first in range(0, pairs, at_once):
            asks = []
            for number in range(first, min(first + at_once, pairs)):
                one, other = cans[number % 4].product_id, cans[(number + 1 + number // 4 % 3) % 4].product_id
                there, back = buyers[2 * (number - first)], buyers[2 * (number - first) + 1]
                asks.append(stage.ask_order(there, one, other, key=f"pair-{number}"))
                asks.append(stage.ask_order(back, other, one, key=f"pair-{number}"))
            faults += [
                f"pairs from {first} on: an order was answered with {answer}"
                for answer in await volley(crowd[: len(asks)], asks)
                if answer.status != 201
            ]
    ((orders,),) = await stage.query("SELECT count(*) FROM orders")
    if orders != 2 * pairs:
        faults.append(f"the books hold {orders} orders of {2 * pairs}")
    return faults + await stage.audited()


async def lost_answers(stage: Stage, *, requests: int, seed: int) -> list[str]:
    """The line breaks before the answer is there; the retry with the key has the effect once, or finds it."""
    async with stage.seeding() as shop:
        buyers = [await shop.buyer(f"buyer {number}", cents=STOCK) for number in range(AT_ONCE)]
        can = await shop.product(price_cents=PRICE_CENTS, stock=STOCK)
    faults: list[str] = []
    found: Counter[bool] = Counter()

    async def shop_along(number: int, buyer: SessionCaller) -> None:
        rng = random.Random(f"{seed} {number}")
        for purchase in range(requests // AT_ONCE):
            ask = stage.ask_order(buyer, can.product_id, key=f"lost-{purchase}")
            port = rng.choice(stage.servers.ports)
            line = await Line.open(port)
            match rng.choice(list(Break)):
                case Break.BEFORE:
                    line.send(ask, cut=1)
                case Break.WHENEVER:
                    line.send(ask)
                    await asyncio.sleep(rng.uniform(0, LOST_LATEST_SECONDS))
                case Break.AFTER:
                    await line.ask(ask)  # Of this answer nobody hears.
            line.drop()
            retry = await Line.open(rng.choice(stage.servers.ports))
            answer = await retry.ask(ask)
            await retry.close()
            found[answer.replayed] += 1
            if answer.status != 201:
                faults.append(f"buyer {number}: retry {purchase} was answered with {answer}")

    await asyncio.gather(*(shop_along(number, buyer) for number, buyer in enumerate(buyers)))
    if not (found[True] and found[False]):
        faults.append(f"retries all found the effect, or none did: {dict(found)}")
    ((orders,),) = await stage.query("SELECT count(*) FROM orders")
    if orders != requests // AT_ONCE * AT_ONCE:
        faults.append(f"the books hold {orders} orders of {requests // AT_ONCE * AT_ONCE}")
    return faults + await stage.audited()
