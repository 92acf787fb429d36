"""What is kept of closed users: a hash of their address, and since when the rest is erased.

Revises: 0032
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tuckshop.store.migrations.added import add_columns

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Adds the columns, empty. Who is closed already is erased by the upkeep, which has the shop's secret."""
    blob = "BLOB" if op.get_bind().dialect.name == "sqlite" else "BYTEA"
    add_columns("users", email_hash=blob, erased_us="BIGINT")
    op.drop_index("ix_users_closed_email_key", "users")
    for name, column, where in (
        ("ix_users_email_hash", "email_hash", "email_hash IS NOT NULL"),
        ("ix_users_not_erased", "id", "state = 'closed' AND erased_us IS NULL"),
    ):
        op.create_index(name, "users", [column], postgresql_where=sa.text(where), sqlite_where=sa.text(where))
