"""Machines that speak for themselves: the keys by which they are known."""

from __future__ import annotations

import hashlib
import re
import secrets

from sqlalchemy import select

from tuckshop.context import Shop
from tuckshop.domain.refusals import SessionEnded
from tuckshop.domain.users import Actor
from tuckshop.identity import sessions
from tuckshop.store import tables
from tuckshop.store.engine import reading
from tuckshop.till.callers import MachineCaller, SessionCaller

KEY_BYTES = 32
_KEY = re.compile(r"([1-9][0-9]{0,17})-([A-Za-z0-9_-]{43})", re.ASCII)


def new_key(machine_id: int) -> str:
    """A key that nobody can guess; the machine's number stands before it."""
    return f"{machine_id}-{secrets.token_urlsafe(KEY_BYTES)}"


def hashed(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).digest()


def caller(key: str) -> MachineCaller:
    """The machine whose key this would be; the till finds out whether it is. Raises SessionEnded."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise SessionEnded
    return MachineCaller(int(match[1]), hashed(key))


async def attester(shop: Shop, *, caller: SessionCaller | MachineCaller) -> Actor:
    """The machine whose key it is, or whose session. Raises SessionEnded."""
    if isinstance(caller, SessionCaller):
        return await sessions.actor(shop, caller=caller)
    query = select(tables.machines.c.key_hash).where(tables.machines.c.id == caller.machine_id)
    async with reading(shop.engine) as connection:
        if not shop.till.policy.is_machine(caller, await connection.scalar(query)):
            raise SessionEnded
    return Actor(None, frozenset(), caller.machine_id)
