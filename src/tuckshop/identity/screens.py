"""Screens: browsers that are a machine's own. An admin pairs each by a code, which becomes its credential.

A screen serves guests, one after the other, and sells what was credited; it is good for nothing else, and
ends by itself, or with the machine's other screens.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from tuckshop.context import Shop
from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.field_problems import WrongPairingCode
from tuckshop.domain.refusals import InvalidField, SessionEnded
from tuckshop.identity import devices, login_throttle
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.till.callers import ScreenCaller

CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # None that is taken for another.
CODE_LENGTH = 10  # 49 bits, for ten minutes, and ten tries at once.
CODE_SECONDS = 600
KEY_BYTES = 32
_SECRET = re.compile(r"s([1-9][0-9]{0,17})-[A-Za-z0-9_-]{43}", re.ASCII)
_COUNTED_AS = "/screen"  # No user's name has a slash.

screens = tables.screens


@dataclass(frozen=True, slots=True)
class Screen:
    """A paired browser, by what its cookie says; whether it still is one, the till finds out."""

    id: int
    machine_id: int
    secret_hash: bytes

    def serving(self, guest_id: int) -> ScreenCaller:
        """The guest who stands before it."""
        return ScreenCaller(self.id, self.machine_id, self.secret_hash, guest_id)


def new_code() -> tuple[str, bytes]:
    """A code to be shown once, and what is kept of it."""
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    return f"{code[:5]}-{code[5:]}", hashed_code(code)


def hashed_code(code: str) -> bytes:
    """What is kept of a code, however it is typed."""
    return devices.hashed("code " + re.sub(r"[\s-]", "", code).upper())


async def pair(shop: Shop, *, code: str, address: str | None) -> str:
    """The credential of the screen whose code it is: it works once.

    Raises:
        InvalidField: it is none, was used, or is older than CODE_SECONDS.
        TooManyTries: of codes, from this address or from all.
    """
    counted = await login_throttle.begin(shop, username=_COUNTED_AS, address=address)
    now_us = shop.clock()
    async with writing(shop.engine) as connection:
        is_waiting = (
            screens.c.secret_hash == hashed_code(code),
            screens.c.paired_us.is_(None),
            screens.c.ended_us.is_(None),
            screens.c.created_us >= now_us - CODE_SECONDS * MICROSECONDS,
        )
        screen_id = await connection.scalar(select(screens.c.id).where(*is_waiting))
        secret = _new_secret(screen_id or 0)
        # Asked again by what finds it: of two who type one code at once, one gets the screen.
        paired = await connection.execute(
            update(screens).where(*is_waiting).values(secret_hash=devices.hashed(secret), paired_us=now_us)
        )
        if paired.rowcount == 1:
            await login_throttle.forgive(connection, counted)
    if paired.rowcount != 1:
        raise InvalidField(field="code", problem=WrongPairingCode())
    return secret


async def adopt(shop: Shop, *, machine_id: int, name: str) -> str:
    """The credential of a browser that has shown its machine's key, as screens once did."""
    now_us = shop.clock()
    async with writing(shop.engine) as connection:
        row = {
            "machine_id": machine_id,
            "name": name,
            "secret_hash": secrets.token_bytes(KEY_BYTES),  # For a moment: its id is in the credential.
            "created_us": now_us,
            "paired_us": now_us,
        }
        screen_id = await connection.scalar(insert(screens).values(row).returning(screens.c.id))
        assert screen_id is not None
        secret = _new_secret(screen_id)
        await connection.execute(
            update(screens).where(screens.c.id == screen_id).values(secret_hash=devices.hashed(secret))
        )
    return secret


async def find(shop: Shop, *, secret: str) -> Screen:
    """The screen whose credential it is. Raises SessionEnded."""
    match = _SECRET.fullmatch(secret)
    if match is None:
        raise SessionEnded
    query = select(screens.c.machine_id).where(
        screens.c.id == int(match[1]),
        screens.c.secret_hash == devices.hashed(secret),
        screens.c.paired_us.is_not(None),
        screens.c.ended_us.is_(None),
    )
    async with reading(shop.engine) as connection:
        machine_id = await connection.scalar(query)
    if machine_id is None:
        raise SessionEnded
    return Screen(int(match[1]), machine_id, devices.hashed(secret))


async def end(shop: Shop, *, screen: Screen) -> None:
    """The screen is a machine's no more: whoever stands there said so."""
    async with writing(shop.engine) as connection:
        await connection.execute(
            update(screens)
            .where(screens.c.id == screen.id, screens.c.ended_us.is_(None))
            .values(ended_us=shop.clock())
        )


def _new_secret(screen_id: int) -> str:
    return f"s{screen_id}-{secrets.token_urlsafe(KEY_BYTES)}"
