"""Which secret the shop signs with: all processes of all nodes must have the same.

A node with another one would give tokens that are good nowhere else. So the database has the fingerprint of
the secret, and no server starts with another. A demo has none: its secret is a new one at every start.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop.context import Shop
from tuckshop.identity.access_tokens import fingerprint
from tuckshop.operations import shop_state
from tuckshop.settings import KEY_FILE, PREFIX, Settings, SettingsInvalid
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import writing


class Replaced(NamedTuple):
    """What a new secret has ended, and whose second factors nobody can read any more."""

    sessions: int
    second_factors: int


async def check(engine: AsyncEngine, given: Settings) -> str | None:
    """Returns only if the shop has no other signing secret than these settings; the fingerprint that it has.

    Raises:
        SettingsInvalid: the shop has another; or there is none here, or it is too short.
    """
    known = await shop_state.key_fingerprint(engine)
    if known not in (None, fingerprint(given.signing_secret())):
        raise SettingsInvalid(
            f"The signing key of this node is not the shop's. {_remedy(given)}, or replace the shop's key"
            " with `tuckshop init --new-key`, which ends all sessions."
        )
    return known


async def claim(engine: AsyncEngine, given: Settings) -> str | None:
    """As `check`, and stores the fingerprint where there was none; it is returned if this call did that.

    Of several at once, the database lets one go first, and the others are compared with it.
    """
    if await check(engine, given) is not None:
        return None
    own = fingerprint(given.signing_secret())
    async with writing(engine) as connection:
        query = update(tables.shop).where(tables.shop.c.key_fingerprint.is_(None))
        is_first = bool((await connection.execute(query.values(key_fingerprint=own))).rowcount)
    if is_first:
        return own
    await check(engine, given)
    return None


async def is_current(shop: Shop) -> bool:
    """Whether the running server's secret is still the shop's; reads one row."""
    return await shop_state.key_fingerprint(shop.engine) in (None, shop.tokens.fingerprint)


async def replace(engine: AsyncEngine, *, secret: bytes, now_us: int) -> Replaced:
    """From now on the shop signs with this secret; every log-in is ended. API tokens and machine keys stay.

    The operator's act, and in the admin log.
    """
    sessions, shop = tables.sessions.c, tables.shop.c
    own = fingerprint(secret)
    async with writing(engine) as connection:
        before = await connection.scalar(select(shop.key_fingerprint).with_for_update())
        live = sessions.scopes.is_(None), sessions.ended_us.is_(None), sessions.expires_us > now_us
        ended = await connection.execute(update(tables.sessions).where(*live).values(ended_us=now_us))
        await connection.execute(update(tables.shop).values(key_fingerprint=own))
        await admin_log.record(
            connection,
            action="key.replace",
            subject="shop",
            before={"fingerprint": before, "sessions": ended.rowcount},
            after={"fingerprint": own, "sessions": 0},
            now_us=now_us,
        )
        factors = await connection.scalar(select(func.count()).select_from(tables.second_factors))
    return Replaced(ended.rowcount, factors or 0)


def _remedy(given: Settings) -> str:
    if given.secret:
        return f"Set {PREFIX}SECRET as on the first node"
    return f"Copy {KEY_FILE} from the first node to {given.home_path / KEY_FILE}"
