"""Opening the database, and refusing one that would not keep its promises.

`TUCKSHOP_DATABASE_URL` is `sqlite:///tuckshop.db` (relative), `sqlite:////var/lib/tuckshop.db` (absolute) or
whatever asyncpg takes: `postgresql://user:password@host:5432/database?sslmode=require`. No message
repeats it, since it may hold a password.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import aiosqlite
import asyncpg
from sqlalchemy import URL, Connection, PoolProxiedConnection, event, text
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tuckshop.store import sessions
from tuckshop.store.migrations import revisions

SQLITE_PRAGMAS = {
    "busy_timeout": "5000",  # Milliseconds; the till's batches take far less, a backup's last step may not.
    "foreign_keys": "ON",
    "journal_mode": "WAL",  # Readers and the till do not wait for each other.
    "synchronous": "FULL",  # With WAL, anything less may lose the last commits when the power fails.
}
POSTGRES_READS = {
    # Somebody waits for each of these queries. Starting helpers, or a compiler, takes longer than most of
    # them do, and on a busy computer as long as all of them together.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}
POSTGRES_VERSION_MIN = 13  # The oldest with pg_xact_status, hash aggregates that spill, and WAL statistics.
CONNECT_SECONDS_MAX = 5  # Whoever waits for an answer is promised one in ten, POOL_SECONDS_MAX included.
LOCK_SECONDS_MAX = 5  # As long as SQLite's busy_timeout.
LOCK_PAUSE_SECONDS = 0.005


class DatabaseAway(Exception):
    """The database does not answer just now; nothing was written. Try again in a while."""


POOL_SECONDS_MAX = 4  # To wait for a connection: others wait for theirs.

_AWAY = (
    OSError,
    PoolTimeout,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
_SQLITE_AWAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_NO_ANSWER = (
    DatabaseAway,
    DBAPIError,
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    ValueError,
)
_SQLITE_FULL = 2  # PRAGMA synchronous: 0 off, 1 normal, 2 full, 3 extra.
_URL_FORMS = "TUCKSHOP_DATABASE_URL must look like sqlite:///path or postgresql://user@host/database"


class DatabaseUnusable(Exception):
    """The database cannot be used as it is; the message is one sentence that ends with what to do."""


class State(NamedTuple):
    """What lies in a database: its tables, Tuckshop's revision if it is one, whether a shop is set up."""

    tables: frozenset[str]
    revision: str | None
    is_installed: bool


