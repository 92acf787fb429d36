"""What sellers have earned, and how much of it cannot be paid yet.

The rule is `domain.payables`; here is which orders it has to look at. The till looks for the same before it
pays, see its `EARNINGS`.

Three kinds of orders: those to be dispensed, those that may still be returned, those that tabs owe. Each
is found by an index in which they are few, whatever was sold before them. A condition that named all three
would have every line looked at that the seller ever sold. What else was sold within the payout delay is not
few, and is added up by the database.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, func, select, union, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain import payables as payable_rules
from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.orders import Line, Order, OrderStatus, Payment
from tuckshop.domain.refusals import UnknownUser
from tuckshop.domain.users import Actor, Role
from tuckshop.queries import orders as order_queries
from tuckshop.store import tables
from tuckshop.store.engine import reading
from tuckshop.till.sql.statements import CLOCK_SECONDS_BACK_MAX
from tuckshop.till.state.rows import OrderRow

users, accounts, products = tables.users, tables.accounts, tables.products
orders, lines, sales = tables.orders, tables.order_lines, tables.sales


@dataclass(frozen=True, slots=True)
class ProductEarnings:
    """What one product brought its seller, refunds taken off."""

    product_id: int
    name: str
    quantity: int
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Payable:
    """What the shop owes a seller, and how much of it can be paid out now."""

    seller_id: int
    username: str
    balance_cents: int
    payable_cents: int

    @property
    def held_back_cents(self) -> int:
        """What buyers may still return or still owe, or what the payout delay holds back."""
        return max(self.balance_cents - self.payable_cents, 0)


@dataclass(frozen=True, slots=True)
class Earnings:
    """A seller's account. `payable_cents` leaves out what is held back."""

    balance_cents: int
    payable_cents: int
    products: list[ProductEarnings]


async def earnings(shop: Shop, *, seller_id: int) -> Earnings:
    """What the seller has earned, in all and by product."""
    # Of each day's sales, not of every line there ever was.
    by_product = (
        select(
            products.c.id,
            products.c.name,
            func.sum(sales.c.sold_quantity - sales.c.refunded_quantity),
            func.sum(sales.c.sold_cents - sales.c.refunded_cents),
        )
        .join(sales, sales.c.product_id == products.c.id)
        .where(products.c.seller_id == seller_id)
        .group_by(products.c.id, products.c.name)
        .order_by(products.c.id)
    )
    balance = select(accounts.c.balance_cents).where(
        accounts.c.user_id == seller_id, accounts.c.kind == AccountKind.EARNINGS.value
    )
    async with reading(shop.engine) as connection:
        cents = await connection.scalar(balance) or 0
        held_cents = (await held_back_cents(connection, shop, [seller_id])).get(seller_id, 0)
        earned = [
            ProductEarnings(product_id, name, int(quantity), int(total))
            for product_id, name, quantity, total in await connection.execute(by_product)
        ]
    return Earnings(cents, max(cents - held_cents, 0), earned)


async def own_payout_delay(shop: Shop, *, user_id: int) -> int | None:
    """After how many days the user's sales are paid; None: as the shop's setting says."""
    async with reading(shop.engine) as connection:
        own: int | None = await connection.scalar(
            select(users.c.payout_delay_days).where(users.c.id == user_id)
        )
    return own


async def payables(shop: Shop, *, actor: Actor, after_id: int = 0, limit: int) -> list[Payable]:
    """Sellers with earnings above or below 0, by id, those after `after_id`. Raises RoleMissing."""
    return await _payables(shop, actor, users.c.id > after_id, accounts.c.balance_cents != 0, limit=limit)


async def payable(shop: Shop, *, actor: Actor, seller_id: int) -> Payable:
    """What one seller is owed. Raises RoleMissing; UnknownUser for who never sold anything."""
    found = await _payables(shop, actor, users.c.id == seller_id, limit=1)
    if not found:
        raise UnknownUser(user=seller_id)
    return found[0]


async def _payables(shop: Shop, actor: Actor, *where: ColumnElement[bool], limit: int) -> list[Payable]:
    actor.require(Role.CASHIER, Role.ADMIN)
    query = (
        select(users.c.id, users.c.username, accounts.c.balance_cents)
        .join(accounts, accounts.c.user_id == users.c.id)
        .where(accounts.c.kind == AccountKind.EARNINGS.value, *where)
        .order_by(users.c.id)
        .limit(limit)
    )
    async with reading(shop.engine) as connection:
        found = (await connection.execute(query)).all()
        held = await held_back_cents(connection, shop, [row.id for row in found])
    return [
        Payable(seller_id, name, cents, max(cents - held.get(seller_id, 0), 0))
        for seller_id, name, cents in found
    ]


