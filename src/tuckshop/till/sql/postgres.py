"""The books in PostgreSQL: any number of tills, rows locked in one order, statements over whole arrays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, assert_never

import asyncpg
from sqlalchemy import Table

from tuckshop.store import sessions, troubles
from tuckshop.store.ids_behind import ids_behind
from tuckshop.till.sql import books, script
from tuckshop.till.sql.account_ids import AccountIds
from tuckshop.till.sql.steps import (
    Add,
    Delete,
    Insert,
    Read,
    Reserve,
    Rows,
    Script,
    Step,
    Update,
    Write,
    column_type,
    on_conflict,
)
from tuckshop.till.state import changed_ids
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet

CONNECT_SECONDS = 3.0
FATE_SECONDS = 8.0  # How long to look for the outcome of a COMMIT: within a caller's patience of ten.
FATE_PAUSE_SECONDS = 0.1
LOCK_SECONDS = 8  # For a row that another till holds: within the same patience.
IDLE_SECONDS = 10  # A till that fell off the network must not keep its rows locked for the others.

# Every statement of the till finds some rows by their keys. Plans are kept as long as the connection, so one
# made while a table was empty must not read all of it for ever after.
_PLANS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # What a connection that has just died may say instead.
    OSError,
    asyncio.TimeoutError,
)
_AWAY = (
    *_LOST,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
_CONTENDED = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.UniqueViolationError,
)


class PostgresBooks:
    """`Books` on the database at `dsn`. `clock`, if given, replaces the database's own.

    While `tells()`, what a batch changes is told to whoever listens on `changed_ids.CHANNEL`.
    """

    def __init__(
        self, *, dsn: str, clock: Callable[[], int] | None = None, tells: Callable[[], bool] = lambda: True
    ) -> None:
        self._dsn = dsn
        self._tells = tells
        self._clock = clock
        self._connection: asyncpg.Connection[Any] | None = None
        self._account_ids = AccountIds()
        self._transaction_id = ""
        self._witness: tuple[Insert, Any] | None = None
        self._is_warned = False

    async def transact(self, need: ReadSet, decide: Callable[[WorkingSet], None]) -> None:
        """See `Books.transact`."""
        try:
            connection = await self._connected()
            await connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        except (*_AWAY, asyncpg.PostgresError) as error:
            await self._disconnect()
            raise _unavailable(error) from error
        self._account_ids.fresh.clear()
        self._transaction_id = ""
        self._witness = None
        try:
            work = await self._run(script.load(need, self._account_ids))
            decide(work)
            if work.changes.any():
                await self._run(script.store(work, self._account_ids))
                if self._tells():
                    # Inside the transaction: told exactly if it happened. The last statement, since those who
                    # commit with news take turns.
                    await connection.fetch(
                        _TELL, changed_ids.CHANNEL, changed_ids.written(changed_ids.of(work))
                    )
            elif work.outcomes:
                # What is told again may be on this server alone. Locks that were taken make COMMIT wait for
                # the standby, as a rule; this does so always.
                await connection.execute(_MARK)
        except BaseException as error:
            await self._roll_back(error)
            raise
        await self._commit(connection)
        self._account_ids.keep()

    async def close(self) -> None:
        """See `Books.close`."""
        await self._disconnect()

    async def _connected(self) -> asyncpg.Connection[Any]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await sessions.connect(
                self._dsn,
                name="tuckshop till",
                seconds_max=CONNECT_SECONDS,
                command_timeout=FATE_SECONDS,
                settings={
                    "jit": "off",
                    **_PLANS,
                    "lock_timeout": f"{LOCK_SECONDS}s",
                    "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
                },
            )
            self._connection.add_log_listener(self._hear)
        return self._connection

    def _hear(self, _connection: object, message: Any) -> None:
        """A warning at COMMIT: somebody has ended its wait for the standby."""
        self._is_warned = self._is_warned or message.sqlstate in _NOT_ON_STANDBY

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _roll_back(self, error: BaseException) -> None:
        """Nothing was committed: back to a clean connection, and the error in the till's words."""
        try:
            assert self._connection is not None
            if isinstance(error, _AWAY) or not isinstance(error, Exception):
                await self._disconnect()  # It may hang, or be cancelling still.
            else:
                await self._connection.execute("ROLLBACK")
        except (*_AWAY, asyncpg.PostgresError):
            await self._disconnect()
        if (behind := ids_behind(error)) is not None:
            raise behind from error
        if isinstance(error, _CONTENDED) or _box_changed(error):
            on_key = isinstance(error, asyncpg.UniqueViolationError)
            raise books.Contended(type(error).__name__, on_key=on_key) from error
        if isinstance(error, _AWAY) or troubles.of(error) is not None:
            await self._disconnect()
            raise _unavailable(error) from error
        if isinstance(error, asyncpg.PostgresError | asyncpg.DataError | OverflowError):
            raise books.BatchRefused(str(error)) from error

    async def _commit(self, connection: asyncpg.Connection[Any]) -> None:
        try:
            await self._outlast(connection, "COMMIT")
        except asyncpg.PostgresError as error:
            if isinstance(error, _AWAY):
                await self._find_out(error)
                return
            await self._roll_back(error)
            raise
        except _LOST as error:
            await self._find_out(error)
        else:
            if self._is_warned:
                await self._find_out(ConnectionError("the standby did not answer"))

    async def _outlast(self, connection: asyncpg.Connection[Any], sql: str) -> None:
        """Executes what must not be cancelled: whoever waits no longer hangs up instead.

        PostgreSQL answers a cancelled COMMIT that waits for its standby with success and a warning. What
        is then acknowledged is lost if the standby takes over.
        """
        self._is_warned = False
        hanging_up = asyncio.get_running_loop().call_later(FATE_SECONDS, connection.terminate)
        try:
            # In a task of its own: the driver would cancel what its caller does not wait for.
            await asyncio.shield(connection.execute(sql, timeout=_DRIVER_PATIENCE * FATE_SECONDS))
        except asyncio.CancelledError:
            connection.terminate()
            raise
        finally:
            hanging_up.cancel()

    async def _find_out(self, lost: Exception) -> None:
        """Returns if the transaction turns out to be committed; see `Books.transact` for the rest."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + FATE_SECONDS
        while loop.time() < deadline:
            await self._disconnect()
            try:
                connection = await self._connected()
                fate = await self._fate(connection)
                if fate == "committed":
                    # Here, but on the standby too? It has all that was committed before what it has.
                    await self._outlast(connection, _MARK)
                    if not self._is_warned:
                        return
            except (*_AWAY, asyncpg.PostgresError):
                fate = None
            if fate == "aborted":
                raise _unavailable(lost) from lost
            await asyncio.sleep(FATE_PAUSE_SECONDS)
        raise books.OutcomeUnknown

    async def _fate(self, connection: asyncpg.Connection[Any]) -> str | None:
        """ "committed" or "aborted"; None if that cannot be told, or not yet.

        A server that crashed gives the ids of transactions that never reached its disk to new ones. So an id
        from its future was ours and is lost, and one that is committed is ours only if our rows are there.
        The same holds of a standby that has taken over; one that still follows may only be late.
        """
        try:
            fate: str | None = await connection.fetchval(_FATE, self._transaction_id)
        except asyncpg.InvalidParameterValueError:
            return "aborted"
        if fate == "in progress":
            # Its client is gone and will not be heard again: it keeps rows locked for nothing.
            await connection.execute(_END.format(int(self._transaction_id)))
            return None
        if fate == "committed":
            if self._witness is None:
                return None
            insert, row = self._witness
            return fate if await self._is_written(connection, insert, row) else "aborted"
        return fate

    async def _is_written(self, connection: asyncpg.Connection[Any], insert: Insert, row: Any) -> bool:
        columns = _WITNESSES[insert.table.name]
        values = (row[insert.columns.index(column)] for column in columns)
        return bool(await connection.fetchval(_witness_sql(insert.table, columns), *values))

    async def _run(self, steps: Script) -> Any:
        """Each read by itself; what is written between two reads all at once, table by table."""
        together: list[tuple[Write, Rows]] = []
        try:
            step: Step = next(steps)
            while True:
                answer = None
                if isinstance(step, Reserve):
                    answer = await self._reserve(step)
                elif isinstance(step[0], Read):
                    await self._write(together)
                    answer = await self._read(step[0], step[1])
                else:
                    # Parts of one statement do not see what the others write.
                    if any(write.table is step[0].table for write, _ in together):
                        await self._write(together)
                    together.append((step[0], step[1]))
                step = steps.send(answer)
        except StopIteration as done:
            await self._write(together)
            return done.value

    async def _read(self, read: Read, rows: Rows) -> Any:
        assert self._connection is not None
        return await self._connection.fetch(_read_sql(read), *_columns(read, rows))

    async def _write(self, together: list[tuple[Write, Rows]]) -> None:
        """Writes what is there, in one round trip, and leaves nothing there."""
        if not together:
            return
        assert self._connection is not None
        for write, rows in together:
            if isinstance(write, Insert) and write.table.name in _WITNESSES and self._witness is None:
                self._witness = (write, rows[0])
        sql = _write_sql(*(write for write, _ in together))
        columns = [column for write, rows in together for column in _columns(write, rows)]
        together.clear()
        await self._connection.fetch(sql, *columns)

    async def _reserve(self, step: Reserve) -> Any:
        assert self._connection is not None
        names = list(step.counts)
        rows = await self._connection.fetch(_RESERVE, names, list(step.counts.values()))
        ids: dict[str, list[int]] = {name: [] for name in names}
        for name, new_id, _ in rows:
            if name in ids:
                ids[name].append(new_id)
        (now_us, self._transaction_id) = next((row[1], row[2]) for row in rows if row[0] == "")
        if self._clock is not None:
            now_us = self._clock()
        return now_us, {name: iter(some) for name, some in ids.items()}


def _unavailable(error: BaseException) -> books.Unavailable:
    return books.Unavailable(type(error).__name__, trouble=troubles.of(error) or troubles.AWAY)


def _box_changed(error: BaseException) -> bool:
    """Whether a box that was unlimited when it was looked at has become a counted one meanwhile."""
    constraint = "ck_coin_boxes_counted_not_negative"
    return isinstance(error, asyncpg.CheckViolationError) and error.constraint_name == constraint


# The instant comes back beside the ids, and the transaction's own id with it: that is how its fate is
# found out should the answer to COMMIT be lost.
_RESERVE = """
SELECT w.name, nextval((w.name || '_id_seq')::regclass), NULL
FROM unnest($1::text[], $2::bigint[]) AS w(name, count), generate_series(1, w.count)
UNION ALL
SELECT '', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, pg_current_xact_id()::text
"""


_TELL = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"

_NUMBERS = frozenset({"bigint", "integer", "smallint"})

_FATE = "SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_xact_status($1::text::xid8) END"
_END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_xid = '{}'::xid8::xid"
    " AND wait_event IS DISTINCT FROM 'SyncRep'"  # That is done, and ends when its standby has it.
)

# Writes something, so that its COMMIT waits until all that was committed before is as durable as itself.
_MARK = "SELECT pg_logical_emit_message(true, 'tuckshop', '')"

# What PostgreSQL warns with when the wait for a standby was cancelled, or its process was told to end.
_NOT_ON_STANDBY = frozenset({"01000", "57P01"})
_DRIVER_PATIENCE = 10  # The driver cancels what takes too long: we must have hung up long before.

_WITNESSES = {
    "users": ("id", "created_us"),
    "products": ("id", "created_us"),
    "transfers": ("id", "source_id", "target_id", "amount_cents", "created_us"),
    "stock_movements": ("machine_id", "product_id", "quantity", "created_us"),
    "idempotency": ("scope", "key", "fingerprint", "created_us"),
    "admin_log": ("action", "subject", "created_us"),
}
"""Columns that never change and tell a row of one batch from any other's."""


