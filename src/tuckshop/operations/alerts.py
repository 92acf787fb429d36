"""What staff should see in the office: a machine's key out of its pattern, a proxy that nobody named.

Each process gathers them (`telemetry.Alerts`) and stores them a few seconds later: once for each kind and
subject, with how often, and when first and last. They are forgotten a month after the last of their kind.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from tuckshop.context import Shop
from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS
from tuckshop.store import tables
from tuckshop.store.engine import DatabaseAway, writing

STORE_SECONDS = 5
KEPT_SECONDS = 30 * DAY_SECONDS

alerts = tables.alerts
log = structlog.get_logger(__name__)


async def store(shop: Shop) -> int:
    """Stores what waits; how many kinds and subjects that was."""
    waiting = shop.alerts.take()
    if not waiting:
        return 0
    now_us = shop.clock()
    async with writing(shop.engine) as connection:
        insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        for (kind, subject), (count, detail) in sorted(waiting.items()):  # In one order, as others store too.
            given = {"kind": kind, "subject": subject, "detail": detail, "count": count}
            values = {**given, "first_us": now_us, "last_us": now_us}
            again = {"detail": detail, "count": alerts.c.count + count, "last_us": now_us}
            key = [alerts.c.kind, alerts.c.subject]
            await connection.execute(
                insert(alerts).values(values).on_conflict_do_update(index_elements=key, set_=again)
            )
    for (kind, _), (count, detail) in waiting.items():
        if kind == "forwarded":
            log.warning("proxy.not_named", address=detail, requests=count, setting="TUCKSHOP_TRUSTED_PROXIES")
    return len(waiting)


async def forget_old(shop: Shop) -> None:
    """Deletes those of which nothing has come for long."""
    before_us = shop.clock() - KEPT_SECONDS * MICROSECONDS
    async with writing(shop.engine) as connection:
        await connection.execute(delete(alerts).where(alerts.c.last_us < before_us))


async def keep_storing(shop: Shop) -> None:
    """Stores every few seconds until it is cancelled. What a database that is away misses is in the log."""
    while True:
        await asyncio.sleep(STORE_SECONDS)
        try:
            await store(shop)
        except (DatabaseAway, DBAPIError) as error:
            log.warning("alerts.not_stored", error=type(error).__name__)
