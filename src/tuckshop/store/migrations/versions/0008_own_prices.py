"""Finding the price that a machine has of its own for a product, without a look at its shelf.

Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Creates the index."""
    where = sa.text("price_cents IS NOT NULL")
    op.create_index(
        "ix_shelves_own_price_product",
        "shelves",
        ["machine_id", "product_id", "price_cents"],
        postgresql_where=where,
        sqlite_where=where,
    )
