"""Log-ins with addresses, API tokens, and the count of tries to log in.

Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

SCOPES = (
    "scopes IN ('read', 'buy', 'sell', 'admin', 'read buy', 'read sell', 'read admin', 'buy sell',"
    " 'buy admin', 'sell admin', 'read buy sell', 'read buy admin', 'read sell admin', 'buy sell admin',"
    " 'read buy sell admin')"
)


def upgrade() -> None:
    """Adds two columns to the sessions, and two tables."""
    if op.get_bind().dialect.name == "sqlite":
        _make_sessions_anew()
    else:
        op.add_column("sessions", sa.Column("scopes", sa.Text()))
        op.add_column("sessions", sa.Column("address", sa.Text()))
        op.create_check_constraint(op.f("ck_sessions_scopes_known"), "sessions", SCOPES)
    op.create_table(
        "api_tokens",
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_api_tokens")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_api_tokens_session_id")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_tokens_secret_hash")),
        sa.CheckConstraint("length(secret_hash) = 32", name=op.f("ck_api_tokens_secret_hash_sha256")),
    )
    op.create_table(
        "login_tries",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("full_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_tries")),
        sa.CheckConstraint("length(key) = 32", name=op.f("ck_login_tries_key_sha256")),
    )
    op.create_index(op.f("ix_login_tries_full_us"), "login_tries", ["full_us"])


def _make_sessions_anew() -> None:
    """SQLite adds no constraint to a table that is there. Nothing refers to sessions yet."""
    op.drop_index("ix_sessions_user_id", "sessions")
    op.rename_table("sessions", "sessions_before")
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("device", sa.Text()),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger()),
        sa.Column("scopes", sa.Text()),
        sa.Column("address", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.CheckConstraint("generation >= 1", name=op.f("ck_sessions_generation_positive")),
        sa.CheckConstraint("expires_us > created_us", name=op.f("ck_sessions_expires_later")),
        sa.CheckConstraint(SCOPES, name=op.f("ck_sessions_scopes_known")),
    )
    columns = "id, user_id, generation, device, created_us, expires_us, ended_us"
    op.execute(f"INSERT INTO sessions ({columns}) SELECT {columns} FROM sessions_before")  # noqa: S608
    op.drop_table("sessions_before")
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"])
