"""Refunds that a seller's earnings do not cover: a list for cashiers and admins, who may make them.

A refusal of the till writes nothing. Who has sent the refund notes it here afterwards; it stays on the list
until something of the order is refunded, or somebody dismisses it. Each seller has one for each order, and
few a day.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tuckshop.context import Shop
from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS
from tuckshop.domain.refusals import RefundNotCovered, UnknownOrder
from tuckshop.domain.users import Actor, Role
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import writing
from tuckshop.till.callers import user_of
from tuckshop.till.commands.base import Outcome
from tuckshop.till.commands.refunds import Refund

REQUESTS_PER_DAY = 20  # More would hide those of other sellers; the refunds are refused all the same.

requests = tables.refund_requests


async def note(shop: Shop, *, command: Refund, outcome: Outcome) -> None:
    """Puts a refund on the list, if that was the answer; one that was dismissed stays off."""
    refusal, seller_id = outcome.answer, user_of(command.caller)
    if not isinstance(refusal, RefundNotCovered) or outcome.replayed or seller_id is None:
        return
    now_us = shop.clock()
    values = {"amount_cents": refusal.amount_cents, "reason": command.reason, "created_us": now_us}
    recent = select(func.count()).where(
        requests.c.seller_id == seller_id,
        requests.c.created_us > now_us - DAY_SECONDS * MICROSECONDS,
        requests.c.order_id != command.order_id,
    )
    async with writing(shop.engine) as connection:
        if (await connection.scalar(recent) or 0) >= REQUESTS_PER_DAY:
            return
        insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        await connection.execute(
            insert(requests)
            .values(order_id=command.order_id, seller_id=seller_id, **values)
            .on_conflict_do_update(
                index_elements=[requests.c.order_id, requests.c.seller_id],
                set_=values,
                where=requests.c.dismissed_us.is_(None),
            )
        )


async def dismiss(shop: Shop, *, actor: Actor, order_id: int, seller_id: int) -> None:
    """Takes it off the list for good.

    Raises:
        RoleMissing: cashiers and admins only.
        UnknownOrder: it is not on the list.
    """
    actor.require(Role.CASHIER, Role.ADMIN)
    this = and_(
        requests.c.order_id == order_id, requests.c.seller_id == seller_id, requests.c.dismissed_us.is_(None)
    )
    async with writing(shop.engine) as connection:
        dismissed = update(requests).where(this).values(dismissed_us=shop.clock())
        amount_cents = await connection.scalar(dismissed.returning(requests.c.amount_cents))
        if amount_cents is None:
            raise UnknownOrder(order=order_id)
        await admin_log.record(
            connection,
            action="order.refund_request",
            subject=f"order:{order_id}",
            before={"seller": seller_id, "amount_cents": amount_cents},
            actor_id=actor.user_id,
            now_us=shop.clock(),
        )
