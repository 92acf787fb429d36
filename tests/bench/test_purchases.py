"""What pgbench buys leaves the rows that the till leaves: else their figures would not compare."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from bench import pgbench, seed
from bench.counts import count, require_all
from bench.pgbench import Job
from tests.conftest import PostgresServer
from tests.shop import Clock, open_shop
from tuckshop.domain.ledger import wallet_of
from tuckshop.till.commands.orders import PlaceOrder

PURCHASES = 5
SECONDS_MAX = 300.0  # Only so that a hanging pgbench is ended.
CLOSED_SETS = ("kind", "payment", "status")

Books = dict[str, list[dict[str, Any]]]


@pytest.mark.postgres
@pytest.mark.parametrize("script", ["purchase_statements.sql", "purchase_function.sql"])
def test_leaves_the_rows_that_the_till_leaves(postgres_server: PostgresServer, script: str) -> None:
    url = postgres_server.new_database()
    filled = seed.make(url, size=seed.Size(buyers=20, sellers=3, products=7))
    as_filled = asyncio.run(books(url))
    asyncio.run(buy_from_the_till(url, filled))
    by_the_till = asyncio.run(books(url))
    before = count(url)

    pgbench.make_function(url)
    job = Job(url, script, filled.session_ids, filled.product_ids)
    pgbench.bought(job, f"--transactions={PURCHASES}", seconds_max=SECONDS_MAX)

    require_all(before, count(url), answered=PURCHASES)
    assert forms(by_the_till, asyncio.run(books(url))) == forms(as_filled, by_the_till)


async def buy_from_the_till(url: str, filled: seed.Shop) -> None:
    """One piece, under a key."""
    buyer = filled.buyers[0]
    async with open_shop(url, clock=Clock(time.time_ns() // 1_000)) as shop:
        order = PlaceOrder(buyer, wallet_of(buyer.user_id), ((filled.product_ids[0], 1),))
        await shop.do(order, key="first")


async def books(url: str) -> Books:
    """All rows of all tables, which pass the audit."""
    async with open_shop(url) as shop:
        await shop.assert_clean()
        return await shop.books()


def forms(before: Books, after: Books) -> dict[str, set[tuple[tuple[str, object], ...]]]:
    """For each table with new or changed rows: what their columns hold, but for numbers, names and times."""
    return {
        table: {tuple((name, form(name, value)) for name, value in row.items()) for row in changed}
        for table, rows in after.items()
        if (changed := [row for row in rows if row not in before[table]])
    }


def form(column: str, value: object) -> object:
    """A word of a closed set, the fields of a JSON object, or which type it is."""
    if column in CLOSED_SETS:
        return value
    if column == "outcome" and isinstance(value, str | bytes):
        return frozenset(json.loads(value))
    return type(value)
