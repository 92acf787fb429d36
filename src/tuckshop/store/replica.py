"""A replica of the database, for reads that may be a moment old: used while it is near the primary."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tuckshop.store.engine import DatabaseAway, DatabaseUnusable, reading

LAG_SECONDS_MAX = 5.0  # What a list or a report may be behind; beyond it the primary is asked.
LOOK_SECONDS = 1.0  # How long a look is believed.
FOREIGN = (
    "TUCKSHOP_REPLICA_URL names a database that is no copy of the shop's. Name a replica of the server in"
    " TUCKSHOP_DATABASE_URL, and the same database."
)

log = structlog.get_logger(__name__)


class _Position(NamedTuple):
    """How far a server was in the log that replicas follow: whose log, which database, which place in it."""

    system: int
    database: str
    is_replica: bool
    place: int


class Replica:
    """The database at `engine`, which follows the one at `primary`."""

    def __init__(self, engine: AsyncEngine, *, primary: AsyncEngine) -> None:
        self._engine = engine
        self._primary = primary
        self._places: deque[tuple[float, int]] = deque()  # where the primary was, and when
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()
        self._is_near = False
        self._is_known_far = False

    async def check(self) -> None:
        """Raises DatabaseUnusable if it is another database. One that is away keeps no shop from starting."""
        try:
            here, there = await _position(self._primary), await _position(self._engine)
        except (DatabaseAway, DBAPIError):
            return
        if (here.system, here.database) != (there.system, there.database):
            raise DatabaseUnusable(FOREIGN)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One transaction as `store.engine.reading` gives it, on the replica if that is near."""
        engine = self._engine if await self._near() else self._primary
        try:
            async with reading(engine) as connection:
                yield connection
        except DatabaseAway:
            self._forget(engine)
            raise
        except DBAPIError as error:
            # Rows that it reads were cleared away by what it follows: it ends the query that is in the way.
            if engine is self._primary or not _is_conflict(error):
                raise
            self._forget(engine)
            raise DatabaseAway(str(error)) from error

    async def dispose(self) -> None:
        """Closes its connections."""
        await self._engine.dispose()

    async def _near(self) -> bool:
        """Whether it has all that was committed LAG_SECONDS_MAX ago, as of a moment ago."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._looked_at >= LOOK_SECONDS and not self._looking.locked():
            async with self._looking:
                try:
                    self._is_near = await self._look(loop)
                except (DatabaseAway, DBAPIError) as error:
                    self._is_near = False
                    log.debug("replica.away", error=type(error).__name__)
                self._looked_at = loop.time()
                self._tell()
        return self._is_near

    async def _look(self, loop: asyncio.AbstractEventLoop) -> bool:
        asked_at = loop.time()
        here = await _position(self._primary)
        self._places.append((asked_at, here.place))
        there = await _position(self._engine)
        while self._places[0][0] < asked_at - LAG_SECONDS_MAX:
            self._places.popleft()
        return (
            there.is_replica
            and (here.system, here.database) == (there.system, there.database)
            and any(place <= there.place for _, place in self._places)
        )

    def _forget(self, engine: AsyncEngine) -> None:
        """Whoever comes next looks again, and asks the primary meanwhile."""
        if engine is self._engine:
            self._is_near, self._looked_at = False, float("-inf")

    def _tell(self) -> None:
        if self._is_near is self._is_known_far:
            self._is_known_far = not self._is_near
            (log.info if self._is_near else log.warning)("replica.near" if self._is_near else "replica.far")


async def _position(engine: AsyncEngine) -> _Position:
    async with reading(engine) as connection:
        row: Any = (await connection.execute(text(_POSITION))).one()
    return _Position(row.system, row.database, row.is_replica, int(row.place))


def _is_conflict(error: DBAPIError) -> bool:
    cause = error.orig and error.orig.__cause__
    return isinstance(cause, asyncpg.SerializationError | asyncpg.QueryCanceledError)


_POSITION = """
SELECT (SELECT system_identifier FROM pg_control_system()) AS system,
    current_database()::text AS database, pg_is_in_recovery() AS is_replica,
    coalesce(
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0', 0
    ) AS place
"""
