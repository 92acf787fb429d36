"""Writing the admin log: what admins, cashiers and the operator did, in the same transaction as the act."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.store import tables

VERSIONS: dict[str, int] = {
    "coins.collect": 1,
    "coins.count": 1,
    "coins.fill": 1,
    "demo.made": 1,
    "earnings.payout": 1,
    "machine.add": 1,
    "machine.change": 1,
    "machine.key": 1,
    "machine.shelves": 1,
    "order.cancel": 1,
    "order.dispense": 1,
    "order.reduce": 1,
    "order.refund": 1,
    "product.add": 1,
    "product.change": 1,
    "product.move": 1,
    "product.remove": 1,
    "product.restock": 1,
    "tab.settle": 1,
    "user.add": 1,
    "user.change": 1,
    "user.close": 1,
    "user.password": 1,
    "user.sessions": 1,
    "user.standing": 1,
    "user.tab_limit": 1,
    "wallet.close": 1,
    "wallet.deposit": 1,
    "wallet.payout": 1,
    "wallet.topup": 1,
}
"""Every action that is logged, and the version of what stands before and after it. None is ever renamed."""


def written(facts: dict[str, Any] | None) -> str | None:
    """What stands before or after an act, as it is stored."""
    return None if facts is None else _encode(facts).decode()


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
            before=written(before),
            after=written(after),
            created_us=now_us,
            version=VERSIONS[action],
        )
    )


_encode = msgspec.json.Encoder().encode
