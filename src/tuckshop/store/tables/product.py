"""Products, their pictures, and what searches find them by."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from tuckshop.domain.money import PRICE_CENTS_MAX
from tuckshop.domain.products import (
    BARCODE_LENGTH_MAX,
    BARCODE_LENGTH_MIN,
    CATEGORY_LENGTH_MAX,
    TAX_BASIS_POINTS_MAX,
)
from tuckshop.store.tables.base import Id, metadata, one_of, owner, partial, time

images = Table(
    "images",
    metadata,
    Column("id", Id, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    time("created_us"),
    one_of("media_type", "image/png", "image/jpeg", "image/webp"),
)

products = Table(
    "products",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("price_cents", BigInteger, nullable=False),
    owner("seller_id", "users"),
    Column("refundable", Boolean, nullable=False),
    Column("tax_basis_points", Integer, nullable=False),
    Column("cost_cents", BigInteger, nullable=False),
    owner("image_id", "images"),
    Column("version", Integer, nullable=False),
    time("created_us"),
    time("removed_us", nullable=True),
    Column("category", Text),
    Column("category_key", Text),
    Column("barcode", Text),
    CheckConstraint(f"price_cents BETWEEN 1 AND {PRICE_CENTS_MAX}", name="price_range"),
    CheckConstraint(f"cost_cents BETWEEN 0 AND {PRICE_CENTS_MAX}", name="cost_range"),
    CheckConstraint(f"tax_basis_points BETWEEN 0 AND {TAX_BASIS_POINTS_MAX}", name="tax_range"),
    CheckConstraint("version >= 1", name="version_positive"),
    CheckConstraint(f"length(category) BETWEEN 1 AND {CATEGORY_LENGTH_MAX}", name="category_length"),
    CheckConstraint("(category IS NULL) = (category_key IS NULL)", name="category_with_key"),
    CheckConstraint(
        f"length(barcode) BETWEEN {BARCODE_LENGTH_MIN} AND {BARCODE_LENGTH_MAX}", name="barcode_length"
    ),
    Index("uq_products_name_key", "name_key", unique=True, **partial("removed_us IS NULL")),
    # By barcode first, which is looked for by itself too.
    Index(
        "uq_products_barcode_seller_id", "barcode", "seller_id", unique=True, **partial("removed_us IS NULL")
    ),
    # The house has no id, and to an index two rows without one differ.
    Index(
        "uq_products_barcode_house",
        "barcode",
        unique=True,
        **partial("removed_us IS NULL AND seller_id IS NULL"),
    ),
    Index(
        "ix_products_category_key",
        "category_key",
        "id",
        **partial("removed_us IS NULL"),
    ),
    Index(None, "seller_id"),
    # The two orders of lists that are long to walk through, with all that a walk looks at: what it passes is
    # not fetched. Products change seldom, and no sale changes one.
    *(
        Index(f"ix_products_on_sale_{columns[0]}", *columns, **partial("removed_us IS NULL"))
        for columns in (("price_cents", "id", "name_key"), ("name_key", "price_cents", "id"))
    ),
)

# What names of products look like, by `store.skeletons`.
product_skeletons = Table(
    "product_skeletons",
    metadata,
    Column("product_id", BigInteger, ForeignKey("products.id"), primary_key=True, autoincrement=False),
    Column("skeleton", Text, nullable=False),
    Index(None, "skeleton"),
)

# Products that look like another seller's: nobody sees or buys them until an admin has approved them.
waiting_products = Table(
    "waiting_products",
    metadata,
    Column("product_id", BigInteger, ForeignKey("products.id"), primary_key=True, autoincrement=False),
    time("created_us"),
)

product_suffixes = Table(
    "product_suffixes",
    metadata,
    # The name key of a product on sale from each of its characters on: a part of a name is the beginning of
    # one of these, and beginnings are what every index finds. Compared by code points on both databases.
    Column("suffix", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),
    owner("product_id", "products", nullable=False),
    PrimaryKeyConstraint("suffix", "product_id"),
    sqlite_with_rowid=False,
)
