"""Orders that nobody dispensed: cancelled after a while, with money and stock back."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from tuckshop.context import DatabaseAway, Shop
from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.orders import OrderStatus, Payment
from tuckshop.domain.refusals import Refusal
from tuckshop.queries import orders as order_queries
from tuckshop.store.engine import reading
from tuckshop.store.tables import orders
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.orders import CancelOrder
from tuckshop.till.engine.queue import Busy
from tuckshop.till.sql.books import OutcomeUnknown, Unavailable

CHUNK = 100
PAUSE_SECONDS = 60
REASON = "Not dispensed in time"

log = structlog.get_logger(__name__)


async def expire_placed(shop: Shop, *, hours: int) -> int:
    """Cancels orders paid from wallets that were placed more than so many hours ago; how many.

    What goes on a tab never expires by itself: the office lists it.
    """
    before_us = shop.clock() - hours * 3_600 * MICROSECONDS
    late = (
        select(orders.c.id)
        .where(
            order_queries.is_in(OrderStatus.PLACED),
            orders.c.payment == Payment.WALLET.value,
            orders.c.created_us < before_us,
        )
        .order_by(orders.c.id)
        .limit(CHUNK)
    )
    cancelled, after_id = 0, 0
    while True:
        async with reading(shop.engine) as connection:
            found = list(await connection.scalars(late.where(orders.c.id > after_id)))
        for order_id in found:
            outcome = await shop.till.execute(Envelope(CancelOrder(OPERATOR, order_id, REASON)))
            # Dispensed or cancelled in this moment, or a wallet that is full: the next look finds it again.
            cancelled += not isinstance(outcome.answer, Refusal)
        if len(found) < CHUNK:
            return cancelled
        after_id = found[-1]


async def keep_expiring(shop: Shop, *, hours: int) -> None:
    """Cancels late orders every minute, until it is cancelled itself.

    A database that is away is tried again later.
    """
    while True:
        try:
            await expire_placed(shop, hours=hours)
        except (DatabaseAway, DBAPIError, Busy, Unavailable, OutcomeUnknown) as error:
            log.warning("orders.not_expired", error=type(error).__name__)
        await asyncio.sleep(PAUSE_SECONDS)
