"""Forgetting what nobody will ask for any more: idempotency keys, limit counters, log-in attempts, files,
guests to whom no money came; what is left of closed users; and as long as the settings say, who bought and
what staff did."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import structlog
from sqlalchemy import delete, select, tuple_
from sqlalchemy.exc import DBAPIError

from tuckshop.context import Shop
from tuckshop.identity import guests, login_throttle, second_factor
from tuckshop.operations import alerts, erasing, old_logs, old_orders, staff_reads, uploads
from tuckshop.settings import Settings
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


class Kept(NamedTuple):
    """For how many days persons are named; None: for ever."""

    orders_days: int | None = None
    logs_days: int | None = None

    @classmethod
    def by(cls, given: Settings) -> Kept:
        """As the settings say."""
        return cls(given.retention_orders_days, given.retention_logs_days)


class Forgotten(NamedTuple):
    """How many users were erased, hashes of addresses dropped, orders lost their buyer, and so on."""

    users: int
    addresses: int
    orders: int
    lines: int
    sessions: int


async def forget_persons(shop: Shop, kept: Kept) -> Forgotten:
    """Erases what is left of closed users, and who is named for longer than is `kept`."""
    users = await erasing.erase_closed(shop)
    addresses = await erasing.forget_addresses(shop)
    orders = 0
    if kept.orders_days is not None:
        orders = await old_orders.forget_buyers(shop, days=kept.orders_days)
    logs = old_logs.Forgotten(0, 0)
    if kept.logs_days is not None:
        logs = await old_logs.forget(shop, days=kept.logs_days)
    return Forgotten(users, addresses, orders, logs.lines, logs.sessions)


async def keep_forgetting(shop: Shop, kept: Kept) -> None:
    """Forgets old keys, counters, tries, uploads, unused guests and what staff looked at, every hour.

    Until it is cancelled.

    A database that is away is tried again later.
    """
    while True:
        try:
            await forget_old(shop)
            await forget_counters(shop)
            await login_throttle.forget_old(shop)
            await forget_persons(shop, kept)
            await second_factor.forget_closed(shop)
            await uploads.forget_old(shop)
            await staff_reads.forget_old(shop)
            await guests.forget_unused(shop)
            await alerts.forget_old(shop)
        except (DatabaseAway, DBAPIError) as error:
            log.warning("idempotency.not_forgotten", error=type(error).__name__)
        await asyncio.sleep(PAUSE_SECONDS)
