"""The demo's settings and its database: making it, and telling it from a real shop's."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from msgspec.structs import replace
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop.demo.history import DAY_US, DAYS, MADE, Clock, History
from tuckshop.dialects import NAMES
from tuckshop.domain.machines import CoinInput, FulfilMode
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.tabs import TabsFor
from tuckshop.domain.users import RegistrationMode
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.operations import shop_state
from tuckshop.operations.startup import open_shop
from tuckshop.settings import SECRET_LENGTH_MIN, Settings
from tuckshop.store import tables
from tuckshop.store.engine import (
    check,
    file_of,
    opened_engine,
    read_state,
    reading,
    require_known,
    writing,
)
from tuckshop.store.migrate import current_revision, head_revision, upgrade
from tuckshop.store.setup import install

FILE = "demo.sqlite3"
TAB_LIMIT_CENTS = 100_000  # The example in the document of app-demo is an order of 61.60.


class RealShop(Exception):
    """The database holds a shop that is not a demo; nothing was changed."""


class Unfinished(Exception):
    """The database holds a demo whose history was not finished."""


def demo_settings(given: Settings) -> Settings:
    """These settings, and on top of them what makes a demo: its own database and secret, and all dialects."""
    return replace(
        given,
        database_url=given.database_url or f"sqlite:///{given.home_path / FILE}",
        # Never the shop's own: a log-in from here must open no other shop.
        secret=secrets.token_hex(SECRET_LENGTH_MIN),
        coins=CoinsPolicy.SELF,
        tab_limit_cents=given.tab_limit_cents or TAB_LIMIT_CENTS,
        tab_for=given.tab_for or TabsFor.EVERYBODY,
        seller_registration=given.seller_registration or RegistrationMode.OPEN,
        machine_undo=given.machine_undo or UndoMode.CONTRACT,
        dialects=given.dialects or ",".join(NAMES),
        kiosk_open=True,
    )


async def is_made(given: Settings) -> bool:
    """Whether the demo exists, complete; one made by an older Tuckshop is upgraded first.

    Raises:
        RealShop, Unfinished: the database is another shop's, or a demo that was not finished.
        DatabaseUnusable: it cannot be read.
    """
    async with opened_engine(given.url) as engine:
        if not await _holds_demo(engine):
            return False
        if await current_revision(engine) != head_revision():
            await upgrade(engine)
        await check(engine, unsafe_durability=given.unsafe_durability)
        async with reading(engine) as connection:
            log = tables.admin_log.c
            if await connection.scalar(select(log.id).where(log.action == MADE)) is None:
                raise Unfinished
    return True


async def make(
    given: Settings, *, now_us: int, progress: Callable[[float], None] = lambda _: None, days: int = DAYS
) -> None:
    """Makes the demo in an empty database, `days` of history up to `now_us`.

    `progress` is told the part that is done, from 0 to 1.
    """
    clock = Clock((now_us // DAY_US - days) * DAY_US)
    async with opened_engine(given.url) as engine:
        await upgrade(engine)
        async with writing(engine) as connection:
            await install(connection, is_demo=True, now_us=clock())
            # Everybody may try the machine: on the honour system, and with orders for later.
            tried = {"coin_input": CoinInput.DRAWN.value, "fulfil": FulfilMode.EITHER.value}
            await connection.execute(update(tables.machines).values(tried))
    async with open_shop(given, clock=clock) as shop:
        await History(shop, clock, end_us=now_us, days=days, progress=progress).make()


async def make_in_place(
    given: Settings,
    *,
    reset: bool,
    now_us: int,
    progress: Callable[[float], None] = lambda _: None,
    days: int = DAYS,
) -> None:
    """Makes the demo on a server, where a finished database cannot be moved into place as a file can.

    With `reset`, a demo that is there is removed first. Raises RealShop.
    """
    async with opened_engine(given.url) as engine:
        if reset and await _holds_demo(engine):
            async with writing(engine) as connection:
                await connection.run_sync(tables.metadata.drop_all)
                await connection.execute(text("DROP TABLE alembic_version"))
    await make(given, now_us=now_us, progress=progress, days=days)


async def require_no_shop(given: Settings) -> None:
    """Raises RealShop for a shop that is not a demo."""
    async with opened_engine(given.url) as engine:
        await _holds_demo(engine)


async def _holds_demo(engine: AsyncEngine) -> bool:
    """Whether there is a demo, finished or not; False for an empty database. Raises RealShop."""
    if engine.dialect.name == "sqlite" and not file_of(engine).exists():
        return False
    state = await read_state(engine)
    if not state.tables:
        return False
    require_known(state)
    if not state.is_installed or not await shop_state.is_demo(engine):
        raise RealShop
    return True
