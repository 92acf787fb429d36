"""Writing the admin log: what admins, cashiers and the operator did, in the same transaction as the act."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.store import tables

Facts = dict[str, Any]


class LogLine(NamedTuple):
    """One act, by the names of the table's columns. Holds no secret."""

    actor_id: int | None  # None: the operator
    action: str
    subject: str
    before: str | None
    after: str | None
    created_us: int


def line(
    *,
    action: str,
    subject: str,
    before: Facts | None = None,
    after: Facts | None = None,
    actor_id: int | None = None,
    now_us: int,
) -> LogLine:
    """A line as it is kept; `before` and `after` are what the act was about, None where it was not there."""
    return LogLine(
        actor_id=actor_id,
        action=action,
        subject=subject,
        before=_encoded(before),
        after=_encoded(after),
        created_us=now_us,
    )


async def record(
    connection: AsyncConnection,
    *,
    action: str,
    subject: str,
    before: Facts | None = None,
    after: Facts | None = None,
    actor_id: int | None = None,
    now_us: int,
) -> None:
    """Adds a line in the connection's transaction: there with the act, or not at all."""
    row = line(action=action, subject=subject, before=before, after=after, actor_id=actor_id, now_us=now_us)
    await connection.execute(insert(tables.admin_log).values(row._asdict()))


def _encoded(facts: Facts | None) -> str | None:
    return None if facts is None else _encode(facts).decode()


_encode = msgspec.json.Encoder().encode
