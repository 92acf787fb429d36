"""Whether the shop can sell: the database is what a start asks for, and the last write worked.

A look reads a few settings; nothing is written for it. Only after a write has failed is one tried again, at
most every `store.health.TRY_SECONDS`, until one works.
"""

from __future__ import annotations

import asyncio

from sqlalchemy.exc import DBAPIError

from tuckshop.context import Shop
from tuckshop.operations import shop_state
from tuckshop.store import engine, troubles, writable
from tuckshop.store.engine import DatabaseAway, DatabaseUnusable
from tuckshop.store.troubles import Cause, Trouble

READY_SECONDS = 2.0  # A supervisor that asks every few seconds should not pile up.
KEY_REPLACED = Trouble(
    Cause.KEY_REPLACED,
    "The signing key of the shop was replaced, and this server has another one. Copy secret.key from the node"
    " that has the new one, or set TUCKSHOP_SECRET as there, and start the server again.",
)
LOOK_SECONDS = 5.0  # So that the log has it, also where nobody asks.


async def look(shop: Shop, *, unsafe_durability: bool) -> Trouble | None:
    """What keeps the shop from selling, None if nothing does; within READY_SECONDS."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            await engine.check(shop.engine, unsafe_durability=unsafe_durability)
            await writable.require_writable(shop.engine)
            known = await shop_state.key_fingerprint(shop.engine)
            found = None if known in (None, shop.tokens.fingerprint) else KEY_REPLACED
            if found is None and shop.health.is_try_due():
                await _try(shop)
            shop.health.checked(found)
    except (DatabaseAway, DatabaseUnusable) as error:
        shop.health.checked(error.trouble)
    except TimeoutError:
        shop.health.checked(troubles.AWAY)
    return shop.health.trouble


async def keep_looking(shop: Shop, *, unsafe_durability: bool) -> None:
    """Looks every few seconds until it is cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await look(shop, unsafe_durability=unsafe_durability)


async def _try(shop: Shop) -> None:
    try:
        await writable.try_to_write(shop.engine)
    except (DatabaseAway, DBAPIError) as error:
        shop.health.failed(troubles.explain(error))
    else:
        shop.health.wrote()
