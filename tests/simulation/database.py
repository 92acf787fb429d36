"""A model of PostgreSQL at READ COMMITTED, as far as the till relies on it.

What is committed lies in one SQLite database in memory, with the shop's own constraints, and is asked with
the statements' own text. A transaction keeps what it has written as a list, which nobody else sees: its
statements are asked on what is committed at that moment with the list written on top, and all of that is
taken back. COMMIT writes the list for good.

- Rows that are locked or written stay locked to the end of the transaction. Whoever wants one waits, and then
  sees the row as it has become; rows that came later are not seen.
- Whoever writes a unique key that another one has written or given up, and not committed, waits for its end.
- Of those who wait for each other in a circle, one is told of a deadlock.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import asyncpg
import msgspec

from tests.simulation.scheduler import Scheduler
from tuckshop.store import tables
from tuckshop.till.sql import sqlite
from tuckshop.till.sql.steps import Add, Delete, Insert, Read, Rows, Update, Write

Status = Literal["in progress", "committed", "aborted"]
Lock = tuple[str, tuple[Any, ...]]  # a table and its row's key
Written = tuple[str, list[tuple[Any, ...]]]

FIRST_ID = 1_000  # Above all that the shop begins with.
NUMBERED = frozenset({"accounts", "stock_movements", "coin_movements", "admin_log"})
"""Tables whose rows the database numbers."""


@dataclass(frozen=True)
class Asked:
    """A statement is said: a read with its keys, or what is written at one go."""

    transaction: int
    who: str
    asked: tuple[Read, Rows] | list[tuple[Write, Rows]]


@dataclass(frozen=True)
class Answered:
    """It is answered, at once or after a wait: rows in one order, or the kind of error."""

    transaction: int
    answer: list[tuple[Any, ...]] | type[Exception]


@dataclass(frozen=True)
class Ended:
    """A transaction ends."""

    transaction: int
    who: str
    status: Status


Event = Asked | Answered | Ended


class ModelBroken(Exception):
    """Two transactions were let through of which one should have waited: the model is wrong, not the till."""


@dataclass(eq=False)
class Transaction:
    """One transaction: what it has written, and the locks it got, in their order."""

    id: int
    who: str
    begun: int
    status: Status = "in progress"
    ended: int = 0
    place: int = 0  # among those that were committed
    written: list[Written] = field(default_factory=list)
    locks: list[tuple[str, Lock]] = field(default_factory=list)  # by the name of what took it
    executions: list[Any] = field(default_factory=list)  # what the till decided in it
    work: Any = None  # and on what
    waits_for: Transaction | None = None
    doomed: Exception | None = None  # What its next statement is told.


class Database:
    """The server: who is connected asks one statement at a time."""

    def __init__(
        self, committed: sqlite3.Connection, scheduler: Scheduler, *, is_prompt: bool = False
    ) -> None:
        # Prompt: a statement is never passed by others in the middle, nor between its wait and its going on.
        self._is_prompt = is_prompt
        self.events: list[Event] = []
        self.committed = committed
        self.scheduler = scheduler
        self.transactions: list[Transaction] = []
        self.story: list[tuple[Any, ...]] = []
        self.connections: list[Any] = []
        self.kill: Callable[[str], None] = lambda who: None  # Somebody's process is to die.
        self.deciding: Transaction | None = None  # in which commands are just being executed
        self.deadlocks = 0
        self.waits = 0
        self.races = 0  # How often two wait for one end, who may then want the same.
        self._holders: dict[Lock, Transaction] = {}
        self._ended = asyncio.Event()
        self._next_id: dict[str, int] = {}
        self._places = 0
        self._committing: list[asyncio.Future[None]] = []

    def begin(self, who: str) -> Transaction:
        """A new transaction."""
        one = Transaction(len(self.transactions) + 1, who, self.scheduler.turns)
        self.transactions.append(one)
        return one

    def next_id(self, table: str) -> int:
        """The next number of the table's sequence; it never comes back."""
        self._next_id[table] = self._next_id.get(table, FIRST_ID) + 1
        return self._next_id[table]

    async def fetch(
        self, one: Transaction, asked: tuple[Read, Rows] | list[tuple[Write, Rows]]
    ) -> list[tuple[Any, ...]]:
        """The rows of a read, or none of what is written. Raises as the driver does."""
        self.events.append(Asked(one.id, one.who, asked))
        rows: list[tuple[Any, ...]] = []
        try:
            if isinstance(asked, tuple):
                rows = await self.read(one, *asked)
            else:
                for write, given in asked:
                    await self.write(one, write, given)
        except asyncpg.PostgresError as error:
            self.events.append(Answered(one.id, type(error)))
            raise
        self.events.append(Answered(one.id, rows))
        return rows

    async def read(self, one: Transaction, read: Read, rows: Rows) -> list[tuple[Any, ...]]:
        """The rows, locked where the statement says so."""
        if read.lock is None:
            with self._view(one):
                return self._ask(sqlite._read_sql(read), rows)
        table, width, sql = _read_with_key(read)
        with self._view(one):
            seen = [row[:width] for row in self._ask(sql, rows)]
        await self._lock_all(one, read.name, [(table, key) for key in seen])
        with self._view(one):
            # As the rows are by now; those that came since are not among them.
            return [row[width:] for row in self._ask(sql, rows) if row[:width] in seen]

    async def write(self, one: Transaction, write: Write, rows: Rows) -> None:
        """Inserts, updates or deletes. Raises as the driver does."""
        if isinstance(write, Insert):
            write, rows = self._numbered(write, rows)
        else:
            found = self._rows_of(one, write, rows)
            await self._lock_all(one, _name(write), found)
        sql, values = sqlite._write_sql(write), [tuple(row) for row in rows]
        if not self._hinders(one, (sql, values)):
            one.written.append((sql, values))
            return
        for row in values:
            while blocker := self._hinders(one, (sql, [row])):
                await self._wait(one, blocker)
            one.written.append((sql, [row]))

    def commit(self, one: Transaction) -> None:
        """What it has written is there for all."""
        try:
            self._write(one.written)
        except sqlite3.Error as error:
            raise ModelBroken(f"{one.who}: {error}") from error
        self._places += 1
        one.place = self._places
        self._end(one, "committed")

    def abort(self, one: Transaction) -> None:
        """As if it had never been."""
        if one.status == "in progress":
            self._end(one, "aborted")

    def commit_later(self, one: Transaction) -> None:
        """It is being committed, unless it is ended before."""

        async def commit() -> None:
            await self.scheduler.turn(f"the server for {one.who}")
            if one.status == "in progress":
                self.tell(f"the server has committed for {one.who}")
                self.commit(one)

        self._committing.append(asyncio.ensure_future(commit()))

    def crash(self) -> None:
        """The server starts again: who is connected is cut off, what is not committed is gone."""
        self.tell("the server crashes")
        for connection in self.connections:
            connection.lose()
        for one in self.transactions:
            self.abort(one)

    def is_written(self, table: str, columns: tuple[str, ...], values: list[Any]) -> bool:
        """Whether there is a committed row with these values."""
        where = " AND ".join(f"{column} = ?" for column in columns)
        return bool(self.committed.execute(f"SELECT 1 FROM {table} WHERE {where}", values).fetchone())

    def check(self, one: Transaction) -> None:
        """Raises as the driver does if the server has ended the transaction."""
        if one.doomed is not None:
            doomed, one.doomed = one.doomed, None
            raise doomed
        if one.status != "in progress":
            raise asyncpg.ConnectionDoesNotExistError("the server has ended it")

    def tell(self, *parts: object) -> None:
        """Adds a line to the story. Its parts become text when somebody reads it."""
        self.story.append(parts)

    def _end(self, one: Transaction, status: Status) -> None:
        self.events.append(Ended(one.id, one.who, status))
        one.status = status
        one.ended = self.scheduler.turns
        self._holders = {lock: holder for lock, holder in self._holders.items() if holder is not one}
        self._wake_all()

    def _wake_all(self) -> None:
        self._ended.set()
        self._ended = asyncio.Event()

    # --- What is seen

    @contextmanager
    def _view(self, *owners: Transaction, plus: Written | None = None) -> Iterator[None]:
        """The committed rows with what these have written on top, for the length of the context."""
        written = [one for owner in owners for one in owner.written]
        if not written and plus is None:
            yield
            return
        self.committed.execute("SAVEPOINT view")
        try:
            self._write(written)
            if plus is not None:
                self._write([plus])
            yield
        finally:
            self.committed.execute("ROLLBACK TO view")
            self.committed.execute("RELEASE view")

    def _write(self, written: list[Written]) -> None:
        for sql, values in written:
            self.committed.executemany(sql, values)

    def _ask(self, sql: str, rows: Rows) -> list[tuple[Any, ...]]:
        return self.committed.execute(sql, (_as_json(rows),)).fetchall()

    def _numbered(self, insert: Insert, rows: Rows) -> tuple[Insert, list[tuple[Any, ...]]]:
        name = insert.table.name
        if name not in NUMBERED:
            return insert, list(rows)
        return Insert(insert.table, ("id", *insert.columns)), [(self.next_id(name), *row) for row in rows]

    # --- Locks

    def _rows_of(self, one: Transaction, write: Update | Add | Delete, rows: Rows) -> list[Lock]:
        """The rows that are there to be written, in the order in which they are named."""
        table, width = write.table.name, len(write.keys)
        names = tuple(column.name for column in write.table.primary_key)
        if write.keys == names:
            # Whoever adds may wait for somebody who makes the row.
            return [(table, tuple(row[:width])) for row in rows]
        sql = _key_sql(table, names, write.keys)
        with self._view(one):
            found = [self.committed.execute(sql, row[:width]).fetchone() for row in rows]
        return [(table, key) for key in found if key is not None]

    async def _lock_all(self, one: Transaction, name: str, locks: list[Lock]) -> None:
        for place, lock in enumerate(locks):
            if place and not self._is_prompt and self.scheduler.choices.once_in(6):
                await self.scheduler.turn(one.who)
                self.check(one)
            while (holder := self._holders.get(lock)) is not None and holder is not one:
                await self._wait(one, holder)
            if self._holders.get(lock) is None:
                self._holders[lock] = one
                one.locks.append((name, lock))

    def _hinders(self, one: Transaction, new: Written) -> Transaction | None:
        """Whose end must be awaited before this can be written; None if nobody's.

        Raises what the driver says where it can never be written.
        """
        others = [
            other
            for other in self.transactions
            if other is not one and other.status == "in progress" and other.written
        ]
        refused = self._refused((one,), new)
        if refused is not None and _is_unique(refused):
            for other in others:
                if self._refused((other, one), new) is None:
                    return other  # It gives the key up, if it comes to its end.
        if refused is not None:
            raise _as_driver(refused)
        for other in others:
            # In the other's place, it would find the key taken.
            clash = self._refused((one,), new, after=other)
            if clash is not None and _is_unique(clash):
                return other
        return None

    def _refused(
        self, owners: tuple[Transaction, ...], new: Written, *, after: Transaction | None = None
    ) -> sqlite3.IntegrityError | None:
        try:
            with self._view(*owners, plus=new):
                if after is not None:
                    self._write(after.written)
        except sqlite3.IntegrityError as error:
            return error
        return None

    async def _wait(self, one: Transaction, holder: Transaction) -> None:
        """Until the holder ends. Raises as the driver does of a deadlock."""
        self.waits += 1
        self.races += any(other.waits_for is holder for other in self.transactions)
        self.tell(one.who, "waits for", holder.who)
        one.waits_for = holder
        self._break_circle(one)
        try:
            while holder.status == "in progress":
                self.check(one)
                await self._ended.wait()
            self.check(one)
        finally:
            one.waits_for = None
        if not self._is_prompt:
            await self.scheduler.turn(one.who)
            self.check(one)

    def _break_circle(self, one: Transaction) -> None:
        circle = [one]
        while (following := circle[-1].waits_for) is not None and following is not one:
            if following in circle:
                return
            circle.append(following)
        if following is one:
            self.deadlocks += 1
            victim = circle[self.scheduler.choices.pick(len(circle))]
            victim.doomed = asyncpg.DeadlockDetectedError("deadlock detected")
            self.tell(f"{victim.who} is told of a deadlock")
            self._wake_all()


