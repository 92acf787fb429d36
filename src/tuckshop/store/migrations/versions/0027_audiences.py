"""At which interface a session is good.

Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0018"

COLUMN = "audience TEXT DEFAULT 'any' NOT NULL"
BEFORE = "machine_id BIGINT, "


def upgrade() -> None:
    """Adds the column. Sessions that are open now are good everywhere, as they were, until they expire."""
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_sqlite()
    else:
        op.execute(f"ALTER TABLE sessions ADD COLUMN {COLUMN}")


def _rewrite_sqlite() -> None:
    """As ALTER TABLE does, but with the column before the constraints, where a new database has it.

    A row that is shorter than its table has the default in the last column, see 0004.
    """
    connection = op.get_bind()
    op.execute("PRAGMA writable_schema = ON")
    changed = connection.execute(
        sa.text(
            "UPDATE sqlite_schema SET sql = replace(sql, :before, :before || :added)"
            " WHERE type = 'table' AND name = 'sessions' AND instr(sql, :before)"
        ),
        {"before": BEFORE, "added": f"\n\t{COLUMN}, "},
    )
    op.execute("PRAGMA writable_schema = OFF")
    if changed.rowcount != 1:
        raise RuntimeError("the table sessions is not as the migrations before have made it")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
