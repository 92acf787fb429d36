"""What makes two references of a bank the same: their key, without case and spaces.

Revises: 0027
"""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

from tuckshop.store.migrations.added import add_columns

revision = "0028"
down_revision = "0027"

PRIMARY_KEY = "CONSTRAINT pk_transfers PRIMARY KEY (id), "
CHECK, RULE = "ck_transfers_reference_with_key", "(external_ref IS NULL) = (external_ref_key IS NULL)"
OLD, NEW = "uq_transfers_kind_external_ref", "uq_transfers_kind_external_ref_key"
UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})


def upgrade() -> None:
    """Adds the column and its unique index, and fills it.

    Where references were used twice that are one by now, the later has its transfer's number behind its key:
    no key of a reference has a space.
    """
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    add_columns("transfers", external_ref_key="TEXT")
    _fill()
    if is_sqlite:
        _rewrite_sqlite()
    else:
        op.create_check_constraint(op.f(CHECK), "transfers", RULE)
    op.drop_index(op.f(OLD), "transfers")
    where = sa.text("external_ref_key IS NOT NULL")
    op.create_index(
        op.f(NEW),
        "transfers",
        ["kind", "external_ref_key"],
        unique=True,
        postgresql_where=where,
        sqlite_where=where,
    )


def _fill() -> None:
    connection = op.get_bind()
    used: set[tuple[str, str]] = set()
    query = "SELECT id, kind, external_ref FROM transfers WHERE external_ref IS NOT NULL ORDER BY id"
    keys = []
    for transfer_id, kind, external_ref in connection.execute(sa.text(query)):
        key = _key(external_ref)
        if (kind, key) in used:
            key = f"{key} {transfer_id}"
        used.add((kind, key))
        keys.append({"key": key, "id": transfer_id})
    if keys:
        connection.execute(sa.text("UPDATE transfers SET external_ref_key = :key WHERE id = :id"), keys)


def _key(external_ref: str) -> str:
    """As `domain.transfers.ref_key` was when this was written."""
    seen = unicodedata.normalize("NFKC", external_ref)
    kept = "".join(char for char in seen if unicodedata.category(char) not in UNSEEN)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", kept).casefold())


def _rewrite_sqlite() -> None:
    """As ALTER TABLE would, see 0004."""
    connection = op.get_bind()
    op.execute("PRAGMA writable_schema = ON")
    changed = connection.execute(
        sa.text(
            "UPDATE sqlite_schema SET sql = replace(sql, :before, :before || :added)"
            " WHERE type = 'table' AND name = 'transfers' AND instr(sql, :before)"
        ),
        {"before": PRIMARY_KEY, "added": f"\n\tCONSTRAINT {CHECK} CHECK ({RULE}), "},
    )
    op.execute("PRAGMA writable_schema = OFF")
    if changed.rowcount != 1:
        raise RuntimeError("the table transfers is not as the migrations before have made it")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
