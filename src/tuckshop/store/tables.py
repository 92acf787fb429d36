"""The tables, with every invariant that a database can hold as a constraint.

Amounts are minor units (`_cents`), times are microseconds since 1970 UTC (`_us`), the same on both
databases. Only the till writes accounts, transfers, products, shelves, coins and orders.
"""

from __future__ import annotations

from itertools import combinations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.machines import BoxKind
from tuckshop.domain.money import BALANCE_CENTS_MAX, PRICE_CENTS_MAX, DenominationKind
from tuckshop.domain.orders import OrderStatus, Payment
from tuckshop.domain.products import TAX_BASIS_POINTS_MAX, StockKind
from tuckshop.domain.refunds import RefundKind
from tuckshop.domain.users import Scope, UserState, write_scopes

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# SQLite numbers rows by itself only in a column of type INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")

TILL_IDS = ("orders", "transfers", "refunds", "products")
"""Tables whose ids the till reserves before it decides: a sequence each on PostgreSQL, a row of
`counters` each on SQLite."""


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def _time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _day() -> Column[int]:
    """The business day on which it happened, see domain/days.py; settings that change later change no day."""
    return Column("day", Integer, nullable=False)


def _owner(name: str, target: str, *, nullable: bool = True) -> Column[int]:
    return Column(name, BigInteger, ForeignKey(f"{target}.id"), nullable=nullable)


shop = Table(
    "shop",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("currency", Text, nullable=False),
    Column("exponent", SmallInteger, nullable=False),
    Column("is_demo", Boolean, nullable=False),
    _time("created_us"),
    CheckConstraint("id = 1", name="one_row"),
    CheckConstraint("exponent BETWEEN 0 AND 4", name="exponent_range"),
)

audits = Table(
    "audits",
    metadata,
    # The last one that somebody asked for; older ones are forgotten. See operations/audit.py.
    Column("at_us", BigInteger, primary_key=True, autoincrement=False),
    Column("failed_rules", Integer, nullable=False),
    CheckConstraint("failed_rules >= 0", name="failed_not_negative"),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("last_id", BigInteger, nullable=False),
)

