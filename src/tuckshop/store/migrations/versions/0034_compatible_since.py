"""Which releases still work on the database, so that nodes are upgraded one after the other.

Revises: 0033
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

COMPATIBLE_SINCE = "0030"


def upgrade() -> None:
    """Adds the column beside the revision; `store/migrate.py` fills it after each upgrade."""
    op.add_column("alembic_version", sa.Column("compatible_since", sa.String(32), nullable=True))
