"""Transfers that take another back, and what of it went on a tab.

Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

KINDS_BEFORE = (
    "kind IN ('deposit', 'sale', 'payout', 'refund', 'settlement', 'transfer', 'topup', 'earnings_payout',"
    " 'close', 'fill', 'collect', 'over', 'short')"
)
KINDS = KINDS_BEFORE.replace("'short')", "'short', 'reversal', 'charge')")
OF_ONE = "(kind = 'reversal') = (reverses_id IS NOT NULL)"


def upgrade() -> None:
    """Adds the column, empty, with its rules and index, and two kinds of transfers."""
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_sqlite()
    else:
        op.add_column("transfers", sa.Column("reverses_id", sa.BigInteger()))
        op.create_foreign_key(
            op.f("fk_transfers_reverses_id"), "transfers", "transfers", ["reverses_id"], ["id"]
        )
        op.drop_constraint(op.f("ck_transfers_kind_known"), "transfers")
        op.create_check_constraint(op.f("ck_transfers_kind_known"), "transfers", KINDS)
        op.create_check_constraint(op.f("ck_transfers_reversal_of_one"), "transfers", OF_ONE)
    where = sa.text("reverses_id IS NOT NULL")
    op.create_index(
        "uq_transfers_reverses_id",
        "transfers",
        ["reverses_id"],
        unique=True,
        postgresql_where=where,
        sqlite_where=where,
    )


def _rewrite_sqlite() -> None:
    """As ALTER TABLE does, but where a new database has them: see 0004 and 0015."""
    connection = op.get_bind()
    last = "created_us BIGINT NOT NULL, "
    key = "CONSTRAINT pk_transfers PRIMARY KEY (id), "
    refers = "CONSTRAINT fk_transfers_reverses_id FOREIGN KEY(reverses_id) REFERENCES transfers (id)"
    for before, after in (
        (f"({KINDS_BEFORE})", f"({KINDS})"),
        (last, f"{last}\n\treverses_id BIGINT, "),
        (key, f"{key}\n\t{refers}, \n\tCONSTRAINT ck_transfers_reversal_of_one CHECK ({OF_ONE}), "),
    ):
        op.execute("PRAGMA writable_schema = ON")
        changed = connection.execute(
            sa.text(
                "UPDATE sqlite_schema SET sql = replace(sql, :before, :after)"
                " WHERE type = 'table' AND name = 'transfers' AND instr(sql, :before)"
            ),
            {"before": before, "after": after},
        )
        op.execute("PRAGMA writable_schema = OFF")
        if changed.rowcount != 1:
            raise RuntimeError("the table transfers is not as the migrations before have made it")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
