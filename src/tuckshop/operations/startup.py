"""Opening the shop: for the server that keeps it open, and for each command of the command line.

Commands open it as often as they run, and need nothing of HTTP: with that they would start half as fast.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop import telemetry
from tuckshop.context import Shop
from tuckshop.domain.users import SecondFactorMode
from tuckshop.identity.access_tokens import Tokens
from tuckshop.identity.closed_users import address_hash
from tuckshop.identity.passwords import Passwords
from tuckshop.identity.sign_on import open_services
from tuckshop.operations.shop_state import is_demo as holds_demo
from tuckshop.operations.shop_state import read_currency
from tuckshop.queries.events import Events
from tuckshop.settings import LogFormat, Settings
from tuckshop.store.engine import check, open_engine, postgres_dsn, sqlite_path
from tuckshop.store.health import Health
from tuckshop.store.redis_server import Notes, require_usable
from tuckshop.store.replica import Replica
from tuckshop.telemetry import Alerts, Meter
from tuckshop.till.engine.queue import Till
from tuckshop.till.policy import Policy
from tuckshop.till.sql.books import Books
from tuckshop.till.sql.postgres import PostgresBooks
from tuckshop.till.sql.sqlite import SqliteBooks
from tuckshop.till.state.working_set import WorkingSet

Clock = Callable[[], int]


def system_clock() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1_000


def open_books(url: str, *, clock: Clock | None = None, events: Events | None = None) -> Books:
    """The till's side of the database. On PostgreSQL the database's own clock counts unless one is given."""
    if url.startswith("sqlite"):
        return SqliteBooks(path=sqlite_path(url), clock=clock or system_clock)
    tells = (lambda: True) if events is None else events.is_wanted
    return PostgresBooks(dsn=postgres_dsn(url), clock=clock, tells=tells)


@asynccontextmanager
async def open_shop(
    given: Settings, *, clock: Clock | None = None, meter: Meter | None = None, events: Events | None = None
) -> AsyncIterator[Shop]:
    """The shop of these settings, its till open for as long as the context lasts.

    Raises:
        DatabaseUnusable, SettingsInvalid: one sentence that says what to do.
    """
    telemetry.set_up_logs(for_people=given.log_format is LogFormat.CONSOLE)
    require_usable(given.redis_url)
    sign_on = open_services(given)
    engine = open_engine(given.url)
    replica = _open_replica(given, primary=engine)
    passwords = Passwords()
    notes: Notes | None = None
    try:
        await check(engine, unsafe_durability=given.unsafe_durability)
        tokens = Tokens(secret=given.signing_secret(), clock=clock or system_clock)
        if replica is not None:
            await replica.check()
        policy = await _policy(given, engine, tokens)
        books = open_books(given.url, clock=clock, events=events)
        # On PostgreSQL events come back from the database, those of other processes among them.
        committed: Callable[[WorkingSet], None] | None = None
        in_doubt: Callable[[], None] | None = None
        if events is not None and isinstance(books, SqliteBooks):
            committed, events.version = events.committed, books.version
        elif events is not None and given.redis_url:
            committed, in_doubt = events.share, events.in_doubt
        if given.redis_url:
            notes = Notes(given.redis_url, seal=tokens.seal)
        alerts, health = Alerts(), Health(folder=given.metrics_folder, is_silent=events is None)
        async with Till(
            books=books,
            policy=policy,
            committed=committed,
            in_doubt=in_doubt,
            alerts=alerts,
            health=health,
        ) as till:
            yield Shop(
                engine=engine,
                till=till,
                tokens=tokens,
                passwords=passwords,
                sign_on=sign_on,
                clock=clock or system_clock,
                meter=meter or Meter(),
                alerts=alerts,
                notes=notes,
                health=health,
                replica=replica,
            )
    finally:
        passwords.close()
        if sign_on.directory is not None:
            sign_on.directory.close()
        if notes is not None:
            await notes.close()
        await engine.dispose()
        if replica is not None:
            await replica.dispose()


def _open_replica(given: Settings, *, primary: AsyncEngine) -> Replica | None:
    return Replica(open_engine(given.replica_url), primary=primary) if given.replica_url else None


async def _policy(given: Settings, engine: AsyncEngine, tokens: Tokens) -> Policy:
    return Policy(
        currency=await read_currency(engine),
        coins=given.coins,
        refund_window_seconds=given.refund_window_seconds,
        payout_delay_days=given.payout_delay_days,
        tab_limit_cents=given.tab_limit_cents,
        tabs_for=given.tabs_for,
        tab_exposure_cents=given.exposure_cents,
        coins_daily_cap_cents=given.coins_daily_cap_cents,
        guest_undo=given.guest_undo,
        user_undo=given.user_undo,
        coins_machine_daily_cap_cents=given.coins_machine_daily_cap_cents,
        staff_second_factor=given.staff_second_factor is SecondFactorMode.REQUIRED,
        # Whoever starts the server in some other way must not open a real shop's kiosk either.
        kiosk_open=given.kiosk_open and await holds_demo(engine),
        days=given.days,
        address_hash=partial(address_hash, tokens),
    )
