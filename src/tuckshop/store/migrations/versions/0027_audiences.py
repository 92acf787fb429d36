"""At which interface a session is good.

Revises: 0026
"""

from __future__ import annotations

from tuckshop.store.migrations.added import add_columns

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Adds the column. Sessions that are open now are good everywhere, as they were, until they expire."""
    add_columns("sessions", audience="TEXT DEFAULT 'any' NOT NULL")
