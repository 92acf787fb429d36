"""Browsers that are a machine's own screens, each with a credential of its own.

Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Creates the table, empty. A screen that still has its machine's key is paired when it next asks."""
    op.create_table(
        "screens",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("machine_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("paired_us", sa.BigInteger()),
        sa.Column("ended_us", sa.BigInteger()),
        sa.CheckConstraint("length(secret_hash) = 32", name=op.f("ck_screens_secret_hash_sha256")),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name=op.f("fk_screens_machine_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screens")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_screens_secret_hash")),
    )
    op.create_index(op.f("ix_screens_machine_id"), "screens", ["machine_id"])
