"""Finding products by part of their name, and in the order of their prices.

Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

PRODUCTS_AT_ONCE = 1_000
SUFFIX_LENGTH_MAX = 16


def upgrade() -> None:
    """Creates the indexes, and fills that of the names."""
    for name, table, columns, where in (
        ("ix_products_on_sale_price_cents", "products", ["price_cents", "id"], "removed_us IS NULL"),
        (
            "ix_shelves_own_price_cents",
            "shelves",
            ["machine_id", "price_cents", "product_id"],
            "price_cents IS NOT NULL",
        ),
    ):
        op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
    op.create_table(
        "product_suffixes",
        sa.Column("suffix", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("suffix", "product_id", name=op.f("pk_product_suffixes")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_product_suffixes_product_id")),
        sqlite_with_rowid=False,
    )
    _fill_suffixes()


def _fill_suffixes() -> None:
    connection = op.get_bind()
    products = sa.text(
        "SELECT id, name_key FROM products WHERE removed_us IS NULL AND id > :after ORDER BY id LIMIT :limit"
    )
    insert = sa.text("INSERT INTO product_suffixes (suffix, product_id) VALUES (:suffix, :product_id)")
    after = 0
    while found := connection.execute(products, {"after": after, "limit": PRODUCTS_AT_ONCE}).all():
        after = found[-1].id
        rows = [
            {"suffix": suffix, "product_id": product_id}
            for product_id, key in found
            for suffix in sorted({key[start : start + SUFFIX_LENGTH_MAX] for start in range(len(key))})
        ]
        connection.execute(insert, rows)