denominations = Table(
    "denominations",
    metadata,
    Column("value_cents", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("paid_out", Boolean, nullable=False),
    CheckConstraint("value_cents > 0", name="value_positive"),
    _one_of("kind", *DenominationKind),
)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("username", Text, nullable=False),
    Column("username_key", Text, nullable=False),
    Column("email", Text),
    Column("email_key", Text),
    Column("password_hash", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("is_buyer", Boolean, nullable=False),
    Column("is_seller", Boolean, nullable=False),
    Column("is_cashier", Boolean, nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("tab_limit_cents", BigInteger),
    _time("created_us"),
    _time("closed_us", nullable=True),
    _one_of("state", *UserState),
    CheckConstraint("is_buyer OR is_seller OR is_cashier OR is_admin", name="some_role"),
    CheckConstraint("(email IS NULL) = (email_key IS NULL)", name="email_with_key"),
    CheckConstraint("(state = 'closed') = (closed_us IS NOT NULL)", name="closed_with_time"),
    CheckConstraint("tab_limit_cents >= 0", name="tab_limit_not_negative"),
    # Closing a user frees the name and the address, and keeps the row.
    *(
        Index(
            f"uq_users_{column}",
            column,
            unique=True,
            postgresql_where=text("state <> 'closed'"),
            sqlite_where=text("state <> 'closed'"),
        )
        for column in ("username_key", "email_key")
    ),
)

guests = Table(
    "guests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    _time("created_us"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    _owner("user_id", "users", nullable=False),
    Column("generation", Integer, nullable=False),  # of the refresh token that is good now
    Column("device", Text),
    _time("created_us"),
    _time("expires_us"),
    _time("ended_us", nullable=True),
    Column("scopes", Text),  # of an API token; a person who logged in has none, and all rights
    Column("address", Text),
    CheckConstraint("generation >= 1", name="generation_positive"),
    CheckConstraint("expires_us > created_us", name="expires_later"),
    _one_of(
        "scopes",
        *(
            write_scopes(frozenset(some))
            for count in range(1, len(Scope) + 1)
            for some in combinations(Scope, count)
        ),
    ),
    Index(None, "user_id"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("session_id", BigInteger, ForeignKey("sessions.id"), primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    CheckConstraint("length(secret_hash) = 32", name="secret_hash_sha256"),
)

login_tries = Table(
    "login_tries",
    metadata,
    Column("key", LargeBinary, primary_key=True),  # a hash of what is counted
    _time("full_us"),  # when all tries will have been forgotten
    CheckConstraint("length(key) = 32", name="key_sha256"),
    Index(None, "full_us"),
)

images = Table(
    "images",
    metadata,
    Column("id", Id, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    _time("created_us"),
    _one_of("media_type", "image/png", "image/jpeg", "image/webp"),
)

products = Table(
    "products",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("price_cents", BigInteger, nullable=False),
    _owner("seller_id", "users"),
    Column("refundable", Boolean, nullable=False),
    Column("tax_basis_points", Integer, nullable=False),
    Column("cost_cents", BigInteger, nullable=False),
    _owner("image_id", "images"),
    Column("version", Integer, nullable=False),
    _time("created_us"),
    _time("removed_us", nullable=True),
    CheckConstraint(f"price_cents BETWEEN 1 AND {PRICE_CENTS_MAX}", name="price_range"),
    CheckConstraint(f"cost_cents BETWEEN 0 AND {PRICE_CENTS_MAX}", name="cost_range"),
    CheckConstraint(f"tax_basis_points BETWEEN 0 AND {TAX_BASIS_POINTS_MAX}", name="tax_range"),
    CheckConstraint("version >= 1", name="version_positive"),
    Index(
        "uq_products_name_key",
        "name_key",
        unique=True,
        postgresql_where=text("removed_us IS NULL"),
        sqlite_where=text("removed_us IS NULL"),
    ),
    Index(None, "seller_id"),
    # The two orders of lists that are long to walk through, with all that a walk looks at: what it passes is
    # not fetched. Products change seldom, and no sale changes one.
    *(
        Index(
            f"ix_products_on_sale_{columns[0]}",
            *columns,
            postgresql_where=text("removed_us IS NULL"),
            sqlite_where=text("removed_us IS NULL"),
        )
        for columns in (("price_cents", "id", "name_key"), ("name_key", "price_cents", "id"))
    ),
)

product_suffixes = Table(
    "product_suffixes",
    metadata,
    # The name key of a product on sale from each of its characters on: a part of a name is the beginning of
    # one of these, and beginnings are what every index finds. Compared by code points on both databases.
    Column("suffix", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),
    _owner("product_id", "products", nullable=False),
    PrimaryKeyConstraint("suffix", "product_id"),
    sqlite_with_rowid=False,
)

machines = Table(
    "machines",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    Column("timezone", Text, nullable=False),
    Column("box_kind", Text, nullable=False),
    Column("key_hash", LargeBinary, unique=True),
    _time("created_us"),
    _one_of("box_kind", *BoxKind),
    UniqueConstraint("id", "box_kind"),
)

shelves = Table(
    "shelves",
    metadata,
    _owner("machine_id", "machines", nullable=False),
    _owner("product_id", "products", nullable=False),
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
        postgresql_where=text("price_cents IS NOT NULL"),
        sqlite_where=text("price_cents IS NOT NULL"),
    ),
    # Searches ask for every product that they pass whether it has one.
    Index(
        "ix_shelves_own_price_product",
        "machine_id",
        "product_id",
        "price_cents",
        postgresql_where=text("price_cents IS NOT NULL"),
        sqlite_where=text("price_cents IS NOT NULL"),
    ),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    _owner("user_id", "users"),
    _owner("guest_id", "guests"),
    _owner("machine_id", "machines"),
    # Credit-positive, see domain/ledger.py: all of them sum to 0.
    Column("balance_cents", BigInteger, nullable=False),
    _one_of("kind", *AccountKind),
    CheckConstraint(
        "CASE kind"
        " WHEN 'wallet' THEN machine_id IS NULL AND (user_id IS NULL) <> (guest_id IS NULL)"
        " WHEN 'tab' THEN user_id IS NOT NULL AND guest_id IS NULL AND machine_id IS NULL"
        " WHEN 'earnings' THEN user_id IS NOT NULL AND guest_id IS NULL AND machine_id IS NULL"
        " WHEN 'coin_box' THEN machine_id IS NOT NULL AND user_id IS NULL AND guest_id IS NULL"
        " ELSE user_id IS NULL AND guest_id IS NULL AND machine_id IS NULL END",
        name="owner_fits_kind",
    ),
    CheckConstraint(
        f"kind <> 'wallet' OR balance_cents BETWEEN 0 AND {BALANCE_CENTS_MAX}", name="wallet_range"
    ),
    CheckConstraint("kind <> 'tab' OR balance_cents <= 0", name="tab_owes"),
    *(
        Index(
            f"uq_accounts_{name}",
            *columns,
            unique=True,
            postgresql_where=text(where),
            sqlite_where=text(where),
        )
        for name, columns, where in (
            ("user_id_kind", ("user_id", "kind"), "user_id IS NOT NULL"),
            ("guest_id", ("guest_id",), "guest_id IS NOT NULL"),
            ("machine_id", ("machine_id",), "machine_id IS NOT NULL"),
            ("kind", ("kind",), "user_id IS NULL AND guest_id IS NULL AND machine_id IS NULL"),
        )
    ),
    # Few have one: whoever may owe is found without a look at all wallets.
    Index(
        "ix_accounts_tab",
        "kind",  # Or SQLite would not begin with it.
        "user_id",
        postgresql_where=text("kind = 'tab'"),
        sqlite_where=text("kind = 'tab'"),
    ),
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

orders = Table(
    "orders",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _owner("buyer_id", "users"),
    _owner("guest_id", "guests"),
    _owner("machine_id", "machines", nullable=False),
    Column("payment", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("client_ref", Text),
    Column("total_cents", BigInteger, nullable=False),
    _time("created_us"),
    _time("fulfilled_us", nullable=True),
    _day(),
    CheckConstraint(
        "(fulfilled_us IS NULL) = (status IN ('placed', 'cancelled', 'failed'))", name="fulfilled_with_time"
    ),
    CheckConstraint("(buyer_id IS NULL) <> (guest_id IS NULL)", name="one_buyer"),
    CheckConstraint("payment <> 'tab' OR buyer_id IS NOT NULL", name="tab_has_user"),
    CheckConstraint("total_cents >= 1", name="total_positive"),
    _one_of("payment", *Payment),
    _one_of("status", *OrderStatus),
    *(
        Index(
            f"uq_orders_{column}_client_ref",
            column,
            "client_ref",
            unique=True,
            postgresql_where=text("client_ref IS NOT NULL"),
            sqlite_where=text("client_ref IS NOT NULL"),
        )
        for column in ("buyer_id", "guest_id")
    ),
    Index(None, "buyer_id", "id"),
    # What a guest bought last: for who gives back at a machine, without a number.
    Index(
        "ix_orders_guest_id",
        "guest_id",
        "id",
        postgresql_where=text("guest_id IS NOT NULL"),
        sqlite_where=text("guest_id IS NOT NULL"),
    ),
    # The few that were not simply sold.
    Index(
        "ix_orders_status",
        "status",
        "id",
        postgresql_where=text("status <> 'dispensed'"),
        sqlite_where=text("status <> 'dispensed'"),
    ),
    # The few that are waited for, or owed: for what sellers are not to be paid yet.
    Index(
        "ix_orders_tab_buyer_id",
        "buyer_id",
        "id",
        postgresql_where=text("payment = 'tab'"),
        sqlite_where=text("payment = 'tab'"),
    ),
    # The few that were handed out later than they were made: their number does not tell when.
    Index(
        "ix_orders_late_fulfilled_us",
        "fulfilled_us",
        postgresql_where=text("fulfilled_us <> created_us"),
        sqlite_where=text("fulfilled_us <> created_us"),
    ),
)

order_lines = Table(
    "order_lines",
    metadata,
    _owner("order_id", "orders", nullable=False),
    _owner("product_id", "products", nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("price_cents", BigInteger, nullable=False),
    _owner("seller_id", "users"),
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
    _owner("order_id", "orders", nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    _owner("actor_id", "users"),
    Column("reason", Text),
    _time("created_us"),
    Column("kind", Text, nullable=False),
    _day(),
    CheckConstraint("amount_cents >= 1", name="amount_positive"),
    _one_of("kind", *RefundKind),
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

sales = Table(
    "sales",
    metadata,
    # What order lines and refund lines add up to; those that come back count on the day on which they do.
    _day(),
    _owner("machine_id", "machines", nullable=False),
    _owner("product_id", "products", nullable=False),
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

transfers = Table(
    "transfers",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    _owner("source_id", "accounts", nullable=False),
    _owner("target_id", "accounts", nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    _owner("order_id", "orders"),
    _owner("refund_id", "refunds"),
    _owner("actor_id", "users"),
    _owner("machine_id", "machines"),
    Column("reason", Text),
    Column("external_ref", Text),
    _time("created_us"),
    _one_of("kind", *TransferKind),
    CheckConstraint("amount_cents >= 1", name="amount_positive"),
    CheckConstraint("source_id <> target_id", name="two_accounts"),
    CheckConstraint("kind <> 'sale' OR order_id IS NOT NULL", name="sale_has_order"),
    CheckConstraint("kind <> 'refund' OR refund_id IS NOT NULL", name="refund_has_refund"),
    CheckConstraint(
        "kind NOT IN ('topup', 'earnings_payout') OR external_ref IS NOT NULL", name="bank_has_reference"
    ),
    Index(
        "uq_transfers_kind_external_ref",
        "kind",
        "external_ref",
        unique=True,
        postgresql_where=text("external_ref IS NOT NULL"),
        sqlite_where=text("external_ref IS NOT NULL"),
    ),
    Index(None, "source_id", "id"),
    Index(None, "target_id", "id"),
)

stock_movements = Table(
    "stock_movements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("machine_id", BigInteger, nullable=False),
    Column("product_id", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    _owner("order_id", "orders"),
    _owner("refund_id", "refunds"),
    _owner("actor_id", "users"),
    Column("reason", Text),
    _time("created_us"),
    ForeignKeyConstraint(("machine_id", "product_id"), ("shelves.machine_id", "shelves.product_id")),
    _one_of("kind", *StockKind),
    CheckConstraint("quantity <> 0", name="quantity_not_zero"),
    CheckConstraint("kind <> 'sale' OR (quantity < 0 AND order_id IS NOT NULL)", name="sale_takes_out"),
    CheckConstraint("kind <> 'refund' OR (quantity > 0 AND refund_id IS NOT NULL)", name="refund_puts_back"),
)

coin_movements = Table(
    "coin_movements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("machine_id", BigInteger, nullable=False),
    Column("value_cents", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),  # above 0 into the box, below 0 out of it
    _owner("transfer_id", "transfers", nullable=False),
    _owner("actor_id", "users"),
    Column("reason", Text),
    _time("created_us"),
    ForeignKeyConstraint(("machine_id", "value_cents"), ("coin_boxes.machine_id", "coin_boxes.value_cents")),
    UniqueConstraint("transfer_id", "value_cents"),
    CheckConstraint("count <> 0", name="count_not_zero"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("scope", Text, nullable=False),  # whose key: user:7, or operator
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),  # the form of the receipt or the refusal, see store/forms.py
    Column("outcome", Text, nullable=False),  # its fields as JSON
    _owner("order_id", "orders"),
    _owner("refund_id", "refunds"),
    _owner("transfer_id", "transfers"),
    _time("created_us"),
    PrimaryKeyConstraint("scope", "key"),
    Index(None, "created_us"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("key", Text, primary_key=True),  # random: nobody guesses another's
    _owner("session_id", "sessions", nullable=False),
    Column("kind", Text, nullable=False),  # what the file is about
    Column("content", LargeBinary, nullable=False),  # compressed by zlib
    _time("created_us"),
    # 8 MiB, and what zlib adds to what it cannot compress.
    CheckConstraint("length(content) <= 8650752", name="content_bounded"),
    Index(None, "session_id"),
)

admin_log = Table(
    "admin_log",
    metadata,
    Column("id", Id, primary_key=True),
    _owner("actor_id", "users"),  # nobody: the operator at the command line
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text),  # JSON
    Column("after", Text),  # JSON
    _time("created_us"),
    # Of what stands before and after, see admin_log.py. A process of the release before writes none.
    Column("version", SmallInteger, server_default=text("1"), nullable=False),
)

sequences = tuple(Sequence(f"{name}_id_seq", metadata=metadata) for name in TILL_IDS)
