"""Tabs are for users whom an admin has approved. Whoever has one, or a limit of their own, is.

Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Adds the column. What the shop's limit is stands in its settings, so nobody gets one of their own."""
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_sqlite()
    else:
        op.add_column(
            "users", sa.Column("tab_approved", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    # Written out for every row: one of SQLite's that is shorter than its table would read as NULL.
    op.execute(
        "UPDATE users SET tab_approved = (tab_limit_cents IS NOT NULL OR EXISTS"
        " (SELECT 1 FROM accounts a WHERE a.kind = 'tab' AND a.user_id = users.id))"
    )


def _rewrite_sqlite() -> None:
    """As ALTER TABLE does, but with the column where a new database has it, see 0004 and 0015."""
    connection, before = op.get_bind(), "payout_delay_days INTEGER, "
    op.execute("PRAGMA writable_schema = ON")
    changed = connection.execute(
        sa.text(
            "UPDATE sqlite_schema SET sql = replace(sql, :before, :before || :added)"
            " WHERE type = 'table' AND name = 'users' AND instr(sql, :before)"
        ),
        {"before": before, "added": "\n\ttab_approved BOOLEAN DEFAULT 0 NOT NULL, "},
    )
    op.execute("PRAGMA writable_schema = OFF")
    if changed.rowcount != 1:
        raise RuntimeError("the table users is not as the migrations before have made it")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
