"""Writing the admin log: what admins, cashiers and the operator did, in the same transaction as the act."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.store import tables


async def record(
    connection: AsyncConnection,
    *,
    action: str,
    subject: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    actor_id: int | None = None,
    now_us: int,
) -> None:
    """Adds a line in the connection's transaction: there with the act, or not at all. Holds no secret."""
    await connection.execute(
        insert(tables.admin_log).values(
            actor_id=actor_id,
            action=action,
            subject=subject,
            before=None if before is None else msgspec.json.encode(before).decode(),
            after=None if after is None else msgspec.json.encode(after).decode(),
            created_us=now_us,
        )
    )
