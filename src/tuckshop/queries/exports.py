"""The shop's people and orders as tables, one row at a time, for spreadsheets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, select

from tuckshop.context import Shop
from tuckshop.domain import money
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.users import HOUSE_NAME, UserState
from tuckshop.identity import users
from tuckshop.store import tables

PAGE = 1_000
USERS = ("id", "username", "email", "roles", "state", "wallet", "owed", "earned", "created")
ORDERS = (
    "order",
    "created",
    "buyer",
    "machine",
    "payment",
    "status",
    "product",
    "name",
    "quantity",
    "refunded",
    "price",
    "seller",
)
Cells = tuple[object, ...]

_users, orders, lines = tables.users, tables.orders, tables.order_lines


async def all_users(shop: Shop) -> AsyncIterator[Cells]:
    """USERS, then everybody who is not closed, by id, with what they hold, owe and have earned."""
    yield USERS
    kept = tables.accounts

    query: Select[Any] = select(_users).where(_users.c.state != UserState.CLOSED.value).order_by(_users.c.id)
    for kind in (AccountKind.WALLET, AccountKind.TAB, AccountKind.EARNINGS):
        held = select(kept.c.balance_cents).where(kept.c.user_id == _users.c.id, kept.c.kind == kind.value)
        query = query.add_columns(func.coalesce(held.scalar_subquery(), 0).label(kind.value))
    after_id = 0
    while True:
        async with shop.reading_late() as connection:
            page = (await connection.execute(query.where(_users.c.id > after_id).limit(PAGE))).all()
        for row in page:
            amounts = (_amount(shop, cents) for cents in (row.wallet, -row.tab, row.earnings))
            roles = " ".join(users.roles_of(row))
            yield row.id, row.username, row.email, roles, row.state, *amounts, _time(row.created_us)
        if len(page) < PAGE:
            return
        after_id = page[-1].id


async def sold(shop: Shop) -> AsyncIterator[Cells]:
    """ORDERS, then a row for each line of each order, the oldest first, as it was sold."""
    yield ORDERS
    sellers = _users.alias("sellers")
    some = select(orders).order_by(orders.c.id).limit(PAGE)
    after_id = 0
    while True:
        found = some.where(orders.c.id > after_id).subquery("found")
        query = (
            select(
                found,
                _users.c.username.label("buyer"),
                lines.c.product_id,
                lines.c.name,
                lines.c.quantity,
                lines.c.refunded_quantity,
                lines.c.price_cents,
                func.coalesce(sellers.c.username, HOUSE_NAME).label("seller"),
            )
            .join(lines, lines.c.order_id == found.c.id)
            .outerjoin(_users, _users.c.id == found.c.buyer_id)
            .outerjoin(sellers, sellers.c.id == lines.c.seller_id)
            .order_by(found.c.id, lines.c.position)
        )
        async with shop.reading_late() as connection:
            page = (await connection.execute(query)).all()
        for row in page:
            yield (
                row.id,
                _time(row.created_us),
                row.buyer,
                row.machine_id,
                row.payment,
                row.status,
                row.product_id,
                row.name,
                row.quantity,
                row.refunded_quantity,
                _amount(shop, row.price_cents),
                row.seller,
            )
        if not page:
            return
        after_id = page[-1].id


def _amount(shop: Shop, cents: int) -> str:
    return money.show(cents, exponent=shop.currency.exponent)


def _time(instant_us: int) -> str:
    return f"{datetime.fromtimestamp(instant_us // 1_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"
