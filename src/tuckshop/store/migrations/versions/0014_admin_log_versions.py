"""The form in which each line of the admin log tells what was before and after.

Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Adds the column. So far all lines are in their first form, as are those that an older process adds."""
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_sqlite()
    else:
        version = sa.Column("version", sa.SmallInteger(), server_default=sa.text("1"), nullable=False)
        op.add_column("admin_log", version)


def _rewrite_sqlite() -> None:
    """As ALTER TABLE does, but with the column before the constraints, where a new database has it, see 0004.

    A row that is shorter than its table has the default in the last column.
    """
    connection = op.get_bind()
    last = "created_us BIGINT NOT NULL, "
    op.execute("PRAGMA writable_schema = ON")
    changed = connection.execute(
        sa.text(
            "UPDATE sqlite_schema SET sql = replace(sql, :last, :last || :more)"
            " WHERE type = 'table' AND name = 'admin_log' AND instr(sql, :last)"
        ),
        {"last": last, "more": "\n\tversion SMALLINT DEFAULT 1 NOT NULL, "},
    )
    op.execute("PRAGMA writable_schema = OFF")
    if changed.rowcount != 1:
        raise RuntimeError("the table admin_log is not as the migrations before have made it")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
