"""Counting tries to log in, so that nobody tries passwords until one fits.

Every try is counted before its password is looked at, in the database, so that it holds for all processes
together and for tries at once; one that succeeds is not counted. Counted are tries by (name, address), by
name, and by network of the address. Each count is a bucket that runs dry slowly: whoever has filled one waits
until there is room again. A refused try fills nothing, so nobody is kept out for longer than a bucket takes.
Who comes from where the user has logged in before is held to the first count alone: strangers cannot keep the
owner out. A browser in which the user has logged in has a count of its own, whatever others behind its
address do.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, NamedTuple

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.refusals import TooManyTries
from tuckshop.domain.users import UserState, name_key
from tuckshop.identity import addresses, refused_tries
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing

KNOWN_SESSIONS = 20  # Of so many log-ins past, the addresses are still the user's own.
DELAY_SECONDS = 0.2  # For each try in the upper half of the first bucket.
_SECOND_US = 1_000_000
_PAIRS, _AFTER_PAIRS = b"p", b"q"  # Between these are the keys of PAIR.

attempts, users, sessions = tables.login_tries, tables.users, tables.sessions


class Limit(NamedTuple):
    """So many tries at once, and then one in so many seconds."""

    attempts: int
    seconds: int

    @property
    def step_us(self) -> int:
        """For how long one try is remembered."""
        return self.seconds * _SECOND_US


PAIR = Limit(10, 60)  # Nobody mistypes more often before asking for a new password.
USER = Limit(50, 60)  # Many addresses against one name; the owner is known by theirs.
NETWORK = Limit(100, 10)  # An office behind one address, on the morning after its passwords changed.


class Attempt(NamedTuple):
    """One counted try: what to take back if it was good."""

    counted: tuple[tuple[bytes, Limit], ...]


NOT_COUNTED = Attempt(())
"""Of log-ins that take no password here."""


class Remembered(NamedTuple):
    """Tries of late that failed, or still run; and how many a name and an address have none left."""

    failed: int
    shut_out: int


async def begin(
    shop: Shop, *, username: str, address: str | None, known_device: str | None = None
) -> Attempt:
    """Counts a try to log in, and makes the later of many wait. `known_device`: see `known_devices`.

    Raises TooManyTries.
    """
    key, place = name_key(username), addresses.place(address)
    # No address has a space in it.
    counted = [(key_of("pair", key, place if known_device is None else f"device {known_device}"), PAIR)]
    await refused_tries.require_not_refused(shop, counted[0][0])
    if known_device is None and not await _is_known(shop, key, place):
        others = [
            (key_of("user", key), USER),
            (key_of("network", addresses.network(address, v4_bits=24, v6_bits=64)), NETWORK),
        ]
        for name, _ in others:
            await refused_tries.require_not_refused(shop, name)
        counted += others
    now_us = shop.clock()
    counted.sort()  # In one order, or two tries would wait for each other.
    delay = 0.0
    full = counted[0][0]
    try:
        async with writing(shop.engine) as connection:
            for full, limit in counted:
                used = await count(connection, full, limit, now_us)
                if limit is PAIR:
                    delay = max(used - limit.attempts // 2, 0) * DELAY_SECONDS
    except TooManyTries as refusal:
        await refused_tries.remember(shop, full, refusal)
        raise
    if delay:
        await asyncio.sleep(delay)
    return Attempt(tuple(counted))


async def forgive(connection: AsyncConnection, given: Attempt) -> None:
    """The try was good: it counts no more."""
    for name, limit in given.counted:
        await connection.execute(
            update(attempts).where(attempts.c.key == name).values(full_us=attempts.c.full_us - limit.step_us)
        )


async def forget_old(shop: Shop) -> None:
    """Deletes the counts that have run dry."""
    async with writing(shop.engine) as connection:
        await connection.execute(delete(attempts).where(attempts.c.full_us <= shop.clock()))


async def remembered(connection: AsyncConnection, *, now_us: int) -> Remembered:
    """What the counts by (name, address) tell: one try is remembered for a minute, ten for ten."""
    pairs = attempts.c.key >= _PAIRS, attempts.c.key < _AFTER_PAIRS, attempts.c.full_us > now_us
    used = (attempts.c.full_us - now_us + PAIR.step_us - 1) // PAIR.step_us
    shut = case((attempts.c.full_us > now_us + (PAIR.attempts - 1) * PAIR.step_us, 1), else_=0)
    query = select(func.sum(used), func.sum(shut)).where(*pairs)
    failed, shut_out = (await connection.execute(query)).one()
    return Remembered(int(failed or 0), int(shut_out or 0))


async def count(connection: AsyncConnection, name: bytes, limit: Limit, now_us: int) -> int:
    """How many tries are in the bucket with this one. Raises TooManyTries."""
    room_us = now_us + (limit.attempts - 1) * limit.step_us
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    still_us = case((attempts.c.full_us > now_us, attempts.c.full_us), else_=now_us)
    counting = (
        insert(attempts)
        .values(key=name, full_us=now_us + limit.step_us)
        .on_conflict_do_update(
            index_elements=[attempts.c.key],
            set_={"full_us": still_us + limit.step_us},
            where=attempts.c.full_us <= room_us,
        )
        .returning(attempts.c.full_us)
    )
    full_us = await connection.scalar(counting)
    if full_us is None:
        full_us = await connection.scalar(select(attempts.c.full_us).where(attempts.c.key == name)) or room_us
        raise TooManyTries(retry_seconds=max(-((room_us - full_us) // _SECOND_US), 1))
    return -((now_us - int(full_us)) // limit.step_us)


async def _is_known(shop: Shop, key: str, place: str) -> bool:
    """Whether the user of this name has logged in from there before."""
    query = (
        select(sessions.c.address)
        .join(users, users.c.id == sessions.c.user_id)
        .where(users.c.username_key == key, users.c.state != UserState.CLOSED.value)
        .where(sessions.c.address.is_not(None))
        .order_by(sessions.c.id.desc())
        .limit(KNOWN_SESSIONS)
    )
    async with reading(shop.engine) as connection:
        return place in {addresses.place(address) for address in await connection.scalars(query)}


def key_of(*parts: str) -> bytes:
    # Hashed, since people type passwords where names belong.
    # The first letter stays, by which the counts are told apart.
    return parts[0][:1].encode() + hashlib.sha256("\0".join(parts).encode()).digest()[1:]
