"""Looking orders up; placing and refunding them is the till's."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Exists, Text, and_, exists, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.orders import OrderStatus
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.refusals import UnknownOrder
from tuckshop.domain.users import HOUSE_NAME, Actor, Role
from tuckshop.store import tables
from tuckshop.store.engine import reading
from tuckshop.till.commands.orders import PlaceOrder, SoldLine

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)  # Longer ones are beyond every id.

orders, lines = tables.orders, tables.order_lines
users, guests, machines = tables.users, tables.guests, tables.machines
refunds, refund_lines, transfers = tables.refunds, tables.refund_lines, tables.transfers


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order as it stands now."""

    order_id: int
    client_ref: str | None
    status: str
    payment: str
    machine_id: int
    lines: tuple[SoldLine, ...]
    total_cents: int
    created_us: int
    buyer_id: int | None
    buyer: str | None
    guest: str | None  # who has no buyer's name or number


@dataclass(frozen=True, slots=True)
class Returnable:
    """What a buyer may still return of an order, and until when; `is_whole`: all that is left of it."""

    until_us: int
    product_ids: tuple[int, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class RefundRecord:
    """Pieces that came back, by product; `actor` None: nobody who has a name, a machine or the operator."""

    refund_id: int
    kind: str
    amount_cents: int
    actor: str | None
    reason: str | None
    created_us: int
    for_self: bool  # by an admin who bought it, whom nobody else could serve
    pieces: dict[int, int]


@dataclass(frozen=True, slots=True)
class OrderDetails:
    """An order whole. `sellers`: by product."""

    order: OrderRecord
    machine: str
    fulfilled_us: int | None
    sellers: dict[int, str]
    refunds: list[RefundRecord]


class OrderScope(StrEnum):
    """Which orders are looked for."""

    MINE = "mine"  # what the actor has bought
    SOLD = "sold"  # what has products of the actor's among its lines; no others are shown
    ALL = "all"  # everybody's, for cashiers and admins


async def page(
    shop: Shop,
    *,
    actor: Actor,
    scope: OrderScope = OrderScope.MINE,
    buyer_id: int | None = None,
    status: OrderStatus | None = None,
    before_id: int | None = None,
    offset: int = 0,
    limit: int,
) -> list[OrderRecord]:
    """Orders, newest first, those before `before_id`; of one buyer and in one status, where named.

    The first `offset` of them are left out.

    Raises:
        RoleMissing: the orders of others are for cashiers and admins, and sales for sellers.
    """
    # First their numbers alone, in the order of an index, and all else of those on the page.
    place, narrowed = orders.c.id, []
    found = select(place)
    match scope:
        case OrderScope.MINE:
            narrowed.append(orders.c.buyer_id == actor.user_id)
        case OrderScope.SOLD:
            actor.require(Role.SELLER)
            place = lines.c.order_id
            found = select(place).distinct().where(lines.c.seller_id == actor.user_id)
        case OrderScope.ALL:
            actor.require(Role.CASHIER, Role.ADMIN)
        case _:
            assert_never(scope)
    if buyer_id is not None:
        if buyer_id != actor.user_id:
            actor.require(Role.CASHIER, Role.ADMIN)
        narrowed.append(orders.c.buyer_id == buyer_id)
    if status is not None:
        narrowed.append(is_in(status))
    if before_id is not None:
        found = found.where(place < before_id)
    if narrowed and scope is OrderScope.SOLD:
        found = found.join(orders, orders.c.id == place)
    ids = found.where(*narrowed).order_by(place.desc()).limit(limit).offset(offset).subquery("found")
    query = _LISTED.join(ids, ids.c[place.name] == orders.c.id).order_by(orders.c.id.desc())
    async with reading(shop.engine) as connection:
        rows = (await connection.execute(query)).all()
        return await _with_lines(connection, rows, actor=actor if scope is OrderScope.SOLD else None)


async def returnable(shop: Shop, *, buyer_id: int, order_ids: Collection[int]) -> dict[int, Returnable]:
    """What the buyer may return of these orders now, for those of which anything may be.

    How often a day is the till's to say.
    """
    if shop.till.policy.user_undo is UndoMode.OFF:
        return {}
    window_us = shop.till.policy.refund_window_seconds * MICROSECONDS
    query = (
        select(lines.c.order_id, lines.c.product_id, lines.c.refundable, orders.c.fulfilled_us)
        .join(orders, orders.c.id == lines.c.order_id)
        .where(
            orders.c.id.in_(order_ids),
            orders.c.buyer_id == buyer_id,
            orders.c.fulfilled_us >= shop.clock() - window_us,
            lines.c.refunded_quantity < lines.c.quantity,
        )
        .order_by(lines.c.order_id, lines.c.position)
    )
    async with reading(shop.engine) as connection:
        rows = (await connection.execute(query)).all()
    found = {}
    for order_id, group in groupby(rows, key=lambda row: row.order_id):
        left = list(group)
        free = tuple(row.product_id for row in left if row.refundable)
        if free:
            found[order_id] = Returnable(left[0].fulfilled_us + window_us, free, len(free) == len(left))
    return found


async def count(shop: Shop, *, buyer_id: int) -> int:
    """How many orders the buyer has ever made."""
    query = select(func.count()).where(orders.c.buyer_id == buyer_id)
    async with reading(shop.engine) as connection:
        return await connection.scalar(query) or 0


async def find(shop: Shop, *, order_id: int, actor: Actor) -> OrderRecord:
    """The order: its buyer, its machine, cashiers and admins see it whole, a seller the lines with own ones.

    Raises:
        UnknownOrder: there is none, or nothing in it is the actor's.
    """
    query = _LISTED.where(orders.c.id == order_id)
    is_whole = actor.has(Role.CASHIER, Role.ADMIN) or actor.machine_id is not None
    if actor.machine_id is not None:
        query = query.where(orders.c.machine_id == actor.machine_id)
    elif not is_whole:
        mine = orders.c.buyer_id == actor.user_id
        query = query.where(or_(mine, _has_lines_of(actor)) if actor.has(Role.SELLER) else mine)
    async with reading(shop.engine) as connection:
        rows = (await connection.execute(query)).all()
        if not rows:
            raise UnknownOrder(order=order_id)
        is_whole = is_whole or rows[0].buyer_id == actor.user_id
        (found,) = await _with_lines(connection, rows, actor=None if is_whole else actor)
    return found


async def find_sold(shop: Shop, *, order_id: int, seller: Actor) -> OrderRecord:
    """The order with the seller's own lines alone, whoever else they are. Raises UnknownOrder for none."""
    query = _LISTED.where(orders.c.id == order_id, _has_lines_of(seller))
    async with reading(shop.engine) as connection:
        rows = (await connection.execute(query)).all()
        if not rows:
            raise UnknownOrder(order=order_id)
        (found,) = await _with_lines(connection, rows, actor=seller)
    return found


async def shared(shop: Shop, *, order_ids: Collection[int], seller: Actor) -> set[int]:
    """Those of the orders that hold products of others too: no single seller can say they are dispensed."""
    others = or_(lines.c.seller_id != seller.user_id, lines.c.seller_id.is_(None))
    query = select(lines.c.order_id).where(lines.c.order_id.in_(order_ids), others).distinct()
    async with reading(shop.engine) as connection:
        return set((await connection.execute(query)).scalars())


async def find_named(shop: Shop, *, name: str, buyer_id: int) -> OrderRecord:
    """The buyer's order of this client reference; without one, the buyer's order of this number.

    Raises UnknownOrder.
    """
    wanted = [orders.c.client_ref == name]
    if _NUMBER.fullmatch(name):
        wanted.append(orders.c.id == int(name))
    own = _LISTED.where(orders.c.buyer_id == buyer_id)
    async with reading(shop.engine) as connection:
        for condition in wanted:
            rows = (await connection.execute(own.where(condition))).all()
            if rows:
                (found,) = await _with_lines(connection, rows, actor=None)
                return found
    raise UnknownOrder(order=name)


def is_in(status: OrderStatus) -> ColumnElement[bool]:
    """Whether an order is in this status; the few that are not simply sold are found by their index.

    As constants: PostgreSQL must see that it is a rare one, and SQLite the very words of the index.
    """
    constant = literal_column(f"'{status.value}'", Text)
    usual = literal_column(f"'{OrderStatus.DISPENSED.value}'", Text)
    is_it = orders.c.status == constant
    return is_it if status is OrderStatus.DISPENSED else and_(is_it, orders.c.status != usual)


def is_repeated(order: OrderRecord, command: PlaceOrder) -> bool:
    """Whether the order is what the command asks for, whatever has become of it since."""
    sold = {line.product_id: line.quantity for line in order.lines}
    return (
        sold == dict(command.lines)
        and order.payment == command.payment
        and order.machine_id == command.machine_id
    )


_BOUGHT = orders.outerjoin(users, users.c.id == orders.c.buyer_id).outerjoin(
    guests, guests.c.id == orders.c.guest_id
)
_LISTED = select(*orders.c, users.c.username, guests.c.name.label("guest")).select_from(_BOUGHT)


def _has_lines_of(actor: Actor) -> Exists:
    return exists().where(lines.c.order_id == orders.c.id, lines.c.seller_id == actor.user_id)


async def _with_lines(connection: AsyncConnection, rows: Any, *, actor: Actor | None) -> list[OrderRecord]:
    """The orders with their lines; for a seller with own ones alone, and without whose order it is."""
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
    if actor is not None:
        query = query.where(lines.c.seller_id == actor.user_id)
    for order_id, *line in await connection.execute(query):
        sold[order_id].append(SoldLine(*line))
    return [
        OrderRecord(
            row.id,
            row.client_ref if actor is None else None,
            row.status,
            row.payment,
            row.machine_id,
            tuple(sold[row.id]),
            row.total_cents if actor is None else _total_cents(sold[row.id]),
            row.created_us,
            row.buyer_id if actor is None else None,
            row.username if actor is None else None,
            row.guest if actor is None else None,
        )
        for row in rows
    ]


def _total_cents(sold: list[SoldLine]) -> int:
    return sum(line.quantity * line.price_cents for line in sold)


async def details(shop: Shop, *, order_id: int, actor: Actor) -> OrderDetails:
    """The order and all that belongs to it. Raises RoleMissing, UnknownOrder."""
    actor.require(Role.CASHIER, Role.ADMIN)
    found = await find(shop, order_id=order_id, actor=actor)
    sold_at = (
        select(machines.c.name, orders.c.fulfilled_us)
        .join(machines, machines.c.id == orders.c.machine_id)
        .where(orders.c.id == order_id)
    )
    sold_for = (
        select(lines.c.product_id, users.c.username)
        .outerjoin(users, users.c.id == lines.c.seller_id)
        .where(lines.c.order_id == order_id)
    )
    came_back = (
        select(
            refunds,
            users.c.username,
            exists().where(transfers.c.refund_id == refunds.c.id, transfers.c.for_self).label("for_self"),
            refund_lines.c.product_id,
            refund_lines.c.quantity,
        )
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
            RefundRecord(
                refund_id=one.id,
                kind=one.kind,
                amount_cents=one.amount_cents,
                actor=one.username,
                reason=one.reason,
                created_us=one.created_us,
                for_self=bool(one.for_self),
                pieces=pieces,
            )
        )
    return OrderDetails(found, machine, fulfilled_us, sellers, told)
