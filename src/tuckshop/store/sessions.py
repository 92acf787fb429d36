"""Sessions of PostgreSQL: what each is told as it begins, and that nobody hands one to two of us in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

LOOKS = 3  # A pooler that others use as well may have given one of two looks another session by chance.
POOLED = (
    "A connection pooler, such as PgBouncer with pool_mode = transaction, hands one session of PostgreSQL to"
    " several connections in turn. Set pool_mode = session for this database, or name PostgreSQL itself in"
    " TUCKSHOP_DATABASE_URL."
)


async def connect(
    dsn: str, *, name: str, seconds_max: float, settings: Mapping[str, str], **options: Any
) -> asyncpg.Connection[Any]:
    """A session with these settings, known to the server by this name.

    They are set once it is there: PgBouncer lets in nobody who brings them along.

    Raises:
        OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: there is none to be had.
    """
    connection: asyncpg.Connection[Any] = await asyncpg.connect(
        dsn, timeout=seconds_max, server_settings={"application_name": name}, **options
    )
    try:
        told = "; ".join(f"SET {setting} = '{value}'" for setting, value in settings.items())
        await connection.execute(told, timeout=seconds_max)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def are_shared(engine: AsyncEngine) -> bool:
    """Whether two connections that are open at once get the same session, one after the other.

    Then nothing that belongs to a session lasts: no prepared statement, no setting, no LISTEN.
    """
    for _ in range(LOOKS):
        async with engine.connect() as one, engine.connect() as another:
            if await _process(one) == await _process(another):
                return True
    return False


async def _process(connection: AsyncConnection) -> int:
    """The server's process of a session, which is given back at once."""
    pid = int(await connection.scalar(text("SELECT pg_backend_pid()")) or 0)
    await connection.commit()
    return pid
