"""Which transfers an admin made for themselves, since nobody else could; and staff found at once.

Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"

COLUMN = "for_self BOOLEAN DEFAULT false NOT NULL"


def upgrade() -> None:
    """Adds the column: of what was booked before, nothing is marked."""
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_sqlite()
    else:
        op.execute(f"ALTER TABLE transfers ADD COLUMN {COLUMN}")
    staff = sa.text("is_cashier OR is_admin")
    op.create_index("ix_users_staff", "users", ["id"], postgresql_where=staff, sqlite_where=staff)
    marked = sa.text("for_self")
    op.create_index(
        "ix_transfers_for_self", "transfers", ["refund_id"], postgresql_where=marked, sqlite_where=marked
    )


def _rewrite_sqlite() -> None:
    """As ALTER TABLE does, but with the column before the constraints, where a new database has it.

    A row that is shorter than its table has the defaults in the last columns, see 0004.
    """
    connection = op.get_bind()
    before = "CONSTRAINT pk_transfers PRIMARY KEY (id), "
    op.execute("PRAGMA writable_schema = ON")
    changed = connection.execute(
        sa.text(
            "UPDATE sqlite_schema SET sql = replace(sql, :before, :added || :before)"
            " WHERE type = 'table' AND name = 'transfers' AND instr(sql, :before)"
        ),
        {"before": before, "added": f"{COLUMN}, \n\t"},
    )
    op.execute("PRAGMA writable_schema = OFF")
    if changed.rowcount != 1:
        raise RuntimeError("the table transfers is not as the migrations before have made it")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