@cache
def _witness_sql(table: Table, columns: tuple[str, ...]) -> str:
    where = " AND ".join(
        f"{column} = ${place}::{column_type(table, column)}" for place, column in enumerate(columns, 1)
    )
    return f"SELECT EXISTS (SELECT FROM {table.name} WHERE {where})"


def _columns(statement: Read | Write, rows: Rows) -> list[Any]:
    """The rows as a statement's arguments, one for each column."""
    return [
        _digits(column) if kind in _NUMBERS else column
        for kind, column in zip(_kinds(statement), zip(*rows, strict=True), strict=True)
    ]


def _digits(numbers: Iterable[int | None]) -> str:
    """An array of numbers as text: the driver would first ask of each whether it is an array too."""
    return f"{{{','.join(['NULL' if one is None else str(one) for one in numbers])}}}"


@cache
def _kinds(statement: Read | Write) -> tuple[str, ...]:
    match statement:
        case Read(keys=keys):
            return tuple(kind for _, kind in keys)
        case Insert(columns=columns):
            names = columns
        case Update(keys=update_keys, values=values) | Add(keys=update_keys, values=values):
            names = update_keys + values
        case Delete(keys=delete_keys):
            names = delete_keys
        case _:
            assert_never(statement)
    return tuple(column_type(statement.table, name) for name in names)


