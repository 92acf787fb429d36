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
from sqlalchemy.engine.interfaces import DBAPICursor, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tuckshop.store import sessions, tables, troubles
from tuckshop.store.ids_behind import ids_behind
from tuckshop.store.migrations import revisions
from tuckshop.store.troubles import URL_FORMS, Cause, Trouble

DatabaseAway = troubles.DatabaseAway
DatabaseUnusable = troubles.DatabaseUnusable

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
POOL_SECONDS_MAX = 4  # To wait for a connection: others wait for theirs.

_AWAY = (OSError, PoolTimeout, asyncpg.PostgresError, asyncpg.InterfaceError)
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


class State(NamedTuple):
    """What lies in a database: its tables, Tuckshop's revision if it is one, whether a shop is set up."""

    tables: frozenset[str]
    revision: str | None
    is_installed: bool
    elsewhere: str = ""  # another schema with a shop, where this one has no tables
    compatible_since: str | None = None  # the oldest revision whose code works on it; unknown before 0034

    @property
    def is_ahead(self) -> bool:
        """Whether a newer release upgraded it."""
        return self.revision is not None and self.revision not in revisions()


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
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_SECONDS_MAX,
        hide_parameters=True,  # Hashes of passwords and tokens are none of a log's business.
        pool_pre_ping=True,  # A server that was started again must not cost a caller an error.
    )
    event.listen(engine.sync_engine, "handle_error", _tell_ids_behind)
    return engine


def sqlite_path(url: str) -> str:
    """The file that a `sqlite:///` URL names. Raises DatabaseUnusable for any other URL."""
    path = url.removeprefix("sqlite:///")
    if path == url or not path or "?" in path or path.startswith(":"):
        raise DatabaseUnusable(f"The address of the database is not a SQLite file. {URL_FORMS}.")
    return path


