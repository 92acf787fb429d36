"""Adding columns so that a table which was there is as a new database has it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def add_columns(table: str, **definitions: str) -> None:
    """Adds columns at the table's end, by their SQL.

    On SQLite they stand before the constraints, where a new database has them, and not behind.
    A row that is shorter than its table has the defaults in the last columns, see 0004.
    """
    if op.get_bind().dialect.name != "sqlite":
        for name, definition in definitions.items():
            op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {definition}")
        return
    connection = op.get_bind()
    before = f"CONSTRAINT pk_{table} PRIMARY KEY (id), "
    added = "".join(f"{name} {definition}, \n\t" for name, definition in definitions.items())
    op.execute("PRAGMA writable_schema = ON")
    changed = connection.execute(
        sa.text(
            "UPDATE sqlite_schema SET sql = replace(sql, :before, :added || :before)"
            " WHERE type = 'table' AND name = :name AND instr(sql, :before)"
        ),
        {"before": before, "added": added, "name": table},
    )
    op.execute("PRAGMA writable_schema = OFF")
    if changed.rowcount != 1:
        raise RuntimeError(f"the table {table} is not as the migrations before have made it")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
