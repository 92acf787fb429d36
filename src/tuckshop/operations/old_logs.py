"""Logs that are too old: lines of the admin log are deleted, sessions lose where somebody logged in."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from sqlalchemy import delete, func, or_, select, update

from tuckshop.context import Shop
from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.store.erased import LABELS

CHUNK = 500  # Rows a transaction: on SQLite, sales wait for each.

log, sessions = tables.admin_log, tables.sessions


class Forgotten(NamedTuple):
    """How many lines are gone, and how many sessions lost device and address."""

    lines: int
    sessions: int


async def forget(shop: Shop, *, days: int) -> Forgotten:
    """Forgets what is older than so many days: lines by when they were written, sessions by their end."""
    before_us = shop.clock() - days * DAY_SECONDS * MICROSECONDS
    return Forgotten(await _forget_lines(shop, before_us), await _forget_labels(shop, before_us))


async def _forget_lines(shop: Shop, before_us: int) -> int:
    """The newest stays, or SQLite would give its number again."""
    newest = select(func.max(log.c.id)).scalar_subquery()
    oldest = select(log.c.id, log.c.created_us).where(log.c.id < newest).order_by(log.c.id).limit(CHUNK)
    forgotten = 0
    while True:
        async with reading(shop.engine) as connection:
            found = (await connection.execute(oldest)).all()
        # By their numbers, which grow with time: no look at the whole log.
        ids = [line_id for line_id, created_us in found if created_us < before_us]
        if ids:
            async with writing(shop.engine) as connection:
                forgotten += (await connection.execute(delete(log).where(log.c.id.in_(ids)))).rowcount
            await asyncio.sleep(0)
        if len(ids) < CHUNK:
            return forgotten


async def _forget_labels(shop: Shop, before_us: int) -> int:
    ended_us = func.coalesce(sessions.c.ended_us, sessions.c.expires_us)
    old = (
        select(sessions.c.id)
        .where(
            ended_us < before_us,
            or_(*(sessions.c[label].is_not(None) for label in LABELS)),
        )
        .order_by(sessions.c.id)
        .limit(CHUNK)
    )
    forgotten = 0
    while True:
        async with reading(shop.engine) as connection:
            ids = (await connection.scalars(old)).all()
        if ids:
            async with writing(shop.engine) as connection:
                these = update(sessions).where(sessions.c.id.in_(ids)).values(dict.fromkeys(LABELS))
                forgotten += (await connection.execute(these)).rowcount
            await asyncio.sleep(0)
        if len(ids) < CHUNK:
            return forgotten
