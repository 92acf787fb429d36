"""Orders and refunds with their lines, and the sums of each day."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from tuckshop.domain.money import PRICE_CENTS_MAX
from tuckshop.domain.orders import OrderStatus, Payment
from tuckshop.domain.products import TAX_BASIS_POINTS_MAX
from tuckshop.domain.refunds import RefundKind
from tuckshop.store.tables.base import Id, day, metadata, one_of, owner, partial, time

orders = Table(
    "orders",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    owner("buyer_id", "users"),
    owner("guest_id", "guests"),
    owner("machine_id", "machines", nullable=False),
    Column("payment", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("client_ref", Text),
    Column("total_cents", BigInteger, nullable=False),
    time("created_us"),
    time("fulfilled_us", nullable=True),
    day(),
    CheckConstraint(
        "(fulfilled_us IS NULL) = (status IN ('placed', 'cancelled', 'failed'))", name="fulfilled_with_time"
    ),
    CheckConstraint("(buyer_id IS NULL) <> (guest_id IS NULL)", name="one_buyer"),
    CheckConstraint("payment <> 'tab' OR buyer_id IS NOT NULL", name="tab_has_user"),
    CheckConstraint("total_cents >= 1", name="total_positive"),
    one_of("payment", *Payment),
    one_of("status", *OrderStatus),
    *(
        Index(
            f"uq_orders_{column}_client_ref",
            column,
            "client_ref",
            unique=True,
            **partial("client_ref IS NOT NULL"),
        )
        for column in ("buyer_id", "guest_id")
    ),
    Index(None, "buyer_id", "id"),
    # What a guest bought last: for who gives back at a machine, without a number.
    Index("ix_orders_guest_id", "guest_id", "id", **partial("guest_id IS NOT NULL")),
    # The few that were not simply sold.
    Index("ix_orders_status", "status", "id", **partial("status <> 'dispensed'")),
    # The few that are waited for, or owed: for what sellers are not to be paid yet.
    Index("ix_orders_tab_buyer_id", "buyer_id", "id", **partial("payment = 'tab'")),
    # The few that were dispensed later than they were made: their number does not tell when.
    Index("ix_orders_late_fulfilled_us", "fulfilled_us", **partial("fulfilled_us <> created_us")),
)

order_lines = Table(
    "order_lines",
    metadata,
    owner("order_id", "orders", nullable=False),
    owner("product_id", "products", nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("price_cents", BigInteger, nullable=False),
    owner("seller_id", "users"),
    Column("refundable", Boolean, nullable=False),
    Column("tax_basis_points", Integer, nullable=False),
    Column("cost_cents", BigInteger, nullable=False),
    Column("refunded_quantity", BigInteger, nullable=False),
    PrimaryKeyConstraint("order_id", "product_id"),
    CheckConstraint("quantity >= 1", name="quantity_positive"),
    CheckConstraint("refunded_quantity BETWEEN 0 AND quantity", name="refunded_within_sold"),
    CheckConstraint(f"price_cents BETWEEN 1 AND {PRICE_CENTS_MAX}", name="price_range"),
    CheckConstraint(f"tax_basis_points BETWEEN 0 AND {TAX_BASIS_POINTS_MAX}", name="tax_range"),
    CheckConstraint("cost_cents >= 0", name="cost_not_negative"),
    # What a seller sold last: their lines in the order of the orders.
    Index(None, "seller_id", "order_id"),
)

refunds = Table(
    "refunds",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    owner("order_id", "orders", nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    owner("actor_id", "users"),
    Column("reason", Text),
    time("created_us"),
    Column("kind", Text, nullable=False),
    day(),
    CheckConstraint("amount_cents >= 1", name="amount_positive"),
    one_of("kind", *RefundKind),
    UniqueConstraint("id", "order_id"),
    Index(None, "order_id"),
    Index(None, "actor_id", "created_us"),
)

refund_lines = Table(
    "refund_lines",
    metadata,
    Column("refund_id", BigInteger, nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("product_id", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    PrimaryKeyConstraint("refund_id", "product_id"),
    ForeignKeyConstraint(("refund_id", "order_id"), ("refunds.id", "refunds.order_id")),
    ForeignKeyConstraint(("order_id", "product_id"), ("order_lines.order_id", "order_lines.product_id")),
    CheckConstraint("quantity >= 1", name="quantity_positive"),
    Index(None, "order_id", "product_id"),
)

refund_requests = Table(
    "refund_requests",
    metadata,
    # What sellers' earnings do not cover, for the office: see operations/refund_requests.py.
    owner("order_id", "orders", nullable=False),
    owner("seller_id", "users", nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("reason", Text),
    time("created_us"),
    time("dismissed_us", nullable=True),
    PrimaryKeyConstraint("order_id", "seller_id"),
    CheckConstraint("amount_cents >= 1", name="amount_positive"),
    Index(None, "seller_id"),
)

sales = Table(
    "sales",
    metadata,
    # What order lines and refund lines add up to; those that come back count on the day on which they do.
    day(),
    owner("machine_id", "machines", nullable=False),
    owner("product_id", "products", nullable=False),
    Column("sold_quantity", BigInteger, nullable=False),
    Column("sold_cents", BigInteger, nullable=False),
    Column("refunded_quantity", BigInteger, nullable=False),
    Column("refunded_cents", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "machine_id", "product_id"),
    # No piece is sold for nothing; more may come back on a day than was sold on it.
    CheckConstraint("sold_quantity >= 0 AND sold_cents >= sold_quantity", name="sold_range"),
    CheckConstraint("refunded_quantity >= 0 AND refunded_cents >= refunded_quantity", name="refunded_range"),
    Index(None, "product_id"),
    sqlite_with_rowid=False,
)
