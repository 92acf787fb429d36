"""A batch on SQLite is one transaction: it holds together at every statement."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from tests.shop import Shop, open_shop
from tuckshop.domain.ledger import wallet_of
from tuckshop.store.engine import connect_sqlite
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Command, Envelope
from tuckshop.till.commands.machines import CountCoins
from tuckshop.till.commands.orders import PlaceOrder
from tuckshop.till.commands.products import ChangeProduct, Restock
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.wallet import Deposit
from tuckshop.till.engine.queue import Defect


class Recorder:
    """The till's connection, which writes down what it is told, and refuses the statement of that number."""

    def __init__(self, real: sqlite3.Connection) -> None:
        self.real = real
        self.told: list[str] = []
        self.refused: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        self._tell(sql)
        return self.real.execute(sql, *values)

    def executemany(self, sql: str, rows: Iterable[Any]) -> sqlite3.Cursor:
        self._tell(sql)
        return self.real.executemany(sql, rows)

    def _tell(self, sql: str) -> None:
        if sql == "ROLLBACK":
            return
        if len(self.told) == self.refused:
            raise sqlite3.DatabaseError("refused by the test")
        self.told.append(sql)


@pytest.fixture
async def recorder(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Shop, Recorder]]:
    """A shop, and what its till tells the database."""
    made: list[Recorder] = []

    def connect(path: str) -> Recorder:
        made.append(Recorder(connect_sqlite(path)))
        return made[-1]

    monkeypatch.setattr("tuckshop.till.sql.sqlite.connect_sqlite", connect)
    async with open_shop(sqlite_url) as shop:
        await shop.product("the till connects")
        yield shop, made[0]


async def batch(shop: Shop) -> list[Envelope]:
    """Each writes other tables; all of them with a key, whose record belongs to what it records."""
    ada = await shop.buyer("ada", cents=500)
    cola = (await shop.product("cola")).product_id
    order_id = (await shop.buy(ada, (cola, 1))).order_id
    commands: list[Command] = [
        Deposit(OPERATOR, wallet_of(ada.user_id), {50: 1}),
        PlaceOrder(ada, wallet_of(ada.user_id), ((cola, 1),), client_ref="mine"),
        Refund(OPERATOR, order_id),
        Restock(OPERATOR, cola, 2),
        ChangeProduct(OPERATOR, cola, name="kola", price_cents=140),
        CountCoins(OPERATOR, 1, {100: 3, 50: 1, 20: 0, 10: 0, 5: 0}),
    ]
    return [Envelope(one, f"key {number}", b"f") for number, one in enumerate(commands)]


async def test_a_batch_is_begun_and_committed_once(recorder: tuple[Shop, Recorder]) -> None:
    shop, connection = recorder
    envelopes = await batch(shop)
    connection.told.clear()
    for outcome in await shop.till.execute_together(envelopes):
        outcome.receipt()
    assert (connection.told[0], connection.told[-1]) == ("BEGIN IMMEDIATE", "COMMIT")
    assert len([sql for sql in connection.told if sql.startswith(("BEGIN", "COMMIT", "SAVEPOINT"))]) == 2


async def test_a_command_that_fails_at_any_statement_leaves_nothing(recorder: tuple[Shop, Recorder]) -> None:
    shop, connection = recorder
    for envelope in await batch(shop):
        before = await shop.books()
        connection.refused = 1  # Without BEGIN, the file is away, and the till waits for it.
        while not await _is_done(shop, envelope, connection):
            assert await shop.books() == before, connection.told
            connection.refused += 1
        assert connection.told[-1] == "COMMIT"
        assert connection.refused == len(connection.told) > 3
        connection.refused = None
    await shop.assert_clean()


async def _is_done(shop: Shop, envelope: Envelope, connection: Recorder) -> bool:
    connection.told.clear()
    try:
        outcome = await shop.till.execute(envelope)
    except Defect:
        return False
    assert not outcome.replayed
    outcome.receipt()
    return True
