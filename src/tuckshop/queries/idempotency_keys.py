"""Idempotency keys: whether one was used."""

from __future__ import annotations

from sqlalchemy import select

from tuckshop.context import Shop
from tuckshop.store.engine import reading
from tuckshop.store.tables import idempotency
from tuckshop.till.commands.base import Envelope


async def is_used(shop: Shop, envelope: Envelope) -> bool:
    """Whether the caller's key already stands for something: the till will do nothing again."""
    if envelope.key is None:
        return False
    query = select(idempotency.c.key).where(
        idempotency.c.scope == envelope.command.caller.scope, idempotency.c.key == envelope.key
    )
    async with reading(shop.engine) as connection:
        return await connection.scalar(query) is not None