async def held_back_cents(
    connection: AsyncConnection, shop: Shop, seller_ids: Collection[int]
) -> dict[int, int]:
    """What is held back of these sellers' earnings, by seller; those of whom nothing is are left out."""
    now_us, policy = shop.clock(), shop.till.policy
    returnable_us = now_us - policy.refund_window_seconds * MICROSECONDS
    own_delays = select(users.c.id, users.c.payout_delay_days).where(users.c.id.in_(seller_ids))
    young_us: dict[int, int] = {}
    for seller_id, delay_days in await connection.execute(own_delays):
        since_us = payable_rules.young_since_us(
            delay_days=delay_days, shop_delay_days=policy.payout_delay_days, now_us=now_us
        )
        if since_us is not None:
            young_us[seller_id] = since_us
    # Added to nothing, it finds no lines: those of these orders are few, those of these sellers are not.
    theirs = (lines.c.seller_id + 0).in_(seller_ids)
    left = _ORDER_IDS.join(orders, orders.c.id == lines.c.order_id)
    is_recent = orders.c.fulfilled_us >= returnable_us
    late = _late(returnable_us, "late")
    found = (
        union(
            left.where(theirs, order_queries.is_in(OrderStatus.PLACED)),
            _unsettled(),  # Whosever: what a tab owes is told by all of its newest orders.
            left.where(
                lines.c.seller_id.in_(seller_ids),
                lines.c.order_id > await _older_id(connection, returnable_us),
                lines.c.refundable,
                is_recent,
            ),
            _ORDER_IDS.join(late, late.c.id == lines.c.order_id).where(theirs, lines.c.refundable),
        )
        .cte("found")
        .prefix_with("MATERIALIZED")
    )
    candidates, owed_cents = await _read(connection, found)
    held = payable_rules.held_back_cents(
        candidates, owed_cents=owed_cents, returnable_since_us=returnable_us, young_since_us=young_us
    )
    # Sellers have few delays among them, most the shop's.
    for since_us in set(young_us.values()):
        waiting = [seller_id for seller_id, young in young_us.items() if young == since_us]
        held.update(await _young_cents(connection, waiting, since_us, found))
    return {seller_id: held[seller_id] for seller_id in seller_ids if held[seller_id]}


async def _young_cents(
    connection: AsyncConnection, seller_ids: list[int], since_us: int, found: CTE
) -> dict[int, int]:
    """What was dispensed at `since_us` or later, by seller, but for the orders that are `found` already.

    Added up where it lies: it may be all that a busy seller sold in a week.
    """
    elsewhere = orders.c.id.not_in(select(found.c[0]))
    late = _late(since_us, "late_too")
    sold = select(lines.c.seller_id, _left_cents.label("cents")).join(orders, orders.c.id == lines.c.order_id)
    young = union_all(
        sold.where(
            lines.c.seller_id.in_(seller_ids),
            lines.c.order_id > await _older_id(connection, since_us),
            orders.c.fulfilled_us >= since_us,
            orders.c.fulfilled_us == orders.c.created_us,
            elsewhere,
        ),
        sold.join(late, late.c.id == orders.c.id).where((lines.c.seller_id + 0).in_(seller_ids), elsewhere),
    ).subquery()
    sums = select(young.c.seller_id, func.sum(young.c.cents)).group_by(young.c.seller_id)
    return {seller_id: int(cents) for seller_id, cents in await connection.execute(sums)}


async def _older_id(connection: AsyncConnection, since_us: int) -> int:
    """The newest order that was made before; no order dispensed when it was made is older."""
    older = (
        select(orders.c.id)
        .where(orders.c.created_us < since_us - CLOCK_SECONDS_BACK_MAX * MICROSECONDS)
        .order_by(orders.c.id.desc())
        .limit(1)
    )
    return await connection.scalar(older) or 0


def _late(since_us: int, name: str) -> CTE:
    """Orders that were dispensed later than they were made. Neither database can guess how few these are."""
    late = select(orders.c.id).where(
        orders.c.fulfilled_us >= since_us, orders.c.fulfilled_us != orders.c.created_us
    )
    return late.cte(name).prefix_with("MATERIALIZED")


async def _read(connection: AsyncConnection, found: CTE) -> tuple[dict[int, Order], dict[int, int]]:
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
