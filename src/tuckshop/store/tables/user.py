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
    Table,
    Text,
    text,
)

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
    one_of("state", *UserState),
    CheckConstraint("is_buyer OR is_seller OR is_cashier OR is_admin", name="some_role"),
    CheckConstraint("(email IS NULL) = (email_key IS NULL)", name="email_with_key"),
    CheckConstraint("(state = 'closed') = (closed_us IS NOT NULL)", name="closed_with_time"),
    CheckConstraint("tab_limit_cents >= 0", name="tab_limit_not_negative"),
    # Closing a user frees the name and the address, and keeps the row.
    *(
        Index(f"uq_users_{column}", column, unique=True, **partial("state <> 'closed'"))
        for column in ("username_key", "email_key")
    ),
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
    time("full_us"),  # when all tries will have been forgotten
    CheckConstraint("length(key) = 32", name="key_sha256"),
    Index(None, "full_us"),
)
