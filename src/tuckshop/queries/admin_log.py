"""The admin log: what admins, cashiers and the operator did, with before and after."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, select

from tuckshop.context import Shop
from tuckshop.store import tables
from tuckshop.store.admin_log import READ, VERSIONS
from tuckshop.store.engine import reading
from tuckshop.store.forms import Form


@dataclass(frozen=True, slots=True)
class Line:
    """One act: who (nobody: the operator), what, on what, and how it was before and after.

    Not `is_known`: a newer release wrote it. Then the action tells its version too, `order.refund/2`, and the
    rest is as it was written.
    """

    id: int
    actor_id: int | None
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    created_us: int
    is_known: bool = True


async def page(shop: Shop, *, before_id: int | None, limit: int, with_reads: bool = False) -> list[Line]:
    """Lines of the log, newest first, those before `before_id`; what was looked at only if asked for."""
    log = tables.admin_log
    query = select(log).order_by(log.c.id.desc()).limit(limit)
    if not with_reads:
        query = query.where(log.c.action != READ)
    if before_id is not None:
        query = query.where(log.c.id < before_id)
    async with reading(shop.engine) as connection:
        return [_line(row) for row in await connection.execute(query)]


async def actors(shop: Shop, *, lines: Collection[Line]) -> dict[int, str]:
    """What those are called who did it, by number; the operator has none."""
    users = tables.users
    ids = {line.actor_id for line in lines} - {None}
    query = select(users.c.id, users.c.username).where(users.c.id.in_(ids))
    async with reading(shop.engine) as connection:
        return {row.id: row.username for row in await connection.execute(query)}


def _line(row: Row[Any]) -> Line:
    is_known = 1 <= row.version <= VERSIONS.get(row.action, 0)
    return Line(
        id=row.id,
        actor_id=row.actor_id,
        action=row.action if is_known else Form(row.action, row.version).kind,
        subject=row.subject,
        before=_read(row.before),
        after=_read(row.after),
        created_us=row.created_us,
        is_known=is_known,
    )


def _read(kept: str | None) -> dict[str, Any] | None:
    """What was written; what is no JSON object as the text that it is."""
    try:
        return None if kept is None else msgspec.json.decode(kept, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {"text": kept}
