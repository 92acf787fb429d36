"""How much of the shop is a seller's, and at which machines they sell.

Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

QUOTAS = {"products": 200, "pieces": 10_000, "picture_bytes": 100 * 1024 * 1024}
# What every seller has, and where it is more than the quota: that is theirs from now on.
KEPT = """
INSERT INTO seller_quotas (seller_id, products, pieces, picture_bytes)
SELECT seller_id, {kept}
FROM (
  SELECT p.seller_id, count(*) AS products,
    sum((SELECT coalesce(sum(s.quantity), 0) FROM shelves s WHERE s.product_id = p.id)) AS pieces,
    sum((SELECT coalesce(sum(length(i.content)), 0) FROM images i WHERE i.id = p.image_id)) AS picture_bytes
  FROM products p WHERE p.removed_us IS NULL AND p.seller_id IS NOT NULL GROUP BY p.seller_id
) used
WHERE {above}
"""
# Machines where they have a shelf, but for the first, which is everybody's.
INVITED = """
INSERT INTO invitations (seller_id, machine_id, created_us)
SELECT DISTINCT p.seller_id, s.machine_id, m.created_us
FROM products p JOIN shelves s ON s.product_id = p.id JOIN machines m ON m.id = s.machine_id
WHERE p.removed_us IS NULL AND p.seller_id IS NOT NULL AND s.machine_id <> 1
"""


def upgrade() -> None:
    """Creates the tables. Sellers keep what they have: more than a quota, and machines where they sell."""
    op.create_table(
        "seller_quotas",
        sa.Column("seller_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.BigInteger()) for name in QUOTAS),
        *(
            sa.CheckConstraint(f"{name} >= 0", name=op.f(f"ck_seller_quotas_{name}_not_negative"))
            for name in QUOTAS
        ),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_seller_quotas_seller_id")),
        sa.PrimaryKeyConstraint("seller_id", name=op.f("pk_seller_quotas")),
    )
    op.create_table(
        "invitations",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("machine_id", sa.BigInteger(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name=op.f("fk_invitations_machine_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["users.id"], name=op.f("fk_invitations_seller_id")),
        sa.PrimaryKeyConstraint("seller_id", "machine_id", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_machine_id"), "invitations", ["machine_id"])
    kept = ", ".join(f"CASE WHEN {name} > {most} THEN {name} END" for name, most in QUOTAS.items())
    above = " OR ".join(f"{name} > {most}" for name, most in QUOTAS.items())
    op.execute(KEPT.format(kept=kept, above=above))
    op.execute(INVITED)
