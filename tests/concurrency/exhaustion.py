"""More money requests at once than the shop has places: some are refused, and the next ones are served."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

import asyncpg

from tests.concurrency.scenes import PRICE_CENTS, STOCK, Stage
from tests.limits import BATCH_MAX, QUEUE_MAX, until
from tests.wire import Answer, Ask, Line, lines
from tuckshop.domain.users import Role
from tuckshop.store.engine import postgres_dsn, sqlite_path
from tuckshop.till.callers import SessionCaller

PLACES = QUEUE_MAX + BATCH_MAX  # Of a server: its queue, and the batch for which the till has its connection.
TIMES = 4
KINDS = {
    "orders": "SELECT count(*) FROM orders WHERE client_ref IS NOT NULL",
    "refunds": "SELECT count(*) FROM refunds",
    "transfers": "SELECT count(*) FROM transfers WHERE kind = 'transfer'",
    "topups": "SELECT count(*) FROM transfers WHERE kind = 'topup'",
}
"""How many of each the books hold."""


async def exhausted(stage: Stage, *, rounds: int) -> list[str]:
    """Four times as many requests as places, while nothing can be written; then one of each kind."""
    places = PLACES * len(stage.servers.ports)
    faults: list[str] = []
    customers = await _customers(stage, count=rounds * (TIMES * places // len(KINDS) + 1))
    async with lines(stage.servers.ports, TIMES * places) as crowd:
        for number in range(rounds):
            requests = [customers.request(f"{number}-{place}", place) for place in range(len(crowd))]
            before = await _counted(stage)
            answers = await _stand_still(stage, crowd, [ask for _, ask in requests])
            told = Counter(map(str, answers))
            if told["503 unavailable"] < len(crowd) - places or told.keys() - {"201", "503 unavailable"}:
                faults.append(f"round {number}: the crowd was answered with {dict(told)}")
            sold = zip(requests, answers, strict=True)
            done = Counter(kind for (kind, _), answer in sold if answer.status == 201)
            made = await _counted(stage) - before
            if made != done:
                faults.append(f"round {number}: {dict(done)} were acknowledged, {dict(made)} were made")
            for place in range(len(KINDS)):
                kind, ask = customers.request(f"{number}-last-{place}", place)
                answer = await crowd[place].ask(ask)
                if answer.status != 201:
                    faults.append(f"round {number}: afterwards, one of {kind} was answered with {answer}")
    return faults + await stage.audited()


@dataclass
class _Customers:
    """Who asks. `orders`: those that can still be refunded."""

    stage: Stage
    buyer: SessionCaller
    friend: SessionCaller
    cashier: SessionCaller
    product: int
    orders: list[int]

    def request(self, name: str, place: int) -> tuple[str, Ask]:
        """The kind and the request, of four kinds in turn."""
        token = self.stage.servers.token
        match place % len(KINDS):
            case 0:
                order = {"lines": [{"product": self.product, "quantity": 1}], "client_ref": name}
                return "orders", Ask("/v1/orders", token(self.buyer), order, name)
            case 1:
                return "refunds", Ask(
                    f"/v1/orders/{self.orders.pop()}/refunds", token(self.cashier), key=name
                )
            case 2:
                sent = {"to": self.friend.user_id, "amount": 5}
                return "transfers", Ask("/v1/wallet/transfers", token(self.buyer), sent, name)
            case _:
                paid = {"user": self.friend.user_id, "amount": 5, "external_ref": name}
                return "topups", Ask("/v1/topups", token(self.cashier), paid, name)


async def _customers(stage: Stage, *, count: int) -> _Customers:
    async with stage.seeding() as shop:
        buyer = await shop.buyer("ada", cents=1_000_000)
        friend = await shop.buyer("bob")
        cashier = await shop.person("kim", Role.CASHIER, Role.ADMIN)
        product = (await shop.product(price_cents=PRICE_CENTS, stock=STOCK)).product_id
        orders = [(await shop.buy(buyer, (product, 1))).order_id for _ in range(count)]
    return _Customers(stage, buyer, friend, cashier, product, orders)


async def _stand_still(stage: Stage, crowd: list[Line], asks: list[Ask]) -> list[Answer]:
    """All answers. Nothing can be written until all are refused for whom there is no place."""
    async with _locked(stage.url):
        asking = [asyncio.create_task(line.ask(ask)) for line, ask in zip(crowd, asks, strict=True)]
        most = PLACES * len(stage.servers.ports)
        await until(lambda: sum(not one.done() for one in asking) <= most)
    return list(await asyncio.gather(*asking))


@asynccontextmanager
async def _locked(url: str) -> AsyncIterator[None]:
    """Whoever wants to sell waits."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(sqlite_path(url), isolation_level=None)) as held:
            held.execute("BEGIN IMMEDIATE")
            yield
            held.execute("ROLLBACK")
        return
    connection = await asyncpg.connect(postgres_dsn(url))
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE accounts IN EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def _counted(stage: Stage) -> Counter[str]:
    return Counter({kind: (await stage.query(sql))[0][0] for kind, sql in KINDS.items()})
