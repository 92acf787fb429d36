"""Guests' orders and those that were not simply sold, the newest first.

Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Creates the indexes."""
    for column, condition in (("guest_id", "guest_id IS NOT NULL"), ("status", "status <> 'dispensed'")):
        where = sa.text(condition)
        op.create_index(
            f"ix_orders_{column}", "orders", [column, "id"], postgresql_where=where, sqlite_where=where
        )
