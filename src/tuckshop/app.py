"""The ASGI application: one shop, opened with the server and closed with it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Router

from tuckshop import settings, telemetry
from tuckshop.api import (
    accounts,
    admin_log,
    audit,
    catalogue,
    docs,
    events,
    guests,
    health,
    machines,
    orders,
    reports,
    sessions,
    tabs,
    transfers,
    wallet,
)
from tuckshop.api import metrics as metrics_page
from tuckshop.api.contract import V1
from tuckshop.api.problems import PROBLEMS
from tuckshop.api.requests import require_strict
from tuckshop.dialects import serving as dialects
from tuckshop.dialects.serving import Switchboard
from tuckshop.http import openapi, postman
from tuckshop.http.calls import Call
from tuckshop.http.edge import Edge
from tuckshop.http.gate import LOOPBACK_HOSTS, Gate
from tuckshop.http.lane import Lane
from tuckshop.http.stalls import Stalls
from tuckshop.services import idempotency, metrics
from tuckshop.services.events import Events
from tuckshop.services.passwords import Passwords
from tuckshop.services.shop import Shop
from tuckshop.services.shopkeeping import is_demo as holds_demo
from tuckshop.services.shopkeeping import read_currency
from tuckshop.services.tokens import Tokens
from tuckshop.settings import Settings
from tuckshop.store.engine import check, open_engine, postgres_dsn, sqlite_path
from tuckshop.telemetry import Meter
from tuckshop.till.batch import Till
from tuckshop.till.books import Books
from tuckshop.till.books_postgres import PostgresBooks
from tuckshop.till.books_sqlite import SqliteBooks
from tuckshop.till.policy import Policy
from tuckshop.web import serving as web

_VALUES_A_BATCH = 5_000  # What is looked through for garbage at once; Python's own 700 cost sales 6 %.

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
    telemetry.set_up_logs()
    engine = open_engine(given.url)
    passwords = Passwords()
    try:
        await check(engine, unsafe_durability=given.unsafe_durability)
        policy = Policy(
            currency=await read_currency(engine),
            coins=given.coins,
            refund_window_seconds=given.refund_window_seconds,
            tab_limit_cents=given.tab_limit_cents,
            coins_daily_cap_cents=given.coins_daily_cap_cents,
            # Whoever starts the server in some other way must not open a real shop's kiosk either.
            kiosk_open=given.kiosk_open and await holds_demo(engine),
            days=given.days,
        )
        tokens = Tokens(secret=given.signing_secret(), clock=clock or system_clock)
        books = open_books(given.url, clock=clock, events=events)
        # On PostgreSQL events come back from the database, those of other processes among them.
        committed = None
        if events is not None and isinstance(books, SqliteBooks):
            committed, events.version = events.committed, books.version
        async with Till(books=books, policy=policy, committed=committed) as till:
            yield Shop(
                engine=engine,
                till=till,
                tokens=tokens,
                passwords=passwords,
                clock=clock or system_clock,
                meter=meter or Meter(),
                events=events or Events(),
            )
    finally:
        passwords.close()
        await engine.dispose()


def create_served_app() -> Litestar:
    """The application of a worker process of its own, for the settings of the environment."""
    return create_app(owns_process=True)


def create_app(
    given: Settings | None = None, *, clock: Clock | None = None, owns_process: bool = False
) -> Litestar:
    """The application for these settings; those of the environment unless given.

    `owns_process`: SIGTERM is taken from the server, to close the streams of events that it would wait for;
    and garbage is looked for as befits a server.
    """
    given = given or settings.read()
    meter = Meter()
    watched = Events(streams_max=given.event_streams)
    stalls = Stalls()
    is_measured = given.metrics or bool(given.metrics_token)
    v1 = Router(
        path="/v1",
        route_handlers=[
            accounts.router,
            sessions.router,
            catalogue.router,
            catalogue.images,
            wallet.router,
            wallet.earnings_router,
            orders.router,
            tabs.router,
            transfers.router,
            transfers.topups,
            transfers.payouts,
            guests.router,
            machines.router,
            reports.router,
            audit.router,
            events.router,
            admin_log.router,
        ],
    )

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with open_shop(given, clock=clock, meter=meter, events=watched) as shop:
            for one in (app, rooms, *mounted.values(), *([root_app] if root_app else [])):
                one.state.shop = shop
                one.state.stalls = stalls
                one.state.settings = given
            is_demo = await holds_demo(shop.engine)
            hosts = given.hosts or (LOOPBACK_HOSTS | {given.host.lower()} if is_demo else frozenset())
            if hosts:
                edge.guard(Gate(inside, hosts=hosts, errors=PROBLEMS, refuses_forwarded=is_demo))
            if owns_process:
                _let_memory_rest()
                asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _close, watched, stalls)
            always: list[Coroutine[Any, Any, None]] = [
                idempotency.keep_forgetting(shop),
                watched.keep_telling(shop.engine),
                watched.keep_looking(),
                stalls.keep_looking(),
                watched.keep_checking(shop.engine, clock=shop.clock),
            ]
            if given.url.startswith("postgres"):
                always.append(watched.listen(postgres_dsn(given.url)).keep_listening())
            if is_measured and given.metrics_folder:
                always.append(metrics.keep_sharing(shop, folder=given.metrics_folder))
            tasks = [asyncio.create_task(one) for one in always]
            try:
                yield
            finally:
                watched.shut()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    routes = [v1, health.router, docs.router]
    if is_measured:
        routes.append(metrics_page.router(token=given.metrics_token, folder=given.metrics_folder))
    app = Litestar(
        route_handlers=routes,
        request_class=Call,
        lifespan=[lifespan],
        before_request=require_strict,
        exception_handlers=PROBLEMS.handlers(),
        openapi_config=None,  # The framework's own documents would say less, and load scripts from elsewhere.
        debug=False,
        logging_config=None,
    )
    spoken = dialects.chosen(given)
    mounted = {name: dialect.app(prefix=dialect.prefix) for name, dialect in spoken.items()}
    root = spoken.get(given.root_dialect)
    root_app = None if root is None else root.app(prefix="/")
    rooms = web.app()
    inside = Switchboard(
        Lane(app),
        pages=rooms.asgi_handler,
        is_for_people=web.is_for_people,
        mounted=mounted,
        at_root=dict.fromkeys(root.first_parts, root_app) if root and root_app else {},
    )
    edge = Edge(
        inside,
        meter=meter if is_measured else None,
        access_log=given.access_log,
        is_https=given.is_https,
    )
    app.asgi_handler = edge
    return app


def _let_memory_rest() -> None:
    """What there is at the start stays to the end: looking through it again and again finds nothing.

    And a batch of sales makes some thousand values, all gone when it is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_VALUES_A_BATCH)


def _close(events: Events, stalls: Stalls) -> None:
    """Ends the streams first: the server waits for what is being answered, and they never end by themselves.
    Nor do requests whose body does not come.

    Then on with the server's own way of ending, which SIGINT still leads to: no new connections, idle ones
    closed, every request that was taken answered.
    """
    events.shut()
    stalls.hurry()
    os.kill(os.getpid(), signal.SIGINT)


def openapi_document(dialect: str | None = None) -> dict[str, Any]:
    """The OpenAPI document of /v1, or of a dialect; it needs no database. Raises SettingsInvalid."""
    if dialect is not None:
        return dialects.find(dialect).document()
    return openapi.document(create_app(Settings()).routes, V1)


def postman_collection(dialect: str | None = None, *, address: str) -> dict[str, Any]:
    """The same as a Postman collection for the server at `address`. Raises SettingsInvalid."""
    walk = V1.walk if dialect is None else dialects.find(dialect).contract.walk
    return postman.collection(openapi_document(dialect), walk, address=address)
