"""What an admin allows at a machine, and at which machine somebody logged in.

Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

COLUMNS = {
    "coin_input": "TEXT DEFAULT 'none' NOT NULL",
    "fulfil": "TEXT DEFAULT 'now' NOT NULL",
    "deposit_cents_max": "BIGINT DEFAULT 5000 NOT NULL",
    "hourly_deposit_cents_max": "BIGINT DEFAULT 20000 NOT NULL",
}
CHECKS = {
    "ck_machines_coin_input_known": "coin_input IN ('none', 'drawn')",
    "ck_machines_fulfil_known": "fulfil IN ('now', 'later', 'either')",
    "ck_machines_deposit_cents_max_positive": "deposit_cents_max >= 1",
    "ck_machines_hourly_deposit_cents_max_positive": "hourly_deposit_cents_max >= 1",
}
MACHINE = "fk_sessions_machine_id"


def upgrade() -> None:
    """Adds the columns. Machines that are there stay as they were: screens take drawn coins, and orders say
    themselves when they are dispensed."""
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_sqlite()
    else:
        for name, definition in COLUMNS.items():
            op.execute(f"ALTER TABLE machines ADD COLUMN {name} {definition}")
        for name, rule in CHECKS.items():
            op.create_check_constraint(op.f(name), "machines", rule)
        op.add_column("sessions", sa.Column("machine_id", sa.BigInteger()))
        op.create_foreign_key(op.f(MACHINE), "sessions", "machines", ["machine_id"], ["id"])
    op.execute("UPDATE machines SET fulfil = 'either'")
    op.execute("UPDATE machines SET coin_input = 'drawn' WHERE key_hash IS NOT NULL")


def _rewrite_sqlite() -> None:
    """As ALTER TABLE does, but with the columns before the constraints, where a new database has them.

    A row that is shorter than its table has the defaults in the last columns, see 0004.
    """
    connection = op.get_bind()
    columns = "".join(f"\n\t{name} {definition}, " for name, definition in COLUMNS.items())
    checks = "".join(f"\n\tCONSTRAINT {name} CHECK ({rule}), " for name, rule in CHECKS.items())
    key = f"\n\tCONSTRAINT {MACHINE} FOREIGN KEY(machine_id) REFERENCES machines (id), "
    for table, before, added in (
        ("machines", "created_us BIGINT NOT NULL, ", columns),
        ("machines", "CONSTRAINT pk_machines PRIMARY KEY (id), ", checks),
        ("sessions", "address TEXT, ", "\n\tmachine_id BIGINT, "),
        ("sessions", "CONSTRAINT pk_sessions PRIMARY KEY (id), ", key),
    ):
        op.execute("PRAGMA writable_schema = ON")
        changed = connection.execute(
            sa.text(
                "UPDATE sqlite_schema SET sql = replace(sql, :before, :before || :added)"
                " WHERE type = 'table' AND name = :name AND instr(sql, :before)"
            ),
            {"before": before, "added": added, "name": table},
        )
        op.execute("PRAGMA writable_schema = OFF")
        if changed.rowcount != 1:
            raise RuntimeError(f"the table {table} is not as the migrations before have made it")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
