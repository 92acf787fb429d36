"""When sellers are paid, and refunds that their earnings do not cover.

Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

CHECK, RULE = "ck_users_payout_delay_not_negative", "payout_delay_days >= 0"


def upgrade() -> None:
    """Adds a payout delay to users, the list of refunds that wait for the office, and what was declared.

    The shop's delay is for sellers made from now on: those who are there are paid as before. Coins that were
    declared until now count as seen.
    """
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_sqlite()
    else:
        op.add_column("users", sa.Column("payout_delay_days", sa.Integer()))
        op.create_check_constraint(op.f(CHECK), "users", RULE)
    op.execute(
        "UPDATE users SET payout_delay_days = 0 WHERE is_seller OR id IN"
        " (SELECT user_id FROM accounts WHERE kind = 'earnings' AND user_id IS NOT NULL)"
    )
    closed = sa.text("state = 'closed'")
    op.create_index(
        "ix_users_closed_email_key", "users", ["email_key"], postgresql_where=closed, sqlite_where=closed
    )
    op.create_table(
        "refund_requests",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("dismissed_us", sa.BigInteger()),
        sa.CheckConstraint("amount_cents >= 1", name=op.f("ck_refund_requests_amount_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refund_requests_order_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_refund_requests_seller_id")),
        sa.PrimaryKeyConstraint("order_id", "seller_id", name=op.f("pk_refund_requests")),
    )
    op.create_index(op.f("ix_refund_requests_seller_id"), "refund_requests", ["seller_id"])
    op.create_table(
        "declared_coins",
        sa.Column("machine_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name=op.f("fk_declared_coins_machine_id")),
        sa.PrimaryKeyConstraint("machine_id", name=op.f("pk_declared_coins")),
    )


def _rewrite_sqlite() -> None:
    """As ALTER TABLE does, but with the column before the constraints, where a new database has it.

    A row that is shorter than its table has no value in the last column, see 0004.
    """
    connection = op.get_bind()
    for before, added in (
        ("closed_us BIGINT, ", "\n\tpayout_delay_days INTEGER, "),
        ("CONSTRAINT pk_users PRIMARY KEY (id), ", f"\n\tCONSTRAINT {CHECK} CHECK ({RULE}), "),
    ):
        op.execute("PRAGMA writable_schema = ON")
        changed = connection.execute(
            sa.text(
                "UPDATE sqlite_schema SET sql = replace(sql, :before, :before || :added)"
                " WHERE type = 'table' AND name = 'users' AND instr(sql, :before)"
            ),
            {"before": before, "added": added},
        )
        op.execute("PRAGMA writable_schema = OFF")
        if changed.rowcount != 1:
            raise RuntimeError("the table users is not as 0018 left it")
    # Every connection that knows the table as it was reads it anew, this one among them.
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
