"""Orders that are dispensed later, put on a tab, cancelled, reduced or failed; why pieces came back.

Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

FULFILLED = "(fulfilled_us IS NULL) = (status IN ('placed', 'cancelled', 'failed'))"
REFUND_KINDS = "kind IN ('refund', 'reduction', 'cancellation', 'failure')"
TRANSFER_KINDS_BEFORE = "kind IN ('deposit', 'sale', 'payout', 'refund')"
TRANSFER_KINDS = "kind IN ('deposit', 'sale', 'payout', 'refund', 'settlement')"


def upgrade() -> None:
    """Adds two columns, an index each, and a kind of transfer. So far all was dispensed at once."""
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_sqlite()
    else:
        op.add_column("orders", sa.Column("fulfilled_us", sa.BigInteger()))
        op.add_column("refunds", sa.Column("kind", sa.Text(), nullable=False, server_default="refund"))
        op.alter_column("refunds", "kind", server_default=None)
        op.drop_constraint(op.f("ck_transfers_kind_known"), "transfers")
        op.create_check_constraint(op.f("ck_transfers_kind_known"), "transfers", TRANSFER_KINDS)
    op.execute("UPDATE orders SET fulfilled_us = created_us")
    op.execute("UPDATE refunds SET kind = 'refund'")
    if op.get_bind().dialect.name != "sqlite":
        op.create_check_constraint(op.f("ck_orders_fulfilled_with_time"), "orders", FULFILLED)
        op.create_check_constraint(op.f("ck_refunds_kind_known"), "refunds", REFUND_KINDS)
    where = sa.text("payment = 'tab'")
    op.create_index(
        "ix_orders_tab_buyer_id",
        "orders",
        ["buyer_id", "id"],
        postgresql_where=where,
        sqlite_where=where,
    )
    op.create_index(op.f("ix_refunds_actor_id_created_us"), "refunds", ["actor_id", "created_us"])


def _rewrite_sqlite() -> None:
    """SQLite adds no constraint to a table that is there, and these are too large, and referred to by too
    many others, to be made anew: their text is changed, as https://www.sqlite.org/lang_altertable.html says.

    A row that is shorter than its table reads as NULL in the last columns; the caller fills them.
    """
    connection = op.get_bind()
    last = "created_us BIGINT NOT NULL, "
    _rewrite(
        "orders",
        last,
        f"{last}\n\tfulfilled_us BIGINT, \n\tCONSTRAINT ck_orders_fulfilled_with_time CHECK ({FULFILLED}), ",
    )
    _rewrite(
        "refunds",
        last,
        f"{last}\n\tkind TEXT NOT NULL, \n\tCONSTRAINT ck_refunds_kind_known CHECK ({REFUND_KINDS}), ",
    )
    _rewrite("transfers", TRANSFER_KINDS_BEFORE, TRANSFER_KINDS)
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")


def _rewrite(table: str, before: str, after: str) -> None:
    connection = op.get_bind()
    op.execute("PRAGMA writable_schema = ON")
    changed = connection.execute(
        sa.text(
            "UPDATE sqlite_schema SET sql = replace(sql, :before, :after)"
            " WHERE type = 'table' AND name = :name AND instr(sql, :before)"
        ),
        {"before": before, "after": after, "name": table},
    )
    op.execute("PRAGMA writable_schema = OFF")
    if changed.rowcount != 1:
        raise RuntimeError(f"the table {table} is not as the migrations before have made it")
