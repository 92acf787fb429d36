"""`tuckshop` with one guard taken away: `python -m tests.concurrency.planted BUG serve ...`.

The bug is in this process alone; nothing in src knows of it. Each is one that the scenes promise to find.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from tuckshop.domain.refusals import TooManyTries
from tuckshop.identity import login_throttle
from tuckshop.store import engine
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.commands.orders import PlaceOrder
from tuckshop.till.engine import execute, queue
from tuckshop.till.engine.queue import Till
from tuckshop.till.sql import postgres, script, statements
from tuckshop.till.sql.account_ids import AccountIds
from tuckshop.till.sql.postgres import PostgresBooks
from tuckshop.till.sql.sqlite import SqliteBooks
from tuckshop.till.sql.steps import Read, Rows, Script
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.rows import IdempotencyRow
from tuckshop.till.state.working_set import WorkingSet

WINDOW_SECONDS = 0.25  # Much longer than a batch: what may happen between two statements, happens.
ALONE_SECONDS = 1.0  # How long to wait for others who may not come at all.
_PAUSE_SECONDS = 0.001


def _plant(place: object, name: str, bug: object) -> None:
    assert hasattr(place, name), f"{place} has no {name} any more: this bug needs another place"
    setattr(place, name, bug)


def _meet() -> None:
    """Returns when another server of this shop is here too, or none comes: both have read, none has written.

    Each says in a file of the folder that they share how often it was here.
    """
    own = Path(f"met-{os.getpid()}")
    times = int(own.read_text() or 0) + 1 if own.exists() else 1
    deadline = time.monotonic() + ALONE_SECONDS
    _say(own, times)
    while time.monotonic() < deadline:
        others = [int(file.read_text() or 0) for file in Path().glob("met-*") if file != own]
        if others and max(others) >= times:
            return
        time.sleep(_PAUSE_SECONDS)
    _say(own, times - 1)  # So that they meet the next time.


def _say(file: Path, times: int) -> None:
    new = file.with_name(f"new-{file.name}")
    new.write_text(str(times))
    new.replace(file)


def _meet_in_between() -> None:
    """Between what was read and what is written, servers wait for each other."""
    real = script.store

    def store(work: WorkingSet, account_ids: AccountIds) -> Script:
        _meet()
        yield from real(work, account_ids)

    _plant(script, "store", store)


def unlocked_shelves() -> None:
    """Shelves are read without a lock; their new quantities are written as they were decided on."""
    _plant(statements, "SHELVES", statements.SHELVES._replace(lock=None))
    _meet_in_between()


def unlocked_wallets() -> None:
    """Wallets are read without a lock; their new balances are written as they were decided on."""
    statements.WALLETS.update(
        {column: read._replace(lock=None) for column, read in statements.WALLETS.items()}
    )
    _meet_in_between()


def blind() -> None:
    """No command sees what its neighbours of the same batch did."""
    real = execute.execute
    loaded: list[tuple[WorkingSet, dict[Any, Any], dict[Any, Any], dict[Any, Any]]] = []

    def decide(envelope: Envelope, work: WorkingSet) -> Outcome:
        balances, shelves, orders = work.accounts.balances, work.products.shelves, work.orders.by_id
        if not loaded or loaded[0][0] is not work:
            loaded[:] = [(work, dict(balances), dict(shelves), dict(orders))]
        _, balances_loaded, shelves_loaded, orders_loaded = loaded[0]
        balances.update(balances_loaded)
        shelves.update(shelves_loaded)
        orders.update(orders_loaded)
        return real(envelope, work)

    class Later(asyncio.Event):
        def __init__(self, till: Till) -> None:
            super().__init__()
            self._till = till

        async def wait(self) -> Literal[True]:
            """Until neighbours are there, and no more of them come."""
            await super().wait()
            deadline = time.monotonic() + ALONE_SECONDS
            before = 0
            while time.monotonic() < deadline and not 1 < self._till.waiting == before:
                before = self._till.waiting
                await asyncio.sleep(WINDOW_SECONDS / 5)
            return True

    real_enter = Till.__aenter__

    async def enter(self: Till) -> Till:
        self._arrival = Later(self)
        return await real_enter(self)

    _plant(Till, "__aenter__", enter)
    _plant(queue, "execute", decide)


def forgotten_key() -> None:
    """No key is ever looked up or recorded."""
    real = Till.execute

    async def without_key(self: Till, envelope: Envelope) -> Outcome:
        outcome = await real(self, replace(envelope, key=None))
        await asyncio.sleep(WINDOW_SECONDS)  # In which the server may die, or the line break.
        return outcome

    _plant(Till, "execute", without_key)


def late_record() -> None:
    """Idempotency records are written after the transaction, in one of their own."""
    real = PostgresBooks.transact
    insert = statements.NEW_OUTCOMES

    async def transact(self: PostgresBooks, need: ReadSet, decide: Callable[[WorkingSet], None]) -> None:
        late: list[IdempotencyRow] = []

        def decide_only(work: WorkingSet) -> None:
            decide(work)
            late[:] = work.changes.idempotency
            work.changes.idempotency = []

        await real(self, need, decide_only)
        await asyncio.sleep(WINDOW_SECONDS)
        if late:
            connection = await self._connected()
            sql = f"{postgres._write_sql(insert)} ON CONFLICT DO NOTHING"
            await connection.execute(sql, *postgres._columns(insert, late))

    _plant(PostgresBooks, "transact", transact)


def arrival_order() -> None:
    """Shelves are locked one after the other in the order in which they are named, and nobody tries again."""
    real_reads = execute.reads
    real_read = PostgresBooks._read
    named: dict[tuple[int, int], None] = {}

    def reads(envelope: Envelope, need: ReadSet) -> None:
        real_reads(envelope, need)
        if isinstance(envelope.command, PlaceOrder):
            named.update(
                {(envelope.command.machine_id, product): None for product, _ in envelope.command.lines}
            )

    async def read(self: PostgresBooks, asked: Read, rows: Rows) -> Any:
        if asked is not statements.SHELVES:
            return await real_read(self, asked, rows)
        found = []
        for row in sorted(rows, key=list(named).index):
            found += await real_read(self, asked, [row])
            await asyncio.sleep(WINDOW_SECONDS)
        named.clear()
        return found

    _plant(queue, "reads", reads)
    _plant(queue, "CONTENTION_TRIES", 1)
    _plant(PostgresBooks, "_read", read)


def early_answer() -> None:
    """Callers are answered when their command is decided; it is written and committed afterwards."""
    real_batch, real_execute, real_commit = Till._execute, execute.execute, PostgresBooks._commit
    real_run = SqliteBooks._run
    answers: dict[int, Callable[[Outcome], object]] = {}

    async def execute_batch(self: Till, waiting: list[queue._Waiting]) -> None:
        loop = asyncio.get_running_loop()

        def teller(answer: asyncio.Future[Outcome]) -> Callable[[Outcome], object]:
            def tell(outcome: Outcome) -> None:
                if not answer.done():
                    answer.set_result(outcome)

            return lambda outcome: loop.call_soon_threadsafe(tell, outcome)

        answers.update({id(one.envelope): teller(one.answer) for one in waiting})
        await real_batch(self, waiting)
        answers.clear()

    def decide(envelope: Envelope, work: WorkingSet) -> Outcome:
        outcome = real_execute(envelope, work)
        answers[id(envelope)](outcome)
        return outcome

    async def commit(self: PostgresBooks, connection: Any) -> None:
        await asyncio.sleep(WINDOW_SECONDS)
        await real_commit(self, connection)

    def run(self: SqliteBooks, steps: Script) -> Any:
        done = real_run(self, steps)
        if done is None:  # `store` is done; `load` returns a page.
            time.sleep(WINDOW_SECONDS)
        return done

    _plant(queue, "execute", decide)
    _plant(Till, "_execute", execute_batch)
    _plant(PostgresBooks, "_commit", commit)
    _plant(SqliteBooks, "_run", run)


def normal_sync() -> None:
    """SQLite answers before what it wrote is on the disk."""
    engine.SQLITE_PRAGMAS["synchronous"] = "NORMAL"


def counted_apart() -> None:
    """Each process counts tries to log in for itself."""
    counts: Counter[bytes] = Counter()

    async def count(_: object, name: bytes, limit: login_throttle.Limit, __: int) -> int:
        counts[name] += 1
        if counts[name] > limit.attempts:
            raise TooManyTries(retry_seconds=limit.seconds)
        return counts[name]

    _plant(login_throttle, "count", count)


BUGS = {
    bug.__name__.replace("_", "-"): bug
    for bug in (
        unlocked_shelves,
        unlocked_wallets,
        blind,
        forgotten_key,
        late_record,
        arrival_order,
        early_answer,
        normal_sync,
        counted_apart,
    )
}


if __name__ == "__main__":
    from tests.limits import serve_patiently
    from tuckshop.cli.main import cli

    serve_patiently()
    BUGS[sys.argv.pop(1)]()
    cli()
