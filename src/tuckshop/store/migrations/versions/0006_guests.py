"""Guests' orders, the newest first.

Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Creates the index."""
    where = sa.text("guest_id IS NOT NULL")
    op.create_index(
        "ix_orders_guest_id",
        "orders",
        ["guest_id", "id"],
        postgresql_where=where,
        sqlite_where=where,
    )
