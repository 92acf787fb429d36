"""All that the shop keeps about one user, for that user to take along."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, or_, select

from tuckshop.context import Shop
from tuckshop.store import tables
from tuckshop.store.engine import reading

Rows = list[dict[str, Any]]

_NOT_TAKEN_ALONG = {"password_hash", "username_key", "email_key", "email_hash", "erased_us"}


async def collect(shop: Shop, *, user_id: int) -> dict[str, Rows]:
    """Rows by what they are, all of one instant; nothing secret, and nobody else's."""
    async with reading(shop.engine) as connection:
        return {
            name: [dict(row) for row in (await connection.execute(query)).mappings()]
            for name, query in _queries(user_id).items()
        }


def _queries(user_id: int) -> dict[str, Select[Any]]:
    users, sessions, tokens = tables.users, tables.sessions, tables.api_tokens
    orders, lines, refunds = tables.orders, tables.order_lines, tables.refunds
    accounts, transfers, products = tables.accounts, tables.transfers, tables.products
    own = select(accounts.c.id).where(accounts.c.user_id == user_id)
    line_columns = (lines.c[name] for name in ("order_id", "product_id", "name", "quantity", "price_cents"))
    return {
        "user": select(*(column for column in users.c if column.name not in _NOT_TAKEN_ALONG)).where(
            users.c.id == user_id
        ),
        "sessions": select(*(column for column in sessions.c if column.name != "generation"))
        .where(sessions.c.user_id == user_id)
        .order_by(sessions.c.id),
        "tokens": select(tokens.c.session_id, tokens.c.name)
        .join(sessions, sessions.c.id == tokens.c.session_id)
        .where(sessions.c.user_id == user_id)
        .order_by(sessions.c.id),
        "accounts": select(accounts.c.id, accounts.c.kind, accounts.c.balance_cents)
        .where(accounts.c.user_id == user_id)
        .order_by(accounts.c.id),
        "transfers": select(
            *(transfers.c[name] for name in ("id", "kind", "amount_cents", "order_id", "created_us")),
            transfers.c.target_id.in_(own).label("incoming"),
        )
        .where(or_(transfers.c.source_id.in_(own), transfers.c.target_id.in_(own)))
        .order_by(transfers.c.id),
        "orders": select(
            *(
                orders.c[name]
                for name in (
                    "id",
                    "machine_id",
                    "payment",
                    "status",
                    "client_ref",
                    "total_cents",
                    "created_us",
                )
            )
        )
        .where(orders.c.buyer_id == user_id)
        .order_by(orders.c.id),
        "order_lines": select(*line_columns)
        .join(orders, orders.c.id == lines.c.order_id)
        .where(orders.c.buyer_id == user_id)
        .order_by(lines.c.order_id, lines.c.position),
        "refunds": select(
            *(refunds.c[name] for name in ("id", "order_id", "amount_cents", "reason", "created_us"))
        )
        .join(orders, orders.c.id == refunds.c.order_id)
        .where(orders.c.buyer_id == user_id)
        .order_by(refunds.c.id),
        "products": select(
            *(products.c[name] for name in ("id", "name", "price_cents", "created_us", "removed_us"))
        )
        .where(products.c.seller_id == user_id)
        .order_by(products.c.id),
    }
