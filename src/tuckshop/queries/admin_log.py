"""The admin log: what admins, cashiers and the operator did, with before and after."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select

from tuckshop.context import Shop
from tuckshop.store import tables
from tuckshop.store.engine import reading


@dataclass(frozen=True, slots=True)
class Line:
    """One act: who (nobody: the operator), what, on what, and how it was before and after."""

    id: int
    actor_id: int | None
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    created_us: int


async def page(shop: Shop, *, before_id: int | None, limit: int) -> list[Line]:
    """Lines of the log, newest first, those before `before_id`."""
    log = tables.admin_log
    query = select(*(log.c[name] for name in Line.__slots__)).order_by(log.c.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(log.c.id < before_id)
    async with reading(shop.engine) as connection:
        return [
            Line(
                row.id,
                row.actor_id,
                row.action,
                row.subject,
                _read(row.before),
                _read(row.after),
                row.created_us,
            )
            for row in await connection.execute(query)
        ]


async def actors(shop: Shop, *, lines: Collection[Line]) -> dict[int, str]:
    """What those are called who did it, by number; the operator has none."""
    users = tables.users
    ids = {line.actor_id for line in lines} - {None}
    query = select(users.c.id, users.c.username).where(users.c.id.in_(ids))
    async with reading(shop.engine) as connection:
        return {row.id: row.username for row in await connection.execute(query)}


def _read(kept: str | None) -> dict[str, Any] | None:
    return None if kept is None else msgspec.json.decode(kept, type=dict[str, Any])
