"""What this release cannot live with: a column that it reads goes.

Revises: whatever is newest
"""

from __future__ import annotations

from alembic import op

from tuckshop.store.migrations import revisions

revision = "9999"
down_revision = next(known for known in reversed(revisions()) if known != revision)

COMPATIBLE_SINCE = "9999"


def upgrade() -> None:
    """Renames a column."""
    op.execute("ALTER TABLE shelves RENAME COLUMN par_level TO wanted_level")
