"""The first sale: everything that the shop's books need.

Revises: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# SQLite numbers rows by itself only in a column of type INTEGER.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Creates every table, and the sequences from which the till takes ids on PostgreSQL."""
    _create_shop()
    _create_people()
    _create_places_and_products()
    _create_orders()
    _create_money()
    _create_movements()
    _create_idempotency()
    if op.get_bind().dialect.supports_sequences:
        for name in ("orders_id_seq", "transfers_id_seq", "refunds_id_seq", "products_id_seq"):
            op.execute(sa.schema.CreateSequence(sa.Sequence(name)))


def _create_unique_where(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, unique=True, postgresql_where=sa.text(where), sqlite_where=sa.text(where)
    )


def _create_shop() -> None:
    op.create_table(
        "shop",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("exponent", sa.SmallInteger(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop")),
        sa.CheckConstraint("exponent BETWEEN 0 AND 4", name=op.f("ck_shop_exponent_range")),
        sa.CheckConstraint("id = 1", name=op.f("ck_shop_one_row")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "denominations",
        sa.Column("value_cents", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("paid_out", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("value_cents", name=op.f("pk_denominations")),
        sa.CheckConstraint("kind IN ('coin', 'note')", name=op.f("ck_denominations_kind_known")),
        sa.CheckConstraint("value_cents > 0", name=op.f("ck_denominations_value_positive")),
    )


def _create_people() -> None:
    op.create_table(
        "users",
        sa.Column("id", ID, nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_key", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_buyer", sa.Boolean(), nullable=False),
        sa.Column("is_seller", sa.Boolean(), nullable=False),
        sa.Column("is_cashier", sa.Boolean(), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("tab_limit_cents", sa.BigInteger(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_us IS NOT NULL)", name=op.f("ck_users_closed_with_time")
        ),
        sa.CheckConstraint("(email IS NULL) = (email_key IS NULL)", name=op.f("ck_users_email_with_key")),
        sa.CheckConstraint(
            "is_buyer OR is_seller OR is_cashier OR is_admin", name=op.f("ck_users_some_role")
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'active', 'disabled', 'closed')", name=op.f("ck_users_state_known")
        ),
        sa.CheckConstraint("tab_limit_cents >= 0", name=op.f("ck_users_tab_limit_not_negative")),
    )
    _create_unique_where("uq_users_email_key", "users", ["email_key"], "state <> 'closed'")
    _create_unique_where("uq_users_username_key", "users", ["username_key"], "state <> 'closed'")
    op.create_table(
        "guests",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guests")),
        sa.UniqueConstraint("name_key", name=op.f("uq_guests_name_key")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.CheckConstraint("expires_us > created_us", name=op.f("ck_sessions_expires_later")),
        sa.CheckConstraint("generation >= 1", name=op.f("ck_sessions_generation_positive")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"])
    op.create_table(
        "admin_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_log")),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_admin_log_actor_id")),
    )


def _create_places_and_products() -> None:
    op.create_table(
        "machines",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("box_kind", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machines")),
        sa.UniqueConstraint("id", "box_kind", name=op.f("uq_machines_id_box_kind")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_machines_key_hash")),
        sa.UniqueConstraint("name_key", name=op.f("uq_machines_name_key")),
        sa.CheckConstraint("box_kind IN ('unlimited', 'counted')", name=op.f("ck_machines_box_kind_known")),
    )
    op.create_table(
        "images",
        sa.Column("id", ID, nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.CheckConstraint(
            "media_type IN ('image/png', 'image/jpeg', 'image/webp')", name=op.f("ck_images_media_type_known")
        ),
    )
    op.create_table(
        "products",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("price_cents", sa.BigInteger(), nullable=False),
        sa.Column("seller_id", sa.BigInteger(), nullable=True),
        sa.Column("refundable", sa.Boolean(), nullable=False),
        sa.Column("tax_basis_points", sa.Integer(), nullable=False),
        sa.Column("cost_cents", sa.BigInteger(), nullable=False),
        sa.Column("image_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("removed_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_products_image_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_products_seller_id")),
        sa.CheckConstraint("cost_cents BETWEEN 0 AND 1000000000", name=op.f("ck_products_cost_range")),
        sa.CheckConstraint("price_cents BETWEEN 1 AND 1000000000", name=op.f("ck_products_price_range")),
        sa.CheckConstraint("tax_basis_points BETWEEN 0 AND 10000", name=op.f("ck_products_tax_range")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_products_version_positive")),
    )
    op.create_index(op.f("ix_products_seller_id"), "products", ["seller_id"])
    _create_unique_where("uq_products_name_key", "products", ["name_key"], "removed_us IS NULL")
    op.create_table(
        "shelves",
        sa.Column("machine_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("par_level", sa.Integer(), nullable=True),
        sa.Column("price_cents", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("machine_id", "product_id", name=op.f("pk_shelves")),
        sa.UniqueConstraint("machine_id", "slot", name=op.f("uq_shelves_machine_id_slot")),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name=op.f("fk_shelves_machine_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_shelves_product_id")),
        sa.CheckConstraint("capacity >= 1", name=op.f("ck_shelves_capacity_positive")),
        sa.CheckConstraint("par_level >= 0", name=op.f("ck_shelves_par_level_not_negative")),
        sa.CheckConstraint("price_cents BETWEEN 1 AND 1000000000", name=op.f("ck_shelves_price_range")),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_shelves_quantity_not_negative")),
    )
    op.create_index(op.f("ix_shelves_product_id"), "shelves", ["product_id"])
    op.create_table(
        "coin_boxes",
        sa.Column("machine_id", sa.BigInteger(), nullable=False),
        sa.Column("value_cents", sa.BigInteger(), nullable=False),
        sa.Column("box_kind", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("machine_id", "value_cents", name=op.f("pk_coin_boxes")),
        sa.ForeignKeyConstraint(
            ["machine_id", "box_kind"],
            ["machines.id", "machines.box_kind"],
            name=op.f("fk_coin_boxes_machine_id_box_kind"),
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["value_cents"], ["denominations.value_cents"], name=op.f("fk_coin_boxes_value_cents")
        ),
        sa.CheckConstraint(
            "box_kind = 'unlimited' OR count >= 0", name=op.f("ck_coin_boxes_counted_not_negative")
        ),
    )


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=True),
        sa.Column("guest_id", sa.BigInteger(), nullable=True),
        sa.Column("machine_id", sa.BigInteger(), nullable=False),
        sa.Column("payment", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("client_ref", sa.Text(), nullable=True),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.ForeignKeyConstraint(["buyer_id"], ["users.id"], name=op.f("fk_orders_buyer_id")),
        sa.ForeignKeyConstraint(["guest_id"], ["guests.id"], name=op.f("fk_orders_guest_id")),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name=op.f("fk_orders_machine_id")),
        sa.CheckConstraint("(buyer_id IS NULL) <> (guest_id IS NULL)", name=op.f("ck_orders_one_buyer")),
        sa.CheckConstraint("payment IN ('wallet', 'tab')", name=op.f("ck_orders_payment_known")),
        sa.CheckConstraint(
            "status IN ('placed', 'dispensed', 'failed', 'cancelled', 'partly_refunded', 'refunded')",
            name=op.f("ck_orders_status_known"),
        ),
        sa.CheckConstraint("payment <> 'tab' OR buyer_id IS NOT NULL", name=op.f("ck_orders_tab_has_user")),
        sa.CheckConstraint("total_cents >= 1", name=op.f("ck_orders_total_positive")),
    )
    op.create_index(op.f("ix_orders_buyer_id_id"), "orders", ["buyer_id", "id"])
    _create_unique_where(
        "uq_orders_buyer_id_client_ref", "orders", ["buyer_id", "client_ref"], "client_ref IS NOT NULL"
    )
    _create_unique_where(
        "uq_orders_guest_id_client_ref", "orders", ["guest_id", "client_ref"], "client_ref IS NOT NULL"
    )
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("price_cents", sa.BigInteger(), nullable=False),
        sa.Column("seller_id", sa.BigInteger(), nullable=True),
        sa.Column("refundable", sa.Boolean(), nullable=False),
        sa.Column("tax_basis_points", sa.Integer(), nullable=False),
        sa.Column("cost_cents", sa.BigInteger(), nullable=False),
        sa.Column("refunded_quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "product_id", name=op.f("pk_order_lines")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_order_lines_product_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_order_lines_seller_id")),
        sa.CheckConstraint("cost_cents >= 0", name=op.f("ck_order_lines_cost_not_negative")),
        sa.CheckConstraint("price_cents BETWEEN 1 AND 1000000000", name=op.f("ck_order_lines_price_range")),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_order_lines_quantity_positive")),
        sa.CheckConstraint(
            "refunded_quantity BETWEEN 0 AND quantity", name=op.f("ck_order_lines_refunded_within_sold")
        ),
        sa.CheckConstraint("tax_basis_points BETWEEN 0 AND 10000", name=op.f("ck_order_lines_tax_range")),
    )
    op.create_index(op.f("ix_order_lines_seller_id_product_id"), "order_lines", ["seller_id", "product_id"])
    op.create_table(
        "refunds",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("id", "order_id", name=op.f("uq_refunds_id_order_id")),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_refunds_actor_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id")),
        sa.CheckConstraint("amount_cents >= 1", name=op.f("ck_refunds_amount_positive")),
    )
    op.create_index(op.f("ix_refunds_order_id"), "refunds", ["order_id"])
    op.create_table(
        "refund_lines",
        sa.Column("refund_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("refund_id", "product_id", name=op.f("pk_refund_lines")),
        sa.ForeignKeyConstraint(
            ["order_id", "product_id"],
            ["order_lines.order_id", "order_lines.product_id"],
            name=op.f("fk_refund_lines_order_id_product_id"),
        ),
        sa.ForeignKeyConstraint(
            ["refund_id", "order_id"],
            ["refunds.id", "refunds.order_id"],
            name=op.f("fk_refund_lines_refund_id_order_id"),
        ),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_refund_lines_quantity_positive")),
    )
    op.create_index(op.f("ix_refund_lines_order_id_product_id"), "refund_lines", ["order_id", "product_id"])


def _create_money() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("guest_id", sa.BigInteger(), nullable=True),
        sa.Column("machine_id", sa.BigInteger(), nullable=True),
        sa.Column("balance_cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.ForeignKeyConstraint(["guest_id"], ["guests.id"], name=op.f("fk_accounts_guest_id")),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name=op.f("fk_accounts_machine_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_accounts_user_id")),
        sa.CheckConstraint(
            "kind IN ('wallet', 'tab', 'earnings', 'coin_box', 'house', 'bank', "
            "'over_short', 'unclaimed', 'write_off')",
            name=op.f("ck_accounts_kind_known"),
        ),
        sa.CheckConstraint(
            "CASE kind WHEN 'wallet' THEN machine_id IS NULL AND (user_id IS NULL) <> "
            "(guest_id IS NULL) WHEN 'tab' THEN user_id IS NOT NULL AND guest_id IS NULL "
            "AND machine_id IS NULL WHEN 'earnings' THEN user_id IS NOT NULL AND guest_id "
            "IS NULL AND machine_id IS NULL WHEN 'coin_box' THEN machine_id IS NOT NULL AND "
            "user_id IS NULL AND guest_id IS NULL ELSE user_id IS NULL AND guest_id IS NULL "
            "AND machine_id IS NULL END",
            name=op.f("ck_accounts_owner_fits_kind"),
        ),
        sa.CheckConstraint("kind <> 'tab' OR balance_cents <= 0", name=op.f("ck_accounts_tab_owes")),
        sa.CheckConstraint(
            "kind <> 'wallet' OR balance_cents BETWEEN 0 AND 1000000000000000",
            name=op.f("ck_accounts_wallet_range"),
        ),
    )
    _create_unique_where("uq_accounts_guest_id", "accounts", ["guest_id"], "guest_id IS NOT NULL")
    _create_unique_where(
        "uq_accounts_kind",
        "accounts",
        ["kind"],
        "user_id IS NULL AND guest_id IS NULL AND machine_id IS NULL",
    )
    _create_unique_where("uq_accounts_machine_id", "accounts", ["machine_id"], "machine_id IS NOT NULL")
    _create_unique_where("uq_accounts_user_id_kind", "accounts", ["user_id", "kind"], "user_id IS NOT NULL")
    op.create_table(
        "transfers",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("machine_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("external_ref", sa.Text(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_transfers_actor_id")),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name=op.f("fk_transfers_machine_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_transfers_order_id")),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name=op.f("fk_transfers_refund_id")),
        sa.ForeignKeyConstraint(["source_id"], ["accounts.id"], name=op.f("fk_transfers_source_id")),
        sa.ForeignKeyConstraint(["target_id"], ["accounts.id"], name=op.f("fk_transfers_target_id")),
        sa.CheckConstraint("amount_cents >= 1", name=op.f("ck_transfers_amount_positive")),
        sa.CheckConstraint(
            "kind IN ('deposit', 'sale', 'payout', 'refund')", name=op.f("ck_transfers_kind_known")
        ),
        sa.CheckConstraint(
            "kind <> 'refund' OR refund_id IS NOT NULL", name=op.f("ck_transfers_refund_has_refund")
        ),
        sa.CheckConstraint(
            "kind <> 'sale' OR order_id IS NOT NULL", name=op.f("ck_transfers_sale_has_order")
        ),
        sa.CheckConstraint("source_id <> target_id", name=op.f("ck_transfers_two_accounts")),
    )
    op.create_index(op.f("ix_transfers_source_id_id"), "transfers", ["source_id", "id"])
    op.create_index(op.f("ix_transfers_target_id_id"), "transfers", ["target_id", "id"])
    _create_unique_where(
        "uq_transfers_kind_external_ref", "transfers", ["kind", "external_ref"], "external_ref IS NOT NULL"
    )


def _create_movements() -> None:
    op.create_table(
        "stock_movements",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("machine_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movements")),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_stock_movements_actor_id")),
        sa.ForeignKeyConstraint(
            ["machine_id", "product_id"],
            ["shelves.machine_id", "shelves.product_id"],
            name=op.f("fk_stock_movements_machine_id_product_id"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_stock_movements_order_id")),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name=op.f("fk_stock_movements_refund_id")),
        sa.CheckConstraint(
            "kind IN ('initial', 'restock', 'sale', 'refund', 'correction', 'write_off')",
            name=op.f("ck_stock_movements_kind_known"),
        ),
        sa.CheckConstraint("quantity <> 0", name=op.f("ck_stock_movements_quantity_not_zero")),
        sa.CheckConstraint(
            "kind <> 'refund' OR (quantity > 0 AND refund_id IS NOT NULL)",
            name=op.f("ck_stock_movements_refund_puts_back"),
        ),
        sa.CheckConstraint(
            "kind <> 'sale' OR (quantity < 0 AND order_id IS NOT NULL)",
            name=op.f("ck_stock_movements_sale_takes_out"),
        ),
    )
    op.create_table(
        "coin_movements",
        sa.Column("id", ID, nullable=False),
        sa.Column("machine_id", sa.BigInteger(), nullable=False),
        sa.Column("value_cents", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coin_movements")),
        sa.UniqueConstraint(
            "transfer_id", "value_cents", name=op.f("uq_coin_movements_transfer_id_value_cents")
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_coin_movements_actor_id")),
        sa.ForeignKeyConstraint(
            ["machine_id", "value_cents"],
            ["coin_boxes.machine_id", "coin_boxes.value_cents"],
            name=op.f("fk_coin_movements_machine_id_value_cents"),
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name=op.f("fk_coin_movements_transfer_id")
        ),
        sa.CheckConstraint("count <> 0", name=op.f("ck_coin_movements_count_not_zero")),
    )


def _create_idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("transfer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_idempotency_order_id")),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name=op.f("fk_idempotency_refund_id")),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"], name=op.f("fk_idempotency_transfer_id")),
    )
    op.create_index(op.f("ix_idempotency_created_us"), "idempotency", ["created_us"])
