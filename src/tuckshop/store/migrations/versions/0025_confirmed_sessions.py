"""When the password was last shown in a session.

Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Adds the column, empty: a session that is there is as fresh as its log-in."""
    op.add_column("sessions", sa.Column("confirmed_us", sa.BigInteger()))