def _arrays(statement: Read | Write, *, first: int = 1) -> str:
    return ", ".join(
        f"${place}::text::{kind}[]" if kind in _NUMBERS else f"${place}::{kind}[]"
        for place, kind in enumerate(_kinds(statement), first)
    )


@cache
def _read_sql(read: Read) -> str:
    columns = ", ".join(name for name, _ in read.keys)
    arrays = _arrays(read)
    lock = f" FOR NO KEY UPDATE OF {read.lock}" if read.lock else ""
    return f"WITH wanted({columns}) AS (SELECT * FROM unnest({arrays})) {read.select}{lock}"


# By their types too: deleting looks just like inserting otherwise.
@lru_cache(maxsize=None, typed=True)
def _write_sql(*writes: Write) -> str:
    """One statement of them all. The server does the main part first, then the others from the last up."""
    first = 1
    parts = []
    for write in writes:
        parts.append(_part_sql(write, _arrays(write, first=first)))
        first += len(_kinds(write))
    others = ", ".join(f"w{place} AS ({part})" for place, part in reversed([*enumerate(parts)][1:]))
    return f"WITH {others} {parts[0]}" if others else parts[0]


def _part_sql(write: Write, arrays: str) -> str:
    table = write.table.name
    match write:
        case Insert(columns=columns):
            return _insert_sql(table, columns, arrays)
        case Add(keys=keys, values=values):
            return f"{_insert_sql(table, keys + values, arrays)} {on_conflict(write)}"
        case Delete(keys=keys):
            given = f"unnest({arrays}) AS v({', '.join(keys)})"
            return f"DELETE FROM {table} AS t USING {given} WHERE {_same(keys)}"
        case Update(keys=keys, values=values, added=added):
            given = f"unnest({arrays}) AS v({', '.join(keys + values)})"
            if added:
                # Not locked until now: in one order, or two tills would wait for each other.
                given = (
                    f"(SELECT v.* FROM {given} JOIN {table} AS t ON {_same(keys)}"
                    f" ORDER BY {', '.join(keys)} FOR NO KEY UPDATE OF t) AS v"
                )
            sets = ", ".join(f"{name} = {f't.{name} + ' if added else ''}v.{name}" for name in values)
            return f"UPDATE {table} AS t SET {sets} FROM {given} WHERE {_same(keys)}"
        case _:
            assert_never(write)


def _insert_sql(table: str, columns: tuple[str, ...], arrays: str) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"


def _same(keys: tuple[str, ...]) -> str:
    return " AND ".join(f"t.{name} = v.{name}" for name in keys)
