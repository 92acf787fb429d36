"""Looking orders up; placing and refunding them is the till's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.domain.refusals import UnknownOrder
from tuckshop.services.shop import Shop
from tuckshop.store import tables
from tuckshop.store.engine import reading
from tuckshop.till.commands import SoldLine

orders, lines, users = tables.orders, tables.order_lines, tables.users


@dataclass(frozen=True, slots=True)
class OrderStands:
    """An order as it stands now."""

    order_id: int
    client_ref: str | None
    status: str
    payment: str
    machine_id: int
    lines: tuple[SoldLine, ...]
    total_cents: int
    created_us: int
    buyer: str | None  # None: a guest


async def page(
    shop: Shop, *, buyer_id: int | None, before_id: int | None = None, limit: int
) -> list[OrderStands]:
    """The buyer's orders (None: everybody's), newest first, those before `before_id`."""
    query = _ORDERS.order_by(orders.c.id.desc()).limit(limit)
    if buyer_id is not None:
        query = query.where(orders.c.buyer_id == buyer_id)
    if before_id is not None:
        query = query.where(orders.c.id < before_id)
    async with reading(shop.engine) as connection:
        return await _with_lines(connection, (await connection.execute(query)).all())


async def find(shop: Shop, *, order_id: int, buyer_id: int | None) -> OrderStands:
    """The order, if it is this buyer's (None: whoever's). Raises UnknownOrder."""
    query = _ORDERS.where(orders.c.id == order_id)
    if buyer_id is not None:
        query = query.where(orders.c.buyer_id == buyer_id)
    async with reading(shop.engine) as connection:
        found = await _with_lines(connection, (await connection.execute(query)).all())
    if not found:
        raise UnknownOrder(order=order_id)
    return found[0]


_ORDERS = select(orders, users.c.username).outerjoin(users, users.c.id == orders.c.buyer_id)


async def _with_lines(connection: AsyncConnection, rows: Any) -> list[OrderStands]:
    sold: dict[int, list[SoldLine]] = {row.id: [] for row in rows}
    query = (
        select(
            lines.c.order_id,
            lines.c.product_id,
            lines.c.name,
            lines.c.quantity,
            lines.c.price_cents,
            lines.c.refunded_quantity,
        )
        .where(lines.c.order_id.in_(sold))
        .order_by(lines.c.order_id, lines.c.position)
    )
    for order_id, *line in await connection.execute(query):
        sold[order_id].append(SoldLine(*line))
    return [
        OrderStands(
            row.id,
            row.client_ref,
            row.status,
            row.payment,
            row.machine_id,
            tuple(sold[row.id]),
            row.total_cents,
            row.created_us,
            row.username,
        )
        for row in rows
    ]
