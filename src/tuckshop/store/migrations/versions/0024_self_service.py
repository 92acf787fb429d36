"""Which transfers an admin made for themselves, since nobody else could; and staff found at once.

Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tuckshop.store.migrations.added import add_columns

revision = "0024"
down_revision = "0018"


def upgrade() -> None:
    """Adds the column: of what was booked before, nothing is marked."""
    add_columns("transfers", for_self="BOOLEAN DEFAULT false NOT NULL")
    for name, table, column, where in (
        ("ix_users_staff", "users", "id", sa.text("is_cashier OR is_admin")),
        ("ix_transfers_for_self", "transfers", "refund_id", sa.text("for_self")),
    ):
        op.create_index(name, table, [column], postgresql_where=where, sqlite_where=where)
