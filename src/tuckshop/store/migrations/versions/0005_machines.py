"""Money between accounts and coin boxes, and stock between machines.

Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TRANSFER_KINDS_BEFORE = "kind IN ('deposit', 'sale', 'payout', 'refund', 'settlement')"
TRANSFER_KINDS = (
    "kind IN ('deposit', 'sale', 'payout', 'refund', 'settlement', 'transfer', 'topup', 'earnings_payout',"
    " 'close', 'fill', 'collect', 'over', 'short')"
)
REFERENCES = "kind NOT IN ('topup', 'earnings_payout') OR external_ref IS NOT NULL"
STOCK_KINDS_BEFORE = "kind IN ('initial', 'restock', 'sale', 'refund', 'correction', 'write_off')"
STOCK_KINDS = "kind IN ('initial', 'restock', 'sale', 'refund', 'correction', 'write_off', 'move')"


def upgrade() -> None:
    """Adds kinds of transfers and of stock movements."""
    if op.get_bind().dialect.name == "sqlite":
        reference = f", \n\tCONSTRAINT ck_transfers_bank_has_reference CHECK ({REFERENCES})"
        _rewrite("transfers", f"({TRANSFER_KINDS_BEFORE})", f"({TRANSFER_KINDS}){reference}")
        _rewrite("stock_movements", STOCK_KINDS_BEFORE, STOCK_KINDS)
        version = op.get_bind().scalar(sa.text("PRAGMA schema_version"))
        op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
        return
    for table, kinds in (("transfers", TRANSFER_KINDS), ("stock_movements", STOCK_KINDS)):
        op.drop_constraint(op.f(f"ck_{table}_kind_known"), table)
        op.create_check_constraint(op.f(f"ck_{table}_kind_known"), table, kinds)
    op.create_check_constraint(op.f("ck_transfers_bank_has_reference"), "transfers", REFERENCES)


def _rewrite(table: str, before: str, after: str) -> None:
    """Changes the text of a table, which in SQLite is all that its constraints are.

    Making it anew would copy every movement that there ever was.
    """
    op.execute("PRAGMA writable_schema = ON")
    changed = op.get_bind().execute(
        sa.text(
            "UPDATE sqlite_schema SET sql = replace(sql, :before, :after)"
            " WHERE type = 'table' AND name = :name AND instr(sql, :before)"
        ),
        {"before": before, "after": after, "name": table},
    )
    op.execute("PRAGMA writable_schema = OFF")
    if changed.rowcount != 1:
        raise RuntimeError(f"the table {table} is not as the migrations before have made it")
