"""Forgetting what nobody will ask for any more: idempotency keys, limit counters, log-in attempts, files, and
guests to whom no money came."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import delete, select, tuple_
from sqlalchemy.exc import DBAPIError

from tuckshop.context import Shop
from tuckshop.identity import guests, login_throttle, second_factor
from tuckshop.operations import alerts, erasing, staff_reads, uploads
from tuckshop.store.engine import DatabaseAway, writing
from tuckshop.store.tables import idempotency, limit_counters

KEPT_DAYS = 30  # What the API promises.
COUNTERS_KEPT_DAYS = 7  # A day's counter is full for a day; the rest is for a clock that is set back.
CHUNK = 500  # Rows a transaction: on SQLite, sales wait for each.
PAUSE_SECONDS = 3600
_DAY_US = 86_400 * 1_000_000

log = structlog.get_logger(__name__)


async def forget_old(shop: Shop) -> int:
    """Deletes the records that are older than KEPT_DAYS, some at a time; how many."""
    before_us = shop.clock() - KEPT_DAYS * _DAY_US
    old = (
        select(idempotency.c.scope, idempotency.c.key)
        .where(idempotency.c.created_us < before_us)
        .order_by(idempotency.c.created_us)
        .limit(CHUNK)
    )
    some = delete(idempotency).where(tuple_(idempotency.c.scope, idempotency.c.key).in_(old))
    forgotten = 0
    while True:
        async with writing(shop.engine) as connection:
            count = (await connection.execute(some)).rowcount
        forgotten += count
        if count < CHUNK:
            return forgotten
        await asyncio.sleep(0)


async def forget_counters(shop: Shop) -> None:
    """Deletes the limit counters whose windows ended long ago."""
    before_us = shop.clock() - COUNTERS_KEPT_DAYS * _DAY_US
    async with writing(shop.engine) as connection:
        await connection.execute(delete(limit_counters).where(limit_counters.c.starts_us < before_us))


async def keep_forgetting(shop: Shop) -> None:
    """Forgets old keys, counters, tries, uploads, unused guests and what staff looked at, every hour.

    Until it is cancelled.

    A database that is away is tried again later.
    """
    while True:
        try:
            await forget_old(shop)
            await forget_counters(shop)
            await login_throttle.forget_old(shop)
            await erasing.erase_closed(shop)
            await erasing.forget_addresses(shop)
            await second_factor.forget_closed(shop)
            await uploads.forget_old(shop)
            await staff_reads.forget_old(shop)
            await guests.forget_unused(shop)
            await alerts.forget_old(shop)
        except (DatabaseAway, DBAPIError) as error:
            log.warning("idempotency.not_forgotten", error=type(error).__name__)
        await asyncio.sleep(PAUSE_SECONDS)
