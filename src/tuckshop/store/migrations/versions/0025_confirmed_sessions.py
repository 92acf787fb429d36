"""When the password was last shown in a session.

Revises: 0024
"""

from __future__ import annotations

from tuckshop.store.migrations.added import add_columns

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Adds the column, empty: a session that is there is as fresh as its log-in."""
    add_columns("sessions", confirmed_us="BIGINT")
