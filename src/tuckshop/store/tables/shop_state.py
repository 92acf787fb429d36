"""What the shop knows of itself: its currency, answers to repeated requests, what admins did."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from tuckshop.store.tables.base import Id, metadata, one_of, owner, time

shop = Table(
    "shop",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("currency", Text, nullable=False),
    Column("exponent", SmallInteger, nullable=False),
    Column("is_demo", Boolean, nullable=False),
    time("created_us"),
    # Of the secret that tokens are signed with, see operations/signing_key.py; none until the first `serve`.
    Column("key_fingerprint", Text),
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

backups = Table(
    "backups",
    metadata,
    # The last one of each kind; older ones are forgotten. See operations/backups/records.py.
    Column("kind", Text, primary_key=True),
    time("at_us"),
    Column("is_good", Boolean, nullable=False),
    one_of("kind", "backup", "restore-test"),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("last_id", BigInteger, nullable=False),
)

limit_counters = Table(
    "limit_counters",
    metadata,
    Column("name", Text, nullable=False),  # machine:3/coins/3600, see domain/limits.py
    Column("starts_us", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    PrimaryKeyConstraint("name", "starts_us"),
    CheckConstraint("used >= 0", name="used_not_negative"),
    Index(None, "starts_us"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("scope", Text, nullable=False),  # whose key: user:7, or operator
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),  # the form of the receipt or the refusal, see store/forms.py
    Column("outcome", Text, nullable=False),  # its fields as JSON
    owner("order_id", "orders"),
    owner("refund_id", "refunds"),
    owner("transfer_id", "transfers"),
    time("created_us"),
    PrimaryKeyConstraint("scope", "key"),
    Index(None, "created_us"),
)

admin_log = Table(
    "admin_log",
    metadata,
    Column("id", Id, primary_key=True),
    owner("actor_id", "users"),  # nobody: the operator at the command line
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text),  # JSON
    Column("after", Text),  # JSON
    time("created_us"),
    # Of what stands before and after, see store/admin_log.py. A process of the release before writes none.
    Column("version", SmallInteger, server_default=text("1"), nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),  # of the newest
    Column("count", BigInteger, nullable=False),
    time("first_us"),
    time("last_us"),
    PrimaryKeyConstraint("kind", "subject"),
    CheckConstraint("count >= 1", name="count_positive"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("key", Text, primary_key=True),  # random: nobody guesses another's
    owner("session_id", "sessions", nullable=False),
    Column("kind", Text, nullable=False),  # what the file is about
    Column("content", LargeBinary, nullable=False),  # compressed by zlib
    time("created_us"),
    # 8 MiB, and what zlib adds to what it cannot compress.
    CheckConstraint("length(content) <= 8650752", name="content_bounded"),
    Index(None, "session_id"),
)