def open_engine(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine of at most `pool_size` connections; it connects when first used, and never creates a file.

    Raises:
        DatabaseUnusable: the URL is neither SQLite's nor PostgreSQL's.
    """
    if url.startswith("sqlite:"):
        return _open_sqlite(sqlite_path(url), pool_size)
    connect = partial(
        sessions.connect,
        postgres_dsn(url),
        name="tuckshop",
        seconds_max=CONNECT_SECONDS_MAX,
        settings=POSTGRES_READS,
    )
    # asyncpg reads the URL itself: the till's connections and these must never understand it differently.
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_SECONDS_MAX,
        hide_parameters=True,  # Hashes of passwords and tokens are none of a log's business.
        pool_pre_ping=True,  # A server that was started again must not cost a caller an error.
    )


def sqlite_path(url: str) -> str:
    """The file that a `sqlite:///` URL names. Raises DatabaseUnusable for any other URL."""
    path = url.removeprefix("sqlite:///")
    if path == url or not path or "?" in path or path.startswith(":"):
        raise DatabaseUnusable(f"The address of the database is not a SQLite file. {_URL_FORMS}.")
    return path


def postgres_dsn(url: str) -> str:
    """The URL as asyncpg takes it. Raises DatabaseUnusable for one that is not PostgreSQL's."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise DatabaseUnusable(f"The address of the database is not supported. {_URL_FORMS}.")
    return url


def connect_sqlite(path: str) -> sqlite3.Connection:
    """A driver-level connection with the PRAGMAs of every other; transactions begin only where SQL says so.

    Raises:
        sqlite3.OperationalError: there is no such file, or it is locked.
    """
    # One thread at a time, but not always the same: whoever closes it may not be who used it.
    connection = sqlite3.connect(
        f"{_file_uri(path)}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
    )
    _set_pragmas(connection)
    return connection


@asynccontextmanager
async def opened_engine(url: str) -> AsyncIterator[AsyncEngine]:
    """The database alone, in whatever state it is. Raises DatabaseUnusable for an unknown kind of address."""
    engine = open_engine(url)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction in which every query sees the books of the same instant; it waits for no writer."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with _telling_when_away():
        async with engine.begin() as connection:
            yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction that may write. On SQLite it takes its turn at once: as a reader it might never."""
    with _telling_when_away():
        async with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
            yield connection


async def check(engine: AsyncEngine, *, unsafe_durability: bool = False) -> None:
    """Returns only if the shop's books lie there, fit this code, and will survive a power cut.

    `unsafe_durability` waves through what only the power cut would show. Writes nothing.

    Raises:
        DatabaseUnusable: missing, unreachable, locked, not a Tuckshop's, older, newer, or unsafe.
    """
    _require_current(await read_state(engine))
    try:
        async with reading(engine) as connection:
            await _require_durable(connection, unsafe_durability=unsafe_durability)
    except _NO_ANSWER as error:
        raise DatabaseUnusable(_explain(error)) from None


async def read_state(engine: AsyncEngine) -> State:
    """What lies in the database, without writing a byte, whoever owns it. Raises DatabaseUnusable."""
    try:
        if engine.dialect.name == "sqlite":
            return await asyncio.to_thread(_read_sqlite, file_of(engine))
        if await sessions.are_shared(engine):
            raise DatabaseUnusable(sessions.POOLED)
        async with reading(engine) as connection:
            return await _read_postgres(connection)
    except _NO_ANSWER as error:
        raise DatabaseUnusable(_explain(error)) from None


def require_known(state: State) -> None:
    """Raises DatabaseUnusable for the tables of another program, or of a Tuckshop newer than this."""
    if state.revision is None:
        raise DatabaseUnusable(
            "The database belongs to another program. Use a separate database for Tuckshop."
        )
    head = revisions()[-1]
    if state.revision not in revisions():
        raise DatabaseUnusable(
            f"The database is newer (revision {state.revision}) than this version of Tuckshop (revision"
            f" {head}). "
            "Install the version that upgraded it, or a later one."
        )


def file_of(engine: AsyncEngine) -> Path:
    """The file of a SQLite engine."""
    return Path(unquote(urlsplit(engine.url.database or "").path))


def _open_sqlite(path: str, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=_file_uri(path)),
        async_creator=partial(_connect, f"{_file_uri(path)}?mode=rw"),
        hide_parameters=True,  # As above.
        pool_size=pool_size,
        max_overflow=0,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _record: object) -> None:
        _set_pragmas(connection)

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # The driver would begin only before the first write: reads would each see another instant.
        kind = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {kind}")

    return engine


async def _connect(uri: str) -> aiosqlite.Connection:
    """A connection on a thread of its own.

    Whoever is cancelled meanwhile waits until it is there, and closes it: the thread would tell a loop that
    may have ended by then.
    """
    connecting = asyncio.ensure_future(aiosqlite.connect(uri, uri=True, isolation_level=None))
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        await (await connecting).close()
        raise


@contextmanager
def _telling_when_away() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, *_AWAY) as error:
        if not _is_away(error):
            raise
        raise DatabaseAway(str(error)) from error


def _is_away(error: BaseException | None) -> bool:
    """Whether the database, not the statement, is the trouble."""
    match error:
        case None:
            return False
        case DBAPIError():
            return error.connection_invalidated or _is_away(error.orig)
        case sqlite3.Error():
            return is_sqlite_away(error)
        case _:
            return isinstance(error, _AWAY) or _is_away(error.__cause__)


def is_sqlite_away(error: sqlite3.Error) -> bool:
    """Whether the file, not the statement, is the trouble: locked, full, unreadable."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _SQLITE_AWAY


def _file_uri(path: str) -> str:
    return Path(path).absolute().as_uri()


def _set_pragmas(connection: sqlite3.Connection | PoolProxiedConnection) -> None:
    cursor = connection.cursor()
    for name, value in SQLITE_PRAGMAS.items():
        _set_pragma(cursor, f"PRAGMA {name} = {value}")
    cursor.close()


def _set_pragma(cursor: sqlite3.Cursor | DBAPICursor, pragma: str) -> None:
    """Waits for a lock by itself: of two that switch a file to WAL at once, SQLite refuses one at once."""
    deadline = time.monotonic() + LOCK_SECONDS_MAX
    while True:
        try:
            cursor.execute(pragma)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(LOCK_PAUSE_SECONDS)
        else:
            return


def _read_sqlite(path: Path) -> State:
    if not path.exists():
        raise DatabaseUnusable(f"There is no database at {path}. Create one with `tuckshop init`.")
    # Without the PRAGMAs: WAL would stay switched on in what may be somebody else's file.
    connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=LOCK_SECONDS_MAX)
    with closing(connection):
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = frozenset(name for (name,) in names)
        ours = _is_ours(tables)
        revision = ours and connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return State(
            tables=tables,
            revision=revision[0] if revision else None,
            is_installed=bool(revision) and connection.execute("SELECT 1 FROM shop").fetchone() is not None,
        )