def _is_unique(error: sqlite3.IntegrityError) -> bool:
    return error.sqlite_errorcode in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)


def _as_driver(error: sqlite3.IntegrityError) -> asyncpg.PostgresError:
    if _is_unique(error):
        return asyncpg.UniqueViolationError(str(error))
    if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_CHECK:
        told = asyncpg.CheckViolationError(str(error))
        told.constraint_name = str(error).rpartition(" ")[2]
        return told
    return asyncpg.IntegrityConstraintViolationError(str(error))


def _name(write: Update | Add | Delete) -> str:
    """What a write is called in a list of locks."""
    how = "add" if isinstance(write, Add) or (isinstance(write, Update) and write.added) else "write"
    return f"{how} {write.table.name}"


@cache
def _read_with_key(read: Read) -> tuple[str, int, str]:
    """The table whose rows are locked, how many columns its key has, and the query with those in front."""
    words = read.select.split()
    place = next(
        place
        for place, word in enumerate(words)
        if word == read.lock and words[place - 2] in ("JOIN", "FROM")
    )
    names = [column.name for column in tables.metadata.tables[words[place - 1]].primary_key]
    key = ", ".join(f"{read.lock}.{name}" for name in names)
    head, _, tail = sqlite._read_sql(read).rpartition(") SELECT ")
    return words[place - 1], len(names), f"{head}) SELECT {key}, {tail}"


@cache
def _key_sql(table: str, names: tuple[str, ...], keys: tuple[str, ...]) -> str:
    where = " AND ".join(f"{name} = ?{place}" for place, name in enumerate(keys, 1))
    return f"SELECT {', '.join(names)} FROM {table} WHERE {where}"


_as_json = msgspec.json.Encoder().encode
