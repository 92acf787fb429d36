"""The books: denominations, accounts, and the transfers between them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Table, Text, text

from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.money import BALANCE_CENTS_MAX, DenominationKind
from tuckshop.store.tables.base import Id, metadata, one_of, owner, partial, time

denominations = Table(
    "denominations",
    metadata,
    Column("value_cents", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("paid_out", Boolean, nullable=False),
    CheckConstraint("value_cents > 0", name="value_positive"),
    one_of("kind", *DenominationKind),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    owner("user_id", "users"),
    owner("guest_id", "guests"),
    owner("machine_id", "machines"),
    # Credit-positive, see domain/ledger.py: all of them sum to 0.
    Column("balance_cents", BigInteger, nullable=False),
    one_of("kind", *AccountKind),
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
        Index(f"uq_accounts_{name}", *columns, unique=True, **partial(where))
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
        **partial("kind = 'tab'"),
    ),
)

transfers = Table(
    "transfers",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    owner("source_id", "accounts", nullable=False),
    owner("target_id", "accounts", nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    owner("order_id", "orders"),
    owner("refund_id", "refunds"),
    owner("actor_id", "users"),
    owner("machine_id", "machines"),
    Column("reason", Text),
    Column("external_ref", Text),
    time("created_us"),
    owner("reverses_id", "transfers"),
    # By an admin whom nobody else could serve. A process of the release before writes none.
    Column("for_self", Boolean, server_default=text("false"), nullable=False),
    Column("external_ref_key", Text),  # see domain.transfers.ref_key
    one_of("kind", *TransferKind),
    CheckConstraint("amount_cents >= 1", name="amount_positive"),
    CheckConstraint("source_id <> target_id", name="two_accounts"),
    CheckConstraint("kind <> 'sale' OR order_id IS NOT NULL", name="sale_has_order"),
    CheckConstraint("kind <> 'refund' OR refund_id IS NOT NULL", name="refund_has_refund"),
    CheckConstraint(
        "kind NOT IN ('topup', 'earnings_payout') OR external_ref IS NOT NULL", name="bank_has_reference"
    ),
    CheckConstraint("(external_ref IS NULL) = (external_ref_key IS NULL)", name="reference_with_key"),
    Index(
        "uq_transfers_kind_external_ref_key",
        "kind",
        "external_ref_key",
        unique=True,
        **partial("external_ref_key IS NOT NULL"),
    ),
    CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name="reversal_of_one"),
    Index("uq_transfers_reverses_id", "reverses_id", unique=True, **partial("reverses_id IS NOT NULL")),
    Index("ix_transfers_for_self", "refund_id", **partial("for_self")),
    Index(None, "source_id", "id"),
    Index(None, "target_id", "id"),
)
