"""Machines: shelves and coin boxes, and each movement of pieces and coins."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from tuckshop.domain.machines import BoxKind, CoinInput, FulfilMode
from tuckshop.domain.money import PRICE_CENTS_MAX
from tuckshop.domain.products import StockKind
from tuckshop.store.tables.base import Id, metadata, one_of, owner, partial, time

machines = Table(
    "machines",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    Column("timezone", Text, nullable=False),
    Column("box_kind", Text, nullable=False),
    Column("key_hash", LargeBinary, unique=True),
    time("created_us"),
    Column("coin_input", Text, server_default=text("'none'"), nullable=False),
    Column("fulfil", Text, server_default=text("'now'"), nullable=False),
    Column("deposit_cents_max", BigInteger, server_default=text("5000"), nullable=False),
    Column("hourly_deposit_cents_max", BigInteger, server_default=text("20000"), nullable=False),
    one_of("box_kind", *BoxKind),
    one_of("coin_input", *CoinInput),
    one_of("fulfil", *FulfilMode),
    CheckConstraint("deposit_cents_max >= 1", name="deposit_cents_max_positive"),
    CheckConstraint("hourly_deposit_cents_max >= 1", name="hourly_deposit_cents_max_positive"),
    UniqueConstraint("id", "box_kind"),
)

screens = Table(
    "screens",
    metadata,
    Column("id", Id, primary_key=True),
    owner("machine_id", "machines", nullable=False),
    Column("name", Text, nullable=False),
    # Of the code that pairs a browser, or of the credential that the browser has since: never both.
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    time("created_us"),
    time("paired_us", nullable=True),
    time("ended_us", nullable=True),
    CheckConstraint("length(secret_hash) = 32", name="secret_hash_sha256"),
    Index(None, "machine_id"),
)

declared_coins = Table(
    "declared_coins",
    metadata,
    # What buyers have put in by their own word, since somebody of the office has counted or collected it.
    Column("machine_id", BigInteger, ForeignKey("machines.id"), primary_key=True, autoincrement=False),
    Column("cents", BigInteger, nullable=False),
)

shelves = Table(
    "shelves",
    metadata,
    owner("machine_id", "machines", nullable=False),
    owner("product_id", "products", nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("slot", Text),
    Column("capacity", Integer),
    Column("par_level", Integer),
    Column("price_cents", BigInteger),
    PrimaryKeyConstraint("machine_id", "product_id"),
    UniqueConstraint("machine_id", "slot"),
    CheckConstraint("quantity >= 0", name="quantity_not_negative"),
    CheckConstraint("capacity >= 1", name="capacity_positive"),
    CheckConstraint("par_level >= 0", name="par_level_not_negative"),
    CheckConstraint(f"price_cents BETWEEN 1 AND {PRICE_CENTS_MAX}", name="price_range"),
    Index(None, "product_id"),
    Index(
        "ix_shelves_own_price_cents",
        "machine_id",
        "price_cents",
        "product_id",
        **partial("price_cents IS NOT NULL"),
    ),
    # Searches ask for every product that they pass whether it has one.
    Index(
        "ix_shelves_own_price_product",
        "machine_id",
        "product_id",
        "price_cents",
        **partial("price_cents IS NOT NULL"),
    ),
)

stock_movements = Table(
    "stock_movements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("machine_id", BigInteger, nullable=False),
    Column("product_id", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    owner("order_id", "orders"),
    owner("refund_id", "refunds"),
    owner("actor_id", "users"),
    Column("reason", Text),
    time("created_us"),
    ForeignKeyConstraint(("machine_id", "product_id"), ("shelves.machine_id", "shelves.product_id")),
    one_of("kind", *StockKind),
    CheckConstraint("quantity <> 0", name="quantity_not_zero"),
    CheckConstraint("kind <> 'sale' OR (quantity < 0 AND order_id IS NOT NULL)", name="sale_takes_out"),
    CheckConstraint("kind <> 'refund' OR (quantity > 0 AND refund_id IS NOT NULL)", name="refund_puts_back"),
)

coin_boxes = Table(
    "coin_boxes",
    metadata,
    Column("machine_id", BigInteger, nullable=False),
    Column("value_cents", BigInteger, ForeignKey("denominations.value_cents"), nullable=False),
    Column("box_kind", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("machine_id", "value_cents"),
    ForeignKeyConstraint(
        ("machine_id", "box_kind"), ("machines.id", "machines.box_kind"), onupdate="CASCADE"
    ),
    CheckConstraint("box_kind = 'unlimited' OR count >= 0", name="counted_not_negative"),
)

coin_movements = Table(
    "coin_movements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("machine_id", BigInteger, nullable=False),
    Column("value_cents", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),  # above 0 into the box, below 0 out of it
    owner("transfer_id", "transfers", nullable=False),
    owner("actor_id", "users"),
    Column("reason", Text),
    time("created_us"),
    ForeignKeyConstraint(("machine_id", "value_cents"), ("coin_boxes.machine_id", "coin_boxes.value_cents")),
    UniqueConstraint("transfer_id", "value_cents"),
    CheckConstraint("count <> 0", name="count_not_zero"),
)
