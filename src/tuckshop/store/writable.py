"""Whether the database takes writes: looked up cheaply, and tried by writing where that says too little."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tuckshop.store import tables, troubles
from tuckshop.store.engine import DatabaseAway, DatabaseUnusable, file_of, reading, writing
from tuckshop.store.troubles import Cause, Trouble

DISK_BYTES_MIN = 1 << 20  # With less, SQLite cannot write a batch with its log.
ROOM_BYTES = 64 << 10  # What a try takes of the disk, and gives back.


async def require_writable(engine: AsyncEngine) -> None:
    """Returns if nothing is known that keeps the shop from writing. Writes nothing itself.

    Raises:
        DatabaseUnusable: read-only, without room, or without the right to write.
    """
    if engine.dialect.name == "sqlite":
        await asyncio.to_thread(_require_file, file_of(engine))
        return
    try:
        async with reading(engine) as connection:
            await _require_rights(connection)
    except (DatabaseAway, DBAPIError) as error:
        raise DatabaseUnusable(troubles.explain(error)) from None


async def try_to_write(engine: AsyncEngine) -> None:
    """Writes a little to the disk, which changes nothing. Raises DatabaseAway, DBAPIError."""
    async with writing(engine) as connection:
        await connection.execute(text("UPDATE shop SET created_us = created_us"))
        if connection.dialect.name == "postgresql":
            # A row that is written again fits into its page also when the disk is full; this does not.
            async with connection.begin_nested() as room:
                await connection.execute(text(_TAKE_ROOM), {"times": ROOM_BYTES // 16})
                await room.rollback()


def _require_file(path: Path) -> None:
    effective = os.access in os.supports_effective_ids
    if not all(os.access(one, os.W_OK, effective_ids=effective) for one in (path, path.parent)):
        raise DatabaseUnusable(troubles.of_sqlite_code(sqlite3.SQLITE_READONLY))
    disk = os.statvfs(path.parent)
    # What is reserved for root is room for root alone.
    blocks = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail
    if blocks * disk.f_frsize < DISK_BYTES_MIN:
        raise DatabaseUnusable(troubles.of_sqlite_code(sqlite3.SQLITE_FULL))


async def _require_rights(connection: AsyncConnection) -> None:
    row = (await connection.execute(text(_STATE))).one()
    if row.is_standby:
        sentence = (
            "PostgreSQL is a standby and takes no writes. Connect to the primary server: correct"
            " TUCKSHOP_DATABASE_URL."
        )
        raise DatabaseUnusable(Trouble(Cause.DATABASE_READ_ONLY, sentence))
    if row.is_read_only:
        sentence = (
            "PostgreSQL takes no writes, because default_transaction_read_only is on. Switch it off for the"
            " database, its role and in TUCKSHOP_DATABASE_URL."
        )
        raise DatabaseUnusable(Trouble(Cause.DATABASE_READ_ONLY, sentence))
    names = sorted(tables.metadata.tables)
    refused = (await connection.scalars(text(_REFUSED), {"names": names})).all()
    if refused:
        sentence = (
            f"The database role may not write to {len(refused)} tables, such as {refused[0]}."
            f" {troubles.GRANT}"
        )
        raise DatabaseUnusable(Trouble(Cause.PERMISSION_MISSING, sentence))


# Random, or it would be stored compressed.
_TAKE_ROOM = """
SELECT lo_from_bytea(0, string_agg(decode(md5(random()::text), 'hex'), ''))
FROM generate_series(1, CAST(:times AS int))
"""

_STATE = """
SELECT pg_is_in_recovery() AS is_standby,
 current_setting('default_transaction_read_only') = 'on' AS is_read_only
"""

# A table that is missing is an error of its own here.
_REFUSED = """
SELECT name FROM unnest(CAST(:names AS text[])) AS name
WHERE NOT (has_table_privilege(name, 'SELECT') AND has_table_privilege(name, 'INSERT')) ORDER BY name
"""
