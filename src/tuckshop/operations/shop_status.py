"""What an operator asks first of a shop: how much is in it, and when it was last looked after."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop.domain.users import UserState
from tuckshop.operations import audit, backups
from tuckshop.operations.backups import Kind
from tuckshop.store import tables
from tuckshop.store.engine import reading


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopStatus:
    """What the database says of the shop. `key_fingerprint`: none until the first `serve`."""

    currency: str
    is_demo: bool
    machines: int
    users: int
    key_fingerprint: str | None
    last_backup: backups.Last | None
    last_restore_test: backups.Last | None
    last_audit: audit.Last | None


async def read(engine: AsyncEngine) -> ShopStatus:
    """The shop as it is. Raises DatabaseAway, and DBAPIError for a role that may not read."""
    machines, users = tables.machines, tables.users
    async with reading(engine) as connection:
        shop = (await connection.execute(select(tables.shop))).one()
        machine_count = await connection.scalar(select(func.count()).select_from(machines)) or 0
        not_closed = users.c.state != UserState.CLOSED.value
        user_count = await connection.scalar(select(func.count()).select_from(users).where(not_closed)) or 0
    return ShopStatus(
        currency=shop.currency,
        is_demo=shop.is_demo,
        machines=machine_count,
        users=user_count,
        key_fingerprint=shop.key_fingerprint,
        last_backup=await backups.last(engine, kind=Kind.BACKUP),
        last_restore_test=await backups.last(engine, kind=Kind.RESTORE_TEST),
        last_audit=await audit.last(engine),
    )
