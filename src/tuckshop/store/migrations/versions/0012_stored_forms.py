"""Answers under idempotency keys bear tags and versions, no longer the names of classes.

Revises: 0011
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

RECEIPTS = {
    "Registered": "user.registered/1",
    "CoinsDeposited": "wallet.deposited/1",
    "PaidOut": "wallet.paid_out/1",
    "MoneyMoved": "money.moved/1",
    "SellerPaid": "seller.paid/1",
    "WalletClosed": "wallet.closed/1",
    "UserClosed": "user.closed/1",
    "BoxMoved": "coin_box.moved/1",
    "CoinsCounted": "coin_box.counted/1",
    "StockMoved": "stock.moved/1",
    "ShelvesSet": "shelves.set/1",
    "OrderPlaced": "order.placed/1",
    "OrderChanged": "order.changed/1",
    "Refunded": "order.refunded/1",
    "ProductStands": "product.saved/1",
    "ProductRemoved": "product.removed/1",
    "GoodsChanged": "products.changed/1",
    "TabSettled": "tab.settled/1",
}
NAME = r"([A-Z][a-z]+)+"


def upgrade() -> None:
    """Writes the kinds of at most thirty days' records anew, in one pass; the answers stay as they are."""
    connection = op.get_bind()
    found = connection.scalars(sa.text("SELECT DISTINCT kind FROM idempotency WHERE kind NOT LIKE '%/%'"))
    forms = {name: RECEIPTS.get(name) or _refusal(name) for name in found if re.fullmatch(NAME, name)}
    if forms:
        kind = sa.column("kind", sa.Text)
        renamed = sa.case(forms, value=kind)
        connection.execute(
            sa.update(sa.table("idempotency", kind)).where(kind.in_(forms)).values(kind=renamed)
        )


def _refusal(name: str) -> str:
    """`OutOfStock` as `refusal.out-of-stock/1`."""
    return f"refusal.{re.sub(r'(?<=[a-z])(?=[A-Z])', '-', name).lower()}/1"
