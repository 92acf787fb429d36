"""Finding what sellers sold last, and what cannot be paid to them yet, without a look at all they ever sold.

Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Creates three indexes, and drops the one of lines by seller and product, which nothing reads by."""
    op.drop_index(op.f("ix_order_lines_seller_id_product_id"), table_name="order_lines")
    op.create_index(op.f("ix_order_lines_seller_id_order_id"), "order_lines", ["seller_id", "order_id"])
    for name, table, columns, condition in (
        ("ix_orders_late_fulfilled_us", "orders", ["fulfilled_us"], "fulfilled_us <> created_us"),
        ("ix_accounts_tab", "accounts", ["kind", "user_id"], "kind = 'tab'"),
    ):
        where = sa.text(condition)
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)
