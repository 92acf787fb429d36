"""The books in a SQLite file: one till, one writer, one thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, assert_never

import msgspec

from tuckshop.store import troubles
from tuckshop.store.engine import connect_sqlite
from tuckshop.store.ids_behind import ids_behind
from tuckshop.till.sql import books, script
from tuckshop.till.sql.account_ids import AccountIds
from tuckshop.till.sql.steps import (
    Add,
    Delete,
    Insert,
    Read,
    Reserve,
    Script,
    Step,
    Update,
    Write,
    on_conflict,
)
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


class SqliteBooks:
    """`Books` on the file at `path`. `clock` gives the instant of each batch in microseconds, UTC."""

    def __init__(self, *, path: str, clock: Callable[[], int]) -> None:
        self._path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._account_ids = AccountIds()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="till")

    async def transact(self, need: ReadSet, decide: Callable[[WorkingSet], None]) -> None:
        """See `Books.transact`."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._transact, need, decide)

    async def version(self) -> int:
        """A number that is another once anybody but this till has written to the file.

        Raises: Unavailable.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._version)

    async def close(self) -> None:
        """See `Books.close`."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _version(self) -> int:
        try:
            if self._connection is None:
                self._connection = connect_sqlite(self._path)
            ((version,),) = self._connection.execute("PRAGMA data_version").fetchall()
        except sqlite3.Error as error:
            self._disconnect()
            raise _unavailable(error) from error
        return int(version)

    def _transact(self, need: ReadSet, decide: Callable[[WorkingSet], None]) -> None:
        try:
            if self._connection is None:
                self._connection = connect_sqlite(self._path)
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._disconnect()
            raise _unavailable(error) from error
        connection = self._connection
        self._account_ids.fresh.clear()
        try:
            work = self._run(script.load(need, self._account_ids))
            decide(work)
            if not work.changes.any():
                connection.execute("ROLLBACK")
                return
            self._run(script.store(work, self._account_ids))
            connection.execute("COMMIT")
        except BaseException as error:
            # SQLite commits in this call or not at all: still inside the transaction means it did not.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error) and troubles.of(error) is not None:
                self._disconnect()
                raise _unavailable(error) from error
            if (behind := ids_behind(error)) is not None:
                raise behind from error
            if isinstance(error, sqlite3.Error | OverflowError):
                raise books.BatchRefused(str(error)) from error
            raise
        self._account_ids.keep()

    def _run(self, steps: Script) -> Any:
        try:
            step: Step = next(steps)
            while True:
                step = steps.send(self._perform(step))
        except StopIteration as done:
            return done.value

    def _perform(self, step: Step) -> Any:
        assert self._connection is not None
        if isinstance(step, Reserve):
            return self._reserve(step)
        statement, rows = step
        if isinstance(statement, Read):
            return self._connection.execute(_read_sql(statement), (_as_json(rows),)).fetchall()
        self._connection.executemany(_write_sql(statement), rows)
        return None

    def _reserve(self, step: Reserve) -> Any:
        assert self._connection is not None
        ids = {}
        for name, count in step.counts.items():
            last = 0
            if count and name == "users":
                # Numbered as SQLite does itself: they have no counter, and nobody else writes while we do.
                ((last,),) = self._connection.execute(
                    "SELECT coalesce(max(id), 0) + ? FROM users", (count,)
                ).fetchall()
            elif count:
                ((last,),) = self._connection.execute(
                    "UPDATE counters SET last_id = last_id + ? WHERE name = ? RETURNING last_id",
                    (count, name),
                ).fetchall()
            ids[name] = iter(range(last - count + 1, last + 1))
        return self._clock(), ids


def _unavailable(error: sqlite3.Error) -> books.Unavailable:
    return books.Unavailable(str(error), trouble=troubles.explain(error))


_as_json = msgspec.json.Encoder().encode


@cache
def _read_sql(read: Read) -> str:
    columns = ", ".join(name for name, _ in read.keys)
    values = ", ".join(f"value->>{place}" for place in range(len(read.keys)))
    return f"WITH wanted({columns}) AS (SELECT {values} FROM json_each(?)) {read.select}"


def _write_sql(statement: Write) -> str:
    match statement:
        case Insert():
            return _insert_sql(statement)
        case Update():
            return _update_sql(statement)
        case Add():
            return _add_sql(statement)
        case Delete():
            return _delete_sql(statement)
        case _:
            assert_never(statement)


@cache
def _insert_sql(insert: Insert) -> str:
    marks = ", ".join("?" * len(insert.columns))
    return f"INSERT INTO {insert.table.name} ({', '.join(insert.columns)}) VALUES ({marks})"


@cache
def _delete_sql(delete: Delete) -> str:
    where = " AND ".join(f"{name} = ?{place}" for place, name in enumerate(delete.keys, 1))
    return f"DELETE FROM {delete.table.name} WHERE {where}"


@cache
def _update_sql(update: Update) -> str:
    first = len(update.keys) + 1
    sets = ", ".join(
        f"{name} = {f'{name} + ' if update.added else ''}?{first + place}"
        for place, name in enumerate(update.values)
    )
    where = " AND ".join(f"{name} = ?{place}" for place, name in enumerate(update.keys, 1))
    return f"UPDATE {update.table.name} SET {sets} WHERE {where}"


@cache
def _add_sql(add: Add) -> str:
    return f"{_insert_sql(Insert(add.table, add.keys + add.values))} {on_conflict(add)}"
