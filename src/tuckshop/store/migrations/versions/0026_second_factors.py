"""Codes of an app at the log-in: its secret, encrypted, and hashes of recovery codes.

Revises: 0025
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tuckshop.store.migrations.added import add_columns

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Creates the tables, empty; everybody logs in as before."""
    add_columns("users", second_factor_us="BIGINT")
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_second_factors_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_us", sa.BigInteger()),
        sa.CheckConstraint("length(code_hash) = 32", name=op.f("ck_recovery_codes_code_hash_sha256")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id")),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name=op.f("pk_recovery_codes")),
    )
