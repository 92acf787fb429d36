"""When the last backup was made, when one was last tried out, and how that went."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import structlog
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop.store.engine import DatabaseAway, reading, writing
from tuckshop.store.tables import backups

log = structlog.get_logger(__name__)


class Kind(StrEnum):
    """What is recorded."""

    BACKUP = "backup"
    RESTORE_TEST = "restore-test"


class Last(NamedTuple):
    """When it last ended, in microseconds since 1970 in UTC, and whether it went well."""

    at_us: int
    is_good: bool


async def last(engine: AsyncEngine, *, kind: Kind) -> Last | None:
    """The last of its kind; None if there never was one."""
    query = select(backups.c.at_us, backups.c.is_good).where(backups.c.kind == kind)
    async with reading(engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else Last(*row)


async def record(engine: AsyncEngine, *, kind: Kind, is_good: bool, now_us: int) -> None:
    """Keeps in the database how it went, in place of the one before. Where nobody may write, it is logged."""
    try:
        async with writing(engine) as connection:
            await connection.execute(delete(backups).where(backups.c.kind == kind))
            await connection.execute(insert(backups).values(kind=kind, at_us=now_us, is_good=is_good))
    except (DatabaseAway, DBAPIError) as error:
        log.warning("backup.not_recorded", kind=kind, error=type(error).__name__)