async def _read_postgres(connection: AsyncConnection) -> State:
    version = int(await connection.scalar(text("SELECT current_setting('server_version_num')"))) // 10_000
    if version < POSTGRES_VERSION_MIN:
        raise DatabaseUnusable(
            f"PostgreSQL {version} is too old for Tuckshop. Use {POSTGRES_VERSION_MIN} or newer."
        )
    await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s'"))
    names = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    tables = frozenset((await connection.scalars(names)).all())
    if not _is_ours(tables):
        return State(tables=tables, revision=None, is_installed=False)
    return State(
        tables=tables,
        revision=await connection.scalar(text("SELECT version_num FROM alembic_version")),
        is_installed=await connection.scalar(text("SELECT 1 FROM shop")) is not None,
    )


def _is_ours(tables: frozenset[str]) -> bool:
    # Other programs use Alembic too.
    return {"alembic_version", "shop"} <= tables


def _require_current(state: State) -> None:
    if not state.tables:
        raise DatabaseUnusable("The database is empty. Set up the shop with `tuckshop init`.")
    require_known(state)
    head = revisions()[-1]
    if state.revision != head:
        raise DatabaseUnusable(
            f"The database is older (revision {state.revision}) than this version of Tuckshop (revision"
            f" {head}). "
            "Run `tuckshop db upgrade`."
        )
    if not state.is_installed:
        raise DatabaseUnusable("The shop is not set up completely. Finish with `tuckshop init`.")


async def _require_durable(connection: AsyncConnection, *, unsafe_durability: bool) -> None:
    if unsafe_durability:
        return
    if connection.dialect.name == "sqlite":
        if (await connection.scalar(text("PRAGMA synchronous")) or 0) < _SQLITE_FULL:
            raise DatabaseUnusable(
                "A power failure could lose sales, because SQLite does not wait for the disk. Set `PRAGMA"
                " synchronous = FULL`."
            )
        return
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        if await connection.scalar(text("SELECT current_setting(:setting)"), {"setting": setting}) == "off":
            raise DatabaseUnusable(
                f"A power failure could lose sales, because {setting} is off in PostgreSQL. Set {setting}"
                " = on."
            )


def _explain(error: Exception) -> str:
    """One sentence on why the database did not answer, without anything of its URL that may be secret."""
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case sqlite3.Error():
                return _explain_sqlite(cause)
            case asyncpg.PostgresError():
                return _explain_postgres(cause)
            case OSError():
                return "PostgreSQL cannot be reached. Start it, or correct TUCKSHOP_DATABASE_URL."
            case _:
                cause = cause.orig if isinstance(cause, DBAPIError) and cause.orig else cause.__cause__
    return f"The address of the database is not valid. {_URL_FORMS}."


def _explain_sqlite(error: sqlite3.Error) -> str:
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "Another program has locked the database. Stop that program and try again."
        case sqlite3.SQLITE_NOTADB:
            return "The file is not a SQLite database. Correct the path in TUCKSHOP_DATABASE_URL."
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return "The database file cannot be opened for writing. Correct its path or its permissions."
        case _:
            return f"SQLite cannot read the database ({error}). Restore it from a backup."


def _explain_postgres(error: asyncpg.PostgresError) -> str:
    match error.sqlstate:
        case "42P05" | "26000":  # A prepared statement of somebody else's, or none.
            return sessions.POOLED
        case "3D000":
            return f"The database does not exist ({error}). Create it, then run `tuckshop init`."
        case "28000" | "28P01":
            return f"PostgreSQL refused the log-in ({error}). Correct TUCKSHOP_DATABASE_URL."
        case "55P03":
            return "Another program has locked the database. Stop that program and try again."
        case "57P03" | "53300":
            return f"PostgreSQL accepts no connections at the moment ({error}). Try again."
        case _:
            return f"PostgreSQL reported an error ({error}). See its log."
