"""The till's own PostgreSQL books on a connection to the simulated server, which fails by choice.

Everything above the driver is the till's: how statements are put together, BEGIN, COMMIT and ROLLBACK, what
an error means, and how the fate of a lost COMMIT is found out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg

from tests.simulation.database import Database, Transaction
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.sql import postgres
from tuckshop.till.sql.postgres import IDLE_SECONDS, PostgresBooks
from tuckshop.till.sql.steps import Insert, Read, Rows, Write
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet

Asked = tuple[Read, Rows] | list[tuple[Write, Rows]]


@dataclass(frozen=True)
class Execution:
    """One command as a till decided it: the ids that it took and the instant, so that it can be repeated."""

    envelope: Envelope
    outcome: Outcome
    now_us: int
    ids: dict[str, list[int]]


class Connection:
    """What the driver gives. `trouble`: at one in so many statements something fails; 0 for never."""

    def __init__(self, database: Database, who: str, trouble: int) -> None:
        self.who = who
        self.transaction: Transaction | None = None
        self._database = database
        self._choices = database.scheduler.choices
        self._trouble = trouble
        self._is_lost = False
        self._is_gone = asyncio.Event()
        self._asked: Asked = []

    def is_closed(self) -> bool:
        """Whether our side has seen that it is gone."""
        return self._is_lost

    def terminate(self) -> None:
        """Our side hangs up."""
        self.lose()

    def lose(self, *, lingers: bool = False) -> None:
        """The line is cut. The server ends the transaction now, or after waiting for its client in vain."""
        self._is_lost = True
        self._is_gone.set()
        one, self.transaction = self.transaction, None
        if one is None or one.status != "in progress":
            return
        if lingers:
            asyncio.get_running_loop().call_later(IDLE_SECONDS, self._database.abort, one)
        else:
            self._database.abort(one)

    def expect(self, asked: Asked) -> None:
        """What the next `fetch` is about."""
        self._asked = asked

    async def execute(self, sql: str, timeout: float = 0) -> None:  # noqa: ASYNC109
        """Transactions begin and end, and are ended for others. No standby is late: a mark says nothing."""
        if sql == postgres._MARK:
            await self._reach("mark")
            return
        word = sql.split(maxsplit=1)[0]
        await self._reach(word)
        match word:
            case "BEGIN":
                self.transaction = self._database.begin(self.who)
            case "ROLLBACK":
                if self.transaction is not None:
                    self._database.abort(self.transaction)
                self.transaction = None
            case "COMMIT":
                await self._commit()
            case _:
                number = int(sql.partition("'")[2].partition("'")[0])
                self._database.abort(self._by_id(number))

    async def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a read, or of what is reserved."""
        asked, self._asked = self._asked, []
        await self._reach("statement" if asked else "reserve", asked)
        one = self.transaction
        assert one is not None
        if sql == postgres._RESERVE:
            names, counts = values
            ids = [
                (name, self._database.next_id(name), None)
                for name, count in zip(names, counts, strict=True)
                for _ in range(count)
            ]
            return [*ids, ("", 0, str(one.id))]
        try:
            return await self._database.fetch(one, asked)
        except asyncpg.PostgresConnectionError:
            raise
        except asyncpg.PostgresError:
            # The server gives up all that it holds for us at once, not when it hears ROLLBACK.
            self._database.abort(one)
            self.transaction = None
            raise

    async def fetchval(self, sql: str, *values: Any) -> Any:
        """The fate of a transaction."""
        assert sql == postgres._FATE
        await self._reach("fate")
        return self._by_id(int(values[0])).status

    async def is_written(self, insert: Insert, columns: tuple[str, ...], values: list[Any]) -> bool:
        """Whether there is a row with these values."""
        await self._reach("witness")
        return self._database.is_written(insert.table.name, columns, values)

    def _by_id(self, number: int) -> Transaction:
        return self._database.transactions[number - 1]

    async def _reach(self, word: str, asked: Asked | None = None) -> None:
        """A statement is on its way. Raises what the driver says when it does not get there."""
        if self.is_closed():
            raise _lost()
        await self._database.scheduler.turn(self.who)
        self._database.tell(self.who, word, Statement(asked) if asked else "")
        if not self.is_closed() and word not in ("COMMIT", "ROLLBACK") and self._fails():
            match self._choices.pick(5):
                case 0:
                    self._database.tell(f"{self.who} is told of a serialization failure")
                    raise asyncpg.SerializationError("could not serialize")
                case 1:
                    self._database.tell(f"{self.who} loses its connection")
                    self.lose()
                case 2:
                    self._database.tell(f"{self.who} loses its connection, and the server does not notice")
                    self.lose(lingers=True)
                case 3:
                    await self._die()
                case _:
                    self._database.crash()
        if self.is_closed():
            raise _lost()
        if self.transaction is not None:
            self._database.check(self.transaction)

    def _fails(self) -> bool:
        return self._trouble > 0 and self._choices.once_in(self._trouble)

    async def _commit(self) -> None:
        one = self.transaction
        assert one is not None
        if self._trouble == 0 or not self._choices.once_in(max(2, self._trouble // 5)):
            self._database.commit(one)
            self.transaction = None
            return
        match self._choices.pick(7):
            case 0:
                self._database.tell(f"{self.who}: COMMIT is refused")
                raise asyncpg.SerializationError("could not serialize")
            case 1:
                self._database.tell(f"{self.who}: COMMIT is lost")
                self.lose()
            case 2:
                self._database.tell(f"{self.who}: COMMIT is lost, and the server does not notice")
                self.lose(lingers=True)
            case 3:
                self._database.tell(f"{self.who}: the answer to COMMIT is lost")
                self._database.commit(one)
                self.lose()
            case 4:
                await self._die()
            case 5:
                self._database.commit(one)
                await self._die()
            case _:
                self._database.tell(f"{self.who}: the line is cut while the server commits")
                self.transaction = None
                self.lose()
                self._database.commit_later(one)
        raise _lost()

    async def _die(self) -> None:
        self._database.kill(self.who)
        await self._is_gone.wait()  # Until it is so.
        raise _lost()


def _lost() -> Exception:
    return asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


class Statement(NamedTuple):
    """What is asked, as the story tells it."""

    asked: Asked

    def __str__(self) -> str:
        if isinstance(self.asked, tuple):
            read, rows = self.asked
            return f"{'locks' if read.lock else 'reads'} {read.name} {[tuple(map(str, row)) for row in rows]}"
        return "writes " + ", ".join(write.table.name for write, _ in self.asked)


class SimulatedBooks(PostgresBooks):
    """The till's books, connected to the simulated server."""

    def __init__(self, database: Database, who: str, trouble: int, clock: Callable[[], int]) -> None:
        super().__init__(dsn="", clock=clock, tells=lambda: False)
        self.who = who
        self._database = database
        self._trouble = trouble

    async def transact(self, need: ReadSet, decide: Callable[[WorkingSet], None]) -> None:
        """See `Books.transact`. What is decided is kept with the transaction."""

        def recording(work: WorkingSet) -> None:
            connection: Any = self._connection
            connection.transaction.work = work
            self._database.deciding = connection.transaction
            try:
                decide(work)
            finally:
                self._database.deciding = None

        await super().transact(need, recording)

    def die(self) -> None:
        """The process is gone: the server hears no more of it."""
        connection: Any = self._connection
        if connection is not None:
            connection.lose(lingers=self._database.scheduler.choices.once_in(2))

    async def _connected(self) -> Any:
        if self._connection is None or self._connection.is_closed():
            await self._database.scheduler.turn(self.who)
            if self._trouble and self._database.scheduler.choices.once_in(self._trouble):
                raise asyncpg.CannotConnectNowError("the database system is starting up")
            connection: Any = Connection(self._database, self.who, self._trouble)
            self._database.connections.append(connection)
            self._connection = connection
        return self._connection

    async def _read(self, read: Read, rows: Rows) -> Any:
        self._line().expect((read, rows))
        return await super()._read(read, rows)

    async def _write(self, together: list[tuple[Write, Rows]]) -> None:
        if together:
            self._line().expect(list(together))
        await super()._write(together)

    async def _is_written(self, connection: Any, insert: Insert, row: Any) -> bool:
        columns = postgres._WITNESSES[insert.table.name]
        values = [row[insert.columns.index(column)] for column in columns]
        return bool(await connection.is_written(insert, columns, values))

    def _line(self) -> Any:
        assert self._connection is not None
        return self._connection


def record(execute: Callable[[Envelope, WorkingSet], Outcome], database: Database) -> Any:
    """The same `execute`, which keeps with the transaction what it decided and the ids that it took."""

    def execute_recorded(envelope: Envelope, work: WorkingSet) -> Outcome:
        taken: dict[str, list[int]] = {name: [] for name in work.new_ids}
        reserved = work.new_ids
        work.new_ids = {name: _kept(some, taken[name]) for name, some in reserved.items()}
        try:
            outcome = execute(envelope, work)
        finally:
            work.new_ids = reserved
        if database.deciding is not None:
            database.deciding.executions.append(Execution(envelope, outcome, work.now_us, taken))
        return outcome

    return execute_recorded


def _kept(some: Any, taken: list[int]) -> Any:
    for one in some:
        taken.append(one)
        yield one
