"""What a next release may add while this one sells: to the tables that every sale writes.

Revises: whatever is newest
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tuckshop.store.migrations import revisions

revision = "9999"
down_revision = next(known for known in reversed(revisions()) if known != revision)


def upgrade() -> None:
    """Adds a table, columns and an index."""
    op.create_table("letters", sa.Column("id", sa.BigInteger(), primary_key=True))
    op.add_column("orders", sa.Column("letter", sa.Text(), nullable=True))
    op.add_column("transfers", sa.Column("weight", sa.Integer(), server_default="1", nullable=False))
    op.create_index("ix_orders_letter", "orders", ["letter"])
