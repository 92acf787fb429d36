"""Which secret the shop signs tokens with, so that no node serves with another.

Revises: 0031
"""

from __future__ import annotations

from tuckshop.store.migrations.added import add_columns

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Adds the fingerprint, unknown until the first `serve`."""
    add_columns("shop", key_fingerprint="TEXT")
