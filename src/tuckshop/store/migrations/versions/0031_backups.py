"""When the shop was last backed up, and when a backup was last tried out.

Revises: 0030
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Creates the table; so far nothing was recorded."""
    op.create_table(
        "backups",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("is_good", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_backups")),
        sa.CheckConstraint("kind IN ('backup', 'restore-test')", name=op.f("ck_backups_kind_known")),
    )
