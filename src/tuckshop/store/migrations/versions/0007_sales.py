"""Business days of orders and refunds, and each day's sales.

Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ID = sa.BigInteger()


def upgrade() -> None:
    """Adds a day to each order and refund, and adds up what was sold. So far days were those of UTC."""
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_sqlite()
    else:
        for table in ("orders", "refunds"):
            op.add_column(table, sa.Column("day", sa.Integer()))
    op.execute("UPDATE orders SET day = created_us / 86400000000")
    op.execute("UPDATE refunds SET day = created_us / 86400000000")
    if op.get_bind().dialect.name != "sqlite":
        for table in ("orders", "refunds"):
            op.alter_column(table, "day", nullable=False)
    op.create_table(
        "sales",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("machine_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("sold_quantity", "sold_cents", "refunded_quantity", "refunded_cents")
        ),
        sa.PrimaryKeyConstraint("day", "machine_id", "product_id", name=op.f("pk_sales")),
        sa.CheckConstraint(
            "sold_quantity >= 0 AND sold_cents >= sold_quantity", name=op.f("ck_sales_sold_range")
        ),
        sa.CheckConstraint(
            "refunded_quantity >= 0 AND refunded_cents >= refunded_quantity",
            name=op.f("ck_sales_refunded_range"),
        ),
        *(
            sa.ForeignKeyConstraint([f"{one}_id"], [f"{one}s.id"], name=op.f(f"fk_sales_{one}_id"))
            for one in ("machine", "product")
        ),
        sqlite_with_rowid=False,
    )
    op.execute(
        """
        INSERT INTO sales (day, machine_id, product_id,
                           sold_quantity, sold_cents, refunded_quantity, refunded_cents)
        SELECT day, machine_id, product_id, sum(sold), sum(sold_cents), sum(back), sum(back_cents) FROM (
            SELECT o.day, o.machine_id, l.product_id, l.quantity AS sold,
                   l.quantity * l.price_cents AS sold_cents, 0 AS back, 0 AS back_cents
            FROM order_lines l JOIN orders o ON o.id = l.order_id
            UNION ALL
            SELECT r.day, o.machine_id, b.product_id, 0, 0, b.quantity, b.quantity * l.price_cents
            FROM refund_lines b JOIN refunds r ON r.id = b.refund_id JOIN orders o ON o.id = b.order_id
            JOIN order_lines l ON l.order_id = b.order_id AND l.product_id = b.product_id
        ) AS moved
        GROUP BY day, machine_id, product_id
        """
    )
    op.create_index(op.f("ix_sales_product_id"), "sales", ["product_id"])


def _rewrite_sqlite() -> None:
    """SQLite puts no column that must be filled into a table that is there: its text is changed, see 0004."""
    connection = op.get_bind()
    for table, last in (("orders", "fulfilled_us BIGINT, "), ("refunds", "kind TEXT NOT NULL, ")):
        op.execute("PRAGMA writable_schema = ON")
        changed = connection.execute(
            sa.text(
                "UPDATE sqlite_schema SET sql = replace(sql, :last, :last || :more)"
                " WHERE type = 'table' AND name = :name AND instr(sql, :last)"
            ),
            {"last": last, "more": "\n\tday INTEGER NOT NULL, ", "name": table},
        )
        op.execute("PRAGMA writable_schema = OFF")
        if changed.rowcount != 1:
            raise RuntimeError(f"the table {table} is not as the migrations before have made it")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
