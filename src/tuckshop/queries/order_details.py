"""One order with everything around it: where it was sold, for whom, and what came back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import select

from tuckshop.context import Shop
from tuckshop.domain.users import HOUSE_NAME, Actor, Role
from tuckshop.queries import orders
from tuckshop.queries.orders import OrderStands
from tuckshop.store import tables
from tuckshop.store.engine import reading

lines, users, machines = tables.order_lines, tables.users, tables.machines
refunds, refund_lines, kept = tables.refunds, tables.refund_lines, tables.orders


@dataclass(frozen=True, slots=True)
class RefundStands:
    """Pieces that came back, by product; `actor` None: nobody who has a name, a machine or the operator."""

    refund_id: int
    kind: str
    amount_cents: int
    actor: str | None
    reason: str | None
    created_us: int
    pieces: dict[int, int]


@dataclass(frozen=True, slots=True)
class Details:
    """An order whole. `sellers`: by product."""

    order: OrderStands
    machine: str
    fulfilled_us: int | None
    sellers: dict[int, str]
    refunds: list[RefundStands]


async def find(shop: Shop, *, order_id: int, actor: Actor) -> Details:
    """The order and all that belongs to it. Raises RoleMissing, UnknownOrder."""
    actor.require(Role.CASHIER, Role.ADMIN)
    found = await orders.find(shop, order_id=order_id, actor=actor)
    sold_at = (
        select(machines.c.name, kept.c.fulfilled_us)
        .join(machines, machines.c.id == kept.c.machine_id)
        .where(kept.c.id == order_id)
    )
    sold_for = (
        select(lines.c.product_id, users.c.username)
        .outerjoin(users, users.c.id == lines.c.seller_id)
        .where(lines.c.order_id == order_id)
    )
    came_back = (
        select(refunds, users.c.username, refund_lines.c.product_id, refund_lines.c.quantity)
        .join(refund_lines, refund_lines.c.refund_id == refunds.c.id)
        .outerjoin(users, users.c.id == refunds.c.actor_id)
        .where(refunds.c.order_id == order_id)
        .order_by(refunds.c.id, refund_lines.c.product_id)
    )
    async with reading(shop.engine) as connection:
        machine, fulfilled_us = (await connection.execute(sold_at)).one()
        sellers = {product_id: name or HOUSE_NAME for product_id, name in await connection.execute(sold_for)}
        rows = (await connection.execute(came_back)).all()
    told = []
    for _, group in groupby(rows, key=lambda row: row.id):
        some = list(group)
        one = some[0]
        pieces = {row.product_id: row.quantity for row in some}
        told.append(
            RefundStands(one.id, one.kind, one.amount_cents, one.username, one.reason, one.created_us, pieces)
        )
    return Details(found, machine, fulfilled_us, sellers, told)
