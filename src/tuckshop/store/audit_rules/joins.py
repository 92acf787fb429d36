"""What several rules look at: tables together, and amounts made of their columns."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, Text, and_, case, literal_column

from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.products import StockKind
from tuckshop.domain.refunds import RefundKind
from tuckshop.store import tables
from tuckshop.store.audit_rules.rule import wide

_accounts = tables.accounts.c
_lines = tables.order_lines.c
_orders = tables.orders.c
_refund_lines = tables.refund_lines.c
_transfers = tables.transfers.c


def account(end: ColumnElement[int]) -> FromClause:
    """Transfers with the account at one end."""
    return tables.transfers.join(tables.accounts, _accounts.id == end)


def is_(kind: AccountKind | TransferKind | StockKind | RefundKind) -> ColumnElement[str]:
    return literal_column(f"'{kind}'", Text)


ORDER_LINES = tables.order_lines.join(tables.orders, _orders.id == _lines.order_id)
LINE_CENTS = wide(_lines.price_cents) * _lines.quantity
SELLER_ACCOUNT = case((_lines.seller_id.is_(None), is_(AccountKind.HOUSE)), else_=is_(AccountKind.EARNINGS))
AS_SOLD = tables.refund_lines.join(
    tables.order_lines,
    and_(_lines.order_id == _refund_lines.order_id, _lines.product_id == _refund_lines.product_id),
)
RETURNED_CENTS = wide(_lines.price_cents) * _refund_lines.quantity
IS_SALE = _transfers.kind == is_(TransferKind.SALE)
IS_REFUND = _transfers.kind == is_(TransferKind.REFUND)
