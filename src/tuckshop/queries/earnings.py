"""What sellers have earned and cannot be paid yet: the orders that `domain.payables` has to look at.

The till looks for the same before it pays, see its `EARNINGS`.

Three kinds of orders: those to be handed out, those that may still be given back, those that tabs owe. Each
is found by an index in which they are few, whatever was sold before them. A condition that named all three
would have every line looked at that the seller ever sold.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, Subquery, and_, func, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain import payables
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.orders import MICROSECONDS, Line, Order, OrderStatus, Payment
from tuckshop.queries import orders as looking_up
from tuckshop.store import tables
from tuckshop.till.sql.statements import CLOCK_SECONDS_BACK_MAX
from tuckshop.till.state.rows import OrderRow

accounts, orders, lines = tables.accounts, tables.orders, tables.order_lines


async def cents(connection: AsyncConnection, shop: Shop, seller_ids: Collection[int]) -> dict[int, int]:
    """What is held back of these sellers' earnings, by seller; those of whom nothing is are left out."""
    since_us = shop.clock() - shop.till.policy.refund_window_seconds * MICROSECONDS
    older = (
        select(orders.c.id)
        .where(orders.c.created_us < since_us - CLOCK_SECONDS_BACK_MAX * MICROSECONDS)
        .order_by(orders.c.id.desc())
        .limit(1)
    )
    older_id = await connection.scalar(older) or 0
    # Added to nothing, it finds no lines: those of these orders are few, those of these sellers are not.
    theirs = (lines.c.seller_id + 0).in_(seller_ids)
    left = _ORDER_IDS.join(orders, orders.c.id == lines.c.order_id)
    is_recent = orders.c.fulfilled_us >= since_us
    # Neither database can guess how few these are.
    handed_out_late = select(orders.c.id).where(is_recent, orders.c.fulfilled_us != orders.c.created_us)
    late = handed_out_late.cte("late").prefix_with("MATERIALIZED")
    found = union(
        left.where(theirs, looking_up.is_in(OrderStatus.PLACED)),
        _unsettled(),  # Whosever: what a tab owes is told by all of its newest orders.
        left.where(
            lines.c.seller_id.in_(seller_ids), lines.c.order_id > older_id, lines.c.refundable, is_recent
        ),
        _ORDER_IDS.join(late, late.c.id == lines.c.order_id).where(theirs, lines.c.refundable),
    ).subquery()
    candidates, owed_cents = await _read(connection, found)
    held = payables.held_back_cents(candidates, owed_cents=owed_cents, since_us=since_us)
    return {seller_id: held[seller_id] for seller_id in seller_ids if held[seller_id]}


async def _read(connection: AsyncConnection, found: Subquery) -> tuple[dict[int, Order], dict[int, int]]:
    """The orders that were found, and what is owed on their tabs, by buyer."""
    tab = and_(accounts.c.user_id == orders.c.buyer_id, accounts.c.kind == AccountKind.TAB.value)
    query = (
        select(*_ORDER, accounts.c.balance_cents, *_LINE)
        .select_from(found)
        .join(orders, orders.c.id == found.c[0])
        .join(lines, lines.c.order_id == orders.c.id)
        .outerjoin(accounts, tab)
    )
    headers: dict[int, OrderRow] = {}
    sold: dict[int, list[Line]] = {}
    owed_cents: dict[int, int] = {}
    for row in await connection.execute(query):
        header, (balance_cents, *line) = OrderRow._make(row[: len(_ORDER)]), row[len(_ORDER) :]
        headers[header.id] = header
        sold.setdefault(header.id, []).append(Line._make(line))
        if balance_cents is not None and header.buyer_id is not None:
            owed_cents[header.buyer_id] = -balance_cents
    return {one: header.order(sold[one]) for one, header in headers.items()}, owed_cents


_left_cents = (lines.c.quantity - lines.c.refunded_quantity) * lines.c.price_cents
_ORDER_IDS = select(lines.c.order_id)
_ORDER = [orders.c[name] for name in OrderRow._fields]
_LINE = [lines.c[name] for name in Line._fields]


def _unsettled() -> Select[Any]:
    """Orders on tabs that are not paid whole: a settlement pays the oldest first, so what is owed are the
    newest."""
    owing = (
        select(accounts.c.user_id, (-accounts.c.balance_cents).label("owed_cents"))
        .where(accounts.c.kind == AccountKind.TAB.value, accounts.c.balance_cents < 0)
        .subquery()
    )
    tabbed = (
        select(orders.c.id, orders.c.buyer_id, owing.c.owed_cents, func.sum(_left_cents).label("cents"))
        .select_from(owing)
        .join(orders, and_(orders.c.buyer_id == owing.c.user_id, orders.c.payment == Payment.TAB.value))
        .join(lines, lines.c.order_id == orders.c.id)
        .group_by(orders.c.id, orders.c.buyer_id, owing.c.owed_cents)
        .subquery()
    )
    up_to = func.sum(tabbed.c.cents).over(partition_by=tabbed.c.buyer_id, order_by=tabbed.c.id.desc())
    running = select(
        tabbed.c.id, tabbed.c.owed_cents, (up_to - tabbed.c.cents).label("newer_cents")
    ).subquery()
    return select(running.c.id).where(running.c.newer_cents < running.c.owed_cents)
