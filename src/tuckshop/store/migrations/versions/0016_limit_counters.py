"""Counters of what may be done so much and no more within an hour or a day.

Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Creates the table, empty."""
    op.create_table(
        "limit_counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("starts_us", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_limit_counters_used_not_negative")),
        sa.PrimaryKeyConstraint("name", "starts_us", name=op.f("pk_limit_counters")),
    )
    op.create_index(op.f("ix_limit_counters_starts_us"), "limit_counters", ["starts_us"])
