"""What names look like, so that nobody else takes one that looks the same.

Revises: 0029
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from tuckshop.store.skeletons import skeleton

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Creates the tables and fills them. Names that look alike already stay, and no product waits."""
    for owner, owners, name, among in (
        ("user", "users", "username", "state <> 'closed'"),
        ("product", "products", "name", "removed_us IS NULL"),
    ):
        skeletons = _create(
            f"{owner}_skeletons", owner, owners, sa.Column("skeleton", sa.Text(), nullable=False)
        )
        op.create_index(op.f(f"ix_{owner}_skeletons_skeleton"), f"{owner}_skeletons", ["skeleton"])
        names: Any = sa.select(sa.column("id"), sa.column(name)).select_from(sa.table(owners))
        found = op.get_bind().execute(names.where(sa.text(among)))
        rows = [{f"{owner}_id": owner_id, "skeleton": skeleton(called)} for owner_id, called in found]
        if rows:
            op.bulk_insert(skeletons, rows)
    _create(
        "waiting_products", "product", "products", sa.Column("created_us", sa.BigInteger(), nullable=False)
    )


def _create(table: str, owner: str, owners: str, column: sa.Column[Any]) -> sa.Table:
    """Something of each owner's, who is in the table `owners`."""
    key = f"{owner}_id"
    return op.create_table(
        table,
        sa.Column(key, sa.BigInteger(), autoincrement=False, nullable=False),
        column,
        sa.ForeignKeyConstraint([key], [f"{owners}.id"], name=op.f(f"fk_{table}_{key}")),
        sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{table}")),
    )
