"""Refunds that sellers' earnings do not cover; see operations/refund_requests.py."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, select

from tuckshop.context import Shop
from tuckshop.domain.users import Actor, Role
from tuckshop.store import tables
from tuckshop.store.engine import reading

requests, refunds, users = tables.refund_requests, tables.refunds, tables.users


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Who wants to refund how much of an order, and says why."""

    order_id: int
    seller_id: int
    seller: str
    amount_cents: int
    reason: str | None
    created_us: int


async def page(shop: Shop, *, actor: Actor, before_id: int | None = None, limit: int) -> list[RefundRequest]:
    """Those that wait, by order, the newest first. Raises RoleMissing."""
    earlier = () if before_id is None else (requests.c.order_id < before_id,)
    return await _open(shop, actor, *earlier, limit=limit)


async def of_order(shop: Shop, *, actor: Actor, order_id: int) -> list[RefundRequest]:
    """Those of one order. Raises RoleMissing."""
    return await _open(shop, actor, requests.c.order_id == order_id, limit=None)


async def _open(
    shop: Shop, actor: Actor, *where: ColumnElement[bool], limit: int | None
) -> list[RefundRequest]:
    actor.require(Role.CASHIER, Role.ADMIN)
    is_answered = exists().where(
        refunds.c.order_id == requests.c.order_id, refunds.c.created_us >= requests.c.created_us
    )
    query = (
        select(
            requests.c.order_id,
            requests.c.seller_id,
            users.c.username,
            requests.c.amount_cents,
            requests.c.reason,
            requests.c.created_us,
        )
        .join(users, users.c.id == requests.c.seller_id)
        .where(requests.c.dismissed_us.is_(None), ~is_answered, *where)
        .order_by(requests.c.order_id.desc(), requests.c.seller_id)
        .limit(limit)
    )
    async with reading(shop.engine) as connection:
        return [RefundRequest(*row) for row in await connection.execute(query)]
