"""Walking through long lists of products by price and by name without fetching each.

Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Widens the index by price, and creates one by name."""
    op.drop_index("ix_products_on_sale_price_cents", table_name="products")
    where = sa.text("removed_us IS NULL")
    for columns in (["price_cents", "id", "name_key"], ["name_key", "price_cents", "id"]):
        op.create_index(
            f"ix_products_on_sale_{columns[0]}",
            "products",
            columns,
            postgresql_where=where,
            sqlite_where=where,
        )
