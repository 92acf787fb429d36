"""A migration that fails when it has done most of its work.

Revises: whatever is newest
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tuckshop.store.migrations import revisions

revision = "9999"
down_revision = next(known for known in reversed(revisions()) if known != revision)


def upgrade() -> None:
    """Adds, fills, takes away, and then wants a table that nobody has made."""
    op.create_table("letters", sa.Column("id", sa.BigInteger(), primary_key=True))
    op.execute("INSERT INTO letters (id) VALUES (1)")
    op.add_column("orders", sa.Column("letter", sa.Text(), nullable=True))
    op.execute("UPDATE shop SET currency = 'XXX'")
    op.drop_index("ix_orders_buyer_id_id", "orders")
    op.execute("DROP TABLE audits")
    op.execute("INSERT INTO parcels (id) VALUES (1)")
