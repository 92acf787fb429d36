"""Users, guests, and how they log in."""

from __future__ import annotations

from itertools import combinations

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
    false,
    text,
)

from tuckshop.domain.selling import Quota
from tuckshop.domain.users import Scope, UserState, write_scopes
from tuckshop.store.tables.base import Id, metadata, one_of, owner, partial, time

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
    time("created_us"),
    time("closed_us", nullable=True),
    Column("payout_delay_days", Integer),  # a seller's own; none: the shop's
    # An admin has said that the shop's limit is for this user, if there is no limit of their own.
    Column("tab_approved", Boolean, server_default=false(), nullable=False),
    time("second_factor_us", nullable=True),  # since when log-ins take a code as well
    # Of the address that a closed user had, by the shop's secret: see identity/closed_users.py.
    Column("email_hash", LargeBinary),
    time("erased_us", nullable=True),  # since when nothing else of a closed user is kept
    one_of("state", *UserState),
    CheckConstraint("is_buyer OR is_seller OR is_cashier OR is_admin", name="some_role"),
    CheckConstraint("(email IS NULL) = (email_key IS NULL)", name="email_with_key"),
    CheckConstraint("(state = 'closed') = (closed_us IS NOT NULL)", name="closed_with_time"),
    CheckConstraint("tab_limit_cents >= 0", name="tab_limit_not_negative"),
    CheckConstraint("payout_delay_days >= 0", name="payout_delay_not_negative"),
    Index("ix_users_staff", "id", **partial("is_cashier OR is_admin")),
    # Closing a user frees the name and the address, and keeps the row.
    *(
        Index(f"uq_users_{column}", column, unique=True, **partial("state <> 'closed'"))
        for column in ("username_key", "email_key")
    ),
    # Who has had the address before: for what an admin should know of a seller.
    Index("ix_users_email_hash", "email_hash", **partial("email_hash IS NOT NULL")),
    Index("ix_users_not_erased", "id", **partial("state = 'closed' AND erased_us IS NULL")),
)

guests = Table(
    "guests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    time("created_us"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    owner("user_id", "users", nullable=False),
    Column("generation", Integer, nullable=False),  # of the refresh token that is good now
    Column("device", Text),
    time("created_us"),
    time("expires_us"),
    time("ended_us", nullable=True),
    Column("scopes", Text),  # of an API token; a person who logged in has none, and all rights
    Column("address", Text),
    owner("machine_id", "machines"),  # at which the user logged in, and may be served by its key
    time("confirmed_us", nullable=True),  # when the password was shown again, last
    Column("audience", Text, server_default=text("'any'"), nullable=False),  # see identity.audiences
    CheckConstraint("generation >= 1", name="generation_positive"),
    CheckConstraint("expires_us > created_us", name="expires_later"),
    one_of(
        "scopes",
        *(
            write_scopes(frozenset(some))
            for count in range(1, len(Scope) + 1)
            for some in combinations(Scope, count)
        ),
    ),
    Index(None, "user_id"),
)

# What names look like, by `store.skeletons`; not unique, since names that were there before may look alike.
user_skeletons = Table(
    "user_skeletons",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("skeleton", Text, nullable=False),
    Index(None, "skeleton"),
)

# What an admin has changed of `domain.selling.Quota` for a seller; nothing: as for everybody.
seller_quotas = Table(
    "seller_quotas",
    metadata,
    Column("seller_id", BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("products", BigInteger),
    Column("pieces", BigInteger),
    Column("picture_bytes", BigInteger),
    *(CheckConstraint(f"{name} >= 0", name=f"{name}_not_negative") for name in Quota._fields),
)

# At which machines other than the first a seller sells.
invitations = Table(
    "invitations",
    metadata,
    owner("seller_id", "users", nullable=False),
    owner("machine_id", "machines", nullable=False),
    time("created_us"),
    PrimaryKeyConstraint("seller_id", "machine_id"),
    Index(None, "machine_id"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("session_id", BigInteger, ForeignKey("sessions.id"), primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    CheckConstraint("length(secret_hash) = 32", name="secret_hash_sha256"),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("secret", Text, nullable=False),  # of the app, encrypted
    Column("last_step", BigInteger, nullable=False),  # the newest whose code was used; no other before it is
)

external_identities = Table(
    "external_identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),  # what the service called them at the last log-in
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
    time("used_us", nullable=True),
    CheckConstraint("length(code_hash) = 32", name="code_hash_sha256"),
)

login_tries = Table(
    "login_tries",
    metadata,
    Column("key", LargeBinary, primary_key=True),  # a hash of what is counted
    time("full_us"),  # when all tries will have been forgotten
    CheckConstraint("length(key) = 32", name="key_sha256"),
    Index(None, "full_us"),
)
