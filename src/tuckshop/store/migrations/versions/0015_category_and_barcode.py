"""What kind of product it is, and the code that is printed on it.

Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

COLUMNS = ("category", "category_key", "barcode")
CHECKS = {
    "ck_products_category_length": "length(category) BETWEEN 1 AND 40",
    "ck_products_category_with_key": "(category IS NULL) = (category_key IS NULL)",
    "ck_products_barcode_length": "length(barcode) BETWEEN 4 AND 48",
}


def upgrade() -> None:
    """Adds the columns, empty, with their rules and indexes."""
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_sqlite()
    else:
        for name in COLUMNS:
            op.add_column("products", sa.Column(name, sa.Text()))
        for name, rule in CHECKS.items():
            op.create_check_constraint(op.f(name), "products", rule)
    for name, columns, condition in (
        ("uq_products_barcode_seller_id", ["barcode", "seller_id"], "removed_us IS NULL"),
        ("uq_products_barcode_house", ["barcode"], "removed_us IS NULL AND seller_id IS NULL"),
        ("ix_products_category_key", ["category_key", "id"], "removed_us IS NULL"),
    ):
        where, is_unique = sa.text(condition), name.startswith("uq_")
        op.create_index(
            name, "products", columns, unique=is_unique, postgresql_where=where, sqlite_where=where
        )


def _rewrite_sqlite() -> None:
    """As ALTER TABLE does, but with the columns before the constraints, where a new database has them.

    A row that is shorter than its table has no value in the last columns, see 0004.
    """
    connection = op.get_bind()
    columns = "".join(f"\n\t{name} TEXT, " for name in COLUMNS)
    checks = "".join(f"\n\tCONSTRAINT {name} CHECK ({rule}), " for name, rule in CHECKS.items())
    for before, added in (
        ("removed_us BIGINT, ", columns),
        ("CONSTRAINT pk_products PRIMARY KEY (id), ", checks),
    ):
        op.execute("PRAGMA writable_schema = ON")
        changed = connection.execute(
            sa.text(
                "UPDATE sqlite_schema SET sql = replace(sql, :before, :before || :added)"
                " WHERE type = 'table' AND name = 'products' AND instr(sql, :before)"
            ),
            {"before": before, "added": added},
        )
        op.execute("PRAGMA writable_schema = OFF")
        if changed.rowcount != 1:
            raise RuntimeError("the table products is not as the migrations before have made it")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
