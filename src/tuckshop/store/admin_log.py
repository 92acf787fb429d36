"""Writing the admin log: what admins, cashiers and the operator did, in the same transaction as the act."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.store import tables

READ = "staff.read"
"""Of what staff looked at and did not change; `subject` is its address."""

VERSIONS: dict[str, int] = {
    "audit.run": 1,
    "coins.collect": 1,
    "coins.count": 1,
    "coins.fill": 1,
    "demo.made": 1,
    "earnings.payout": 1,
    "guests.sweep": 1,
    "key.replace": 1,
    "machine.add": 1,
    "machine.change": 1,
    "machine.key": 1,
    "machine.shelves": 1,
    "order.cancel": 1,
    "order.dispense": 1,
    "order.place": 1,
    "order.reduce": 1,
    "order.refund": 1,
    "order.refund_request": 1,
    "product.add": 1,
    "product.approve": 1,
    "product.change": 1,
    "product.move": 1,
    "product.remove": 1,
    "product.restock": 1,
    "screen.add": 1,
    "screen.end": 1,
    READ: 1,
    "tab.settle": 1,
    "transfer.reverse": 1,
    "token.add": 1,
    "token.revoke": 1,
    "user.add": 1,
    "user.change": 1,
    "user.close": 1,
    "user.password": 1,
    "user.payout_delay": 1,
    "user.selling": 1,
    "user.second_factor": 1,
    "user.sessions": 1,
    "user.standing": 1,
    "user.tab_limit": 1,
    "wallet.close": 1,
    "wallet.deposit": 1,
    "wallet.payout": 1,
    "wallet.topup": 1,
}
"""Every action that is logged, and the version of what stands before and after it. None is ever renamed."""

Facts = dict[str, Any]


class LogLine(NamedTuple):
    """One act, by the names of the table's columns. Holds no secret."""

    actor_id: int | None  # None: the operator
    action: str
    subject: str
    before: str | None
    after: str | None
    created_us: int
    version: int  # of `before` and `after`


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
        version=VERSIONS[action],
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


def without_name(kept: str | None, *, name: str) -> str | None:
    """`before` or `after` of a line about a user who is gone, with `name` instead of what names them.

    What is no JSON object of a release that is known here is left out whole.
    """
    if kept is None:
        return None
    try:
        facts = msgspec.json.decode(kept, type=Facts)
    except msgspec.MsgspecError:
        return None
    return _encoded({**facts, **{key: value for key, value in _instead(name).items() if key in facts}})


def _instead(name: str) -> Facts:
    return {"username": name, "name": name, "email": None}


def _encoded(facts: Facts | None) -> str | None:
    return None if facts is None else _encode(facts).decode()


_encode = msgspec.json.Encoder().encode