def postgres_dsn(url: str) -> str:
    """The URL as asyncpg takes it. Raises DatabaseUnusable for one that is not PostgreSQL's."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise DatabaseUnusable(f"The address of the database is not supported. {URL_FORMS}.")
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


async def check(engine: AsyncEngine, *, unsafe_durability: bool = False) -> State:
    """Returns only if the shop's books lie there, fit this code, and will survive a power cut.

    `unsafe_durability` waves through what only the power cut would show. Writes nothing.

    Raises:
        DatabaseUnusable: missing, unreachable, locked, not a Tuckshop's, older, too new, or unsafe.
    """
    state = await read_state(engine)
    _require_current(state)
    try:
        async with reading(engine) as connection:
            await _require_durable(connection, unsafe_durability=unsafe_durability)
    except _NO_ANSWER as error:
        raise DatabaseUnusable(troubles.explain(error)) from None
    return state


async def read_state(engine: AsyncEngine) -> State:
    """What lies in the database, without writing a byte, whoever owns it. Raises DatabaseUnusable."""
    try:
        if engine.dialect.name == "sqlite":
            return await asyncio.to_thread(_read_sqlite, file_of(engine))
        if await sessions.are_shared(engine):
            raise DatabaseUnusable(Trouble(Cause.SESSIONS_SHARED, sessions.POOLED))
        async with reading(engine) as connection:
            return await _read_postgres(connection)
    except _NO_ANSWER as error:
        raise DatabaseUnusable(troubles.explain(error)) from None


def require_known(state: State) -> None:
    """Raises DatabaseUnusable for the tables of another program, or of a Tuckshop newer than this."""
    if state.revision is None:
        raise DatabaseUnusable(
            "The database belongs to another program. Use a separate database for Tuckshop."
        )
    head = revisions()[-1]
    if state.is_ahead:
        sentence = (
            f"The database is newer (revision {state.revision}) than this version of Tuckshop (revision"
            f" {head}). Install the version that upgraded it, or a later one."
        )
        raise DatabaseUnusable(Trouble(Cause.MIGRATIONS_AHEAD, sentence))


def require_compatible(state: State) -> None:
    """As `require_known`, but a newer database is fine as long as it says that this code works on it."""
    head = revisions()[-1]
    if state.is_ahead and state.compatible_since is not None and state.compatible_since <= head:
        return
    require_known(state)


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

    event.listen(engine.sync_engine, "handle_error", _tell_ids_behind)

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


def _tell_ids_behind(context: ExceptionContext) -> None:
    """Before anybody takes it for a name that is taken. Raises IdsBehind."""
    behind = ids_behind(context.original_exception)
    if behind is not None:
        raise behind from context.original_exception


@contextmanager
def _telling_when_away() -> Iterator[None]:
    try:
        yield
    except DatabaseAway:
        raise
    except (DBAPIError, *_AWAY) as error:
        trouble = troubles.of(error)
        if trouble is None:
            raise
        raise DatabaseAway(str(error), trouble=trouble) from error


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
        sentence = f"There is no database at {path}. Create one with `tuckshop init`."
        raise DatabaseUnusable(Trouble(Cause.DATABASE_MISSING, sentence))
    # Without the PRAGMAs: WAL would stay switched on in what may be somebody else's file.
    connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=LOCK_SECONDS_MAX)
    with closing(connection):
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        found = frozenset(name for (name,) in names)
        # Before 0034 there is no second column.
        row = connection.execute("SELECT * FROM alembic_version").fetchone() if _is_ours(found) else None
        revision, since = (*(row or ()), None, None)[:2]
        return State(
            tables=found,
            revision=revision,
            is_installed=bool(row) and connection.execute("SELECT 1 FROM shop").fetchone() is not None,
            compatible_since=since,
        )


async def _read_postgres(connection: AsyncConnection) -> State:
    version = int(await connection.scalar(text("SELECT current_setting('server_version_num')"))) // 10_000
    if version < POSTGRES_VERSION_MIN:
        raise DatabaseUnusable(
            f"PostgreSQL {version} is too old for Tuckshop. Use {POSTGRES_VERSION_MIN} or newer."
        )
    await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s'"))
    names = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    found = frozenset((await connection.scalars(names)).all())
    if not _is_ours(found):
        elsewhere = "" if found else await connection.scalar(text(_ELSEWHERE)) or ""
        return State(tables=found, revision=None, is_installed=False, elsewhere=elsewhere)
    row = (await connection.execute(text("SELECT * FROM alembic_version"))).one_or_none()
    revision, since = (*(row or ()), None, None)[:2]
    return State(
        tables=found,
        revision=revision,
        is_installed=await connection.scalar(text("SELECT 1 FROM shop")) is not None,
        compatible_since=since,
    )


_ELSEWHERE = """
SELECT schemaname FROM pg_tables WHERE tablename IN ('alembic_version', 'shop')
GROUP BY schemaname HAVING count(*) = 2 ORDER BY schemaname LIMIT 1
"""


def _is_ours(names: frozenset[str]) -> bool:
    # Other programs use Alembic too.
    return {"alembic_version", "shop"} <= names


def _require_current(state: State) -> None:
    if state.elsewhere:
        sentence = (
            f"The tables of the shop are in the schema {state.elsewhere}, where the database role does not"
            f" look. Run `ALTER ROLE ... SET search_path = {state.elsewhere}`."
        )
        raise DatabaseUnusable(Trouble(Cause.SEARCH_PATH_WRONG, sentence))
    if not state.tables:
        raise DatabaseUnusable("The database is empty. Set up the shop with `tuckshop init`.")
    require_compatible(state)
    head = revisions()[-1]
    if state.revision != head and not state.is_ahead:
        sentence = (
            f"The database is older (revision {state.revision}) than this version of Tuckshop (revision"
            f" {head}). Run `tuckshop db upgrade`."
        )
        raise DatabaseUnusable(Trouble(Cause.MIGRATIONS_BEHIND, sentence))
    missing = sorted(tables.metadata.tables.keys() - state.tables)
    if missing:
        sentence = (
            f"The table {missing[0]} is missing in the database. Restore the database from a backup, or"
            " correct the search_path of the database role."
        )
        raise DatabaseUnusable(Trouble(Cause.TABLE_MISSING, sentence))
    if not state.is_installed:
        raise DatabaseUnusable(
            "The shop is not set up completely. Finish with `tuckshop init`, or run `tuckshop copy` again"
            " if a copy was interrupted."
        )


async def _require_durable(connection: AsyncConnection, *, unsafe_durability: bool) -> None:
    if unsafe_durability:
        return
    if connection.dialect.name == "sqlite":
        if (await connection.scalar(text("PRAGMA synchronous")) or 0) < _SQLITE_FULL:
            raise _not_durable("SQLite does not wait for the disk. Set `PRAGMA synchronous = FULL`.")
        return
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        if await connection.scalar(text("SELECT current_setting(:setting)"), {"setting": setting}) == "off":
            raise _not_durable(f"{setting} is off in PostgreSQL. Set {setting} = on.")


def _not_durable(why: str) -> DatabaseUnusable:
    sentence = f"A power failure could lose sales, because {why}"
    return DatabaseUnusable(Trouble(Cause.NOT_DURABLE, sentence))
