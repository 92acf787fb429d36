"""When the books were last audited, and what that found.

Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Creates the table; so far nobody has audited."""
    op.create_table(
        "audits",
        sa.Column("at_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("failed_rules", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("at_us", name=op.f("pk_audits")),
        sa.CheckConstraint("failed_rules >= 0", name=op.f("ck_audits_failed_not_negative")),
    )
