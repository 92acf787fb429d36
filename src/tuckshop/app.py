"""The ASGI application: one shop, opened with the server and closed with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Router

from tuckshop import settings, telemetry
from tuckshop.api import accounts, audit, catalogue, docs, health, openapi, orders, problems, sessions, wallet
from tuckshop.api.edge import Edge
from tuckshop.api.requests import Call, require_strict
from tuckshop.services import idempotency
from tuckshop.services.passwords import Passwords
from tuckshop.services.shop import Shop
from tuckshop.services.shopkeeping import read_currency
from tuckshop.services.tokens import Tokens
from tuckshop.settings import Settings
from tuckshop.store.engine import check, open_engine, postgres_dsn, sqlite_path
from tuckshop.till.batch import Till
from tuckshop.till.books import Books
from tuckshop.till.books_postgres import PostgresBooks
from tuckshop.till.books_sqlite import SqliteBooks
from tuckshop.till.policy import Policy

Clock = Callable[[], int]


def system_clock() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1_000


def open_books(url: str, *, clock: Clock | None = None) -> Books:
    """The till's side of the database. On PostgreSQL the database's own clock counts unless one is given."""
    if url.startswith("sqlite"):
        return SqliteBooks(path=sqlite_path(url), clock=clock or system_clock)
    return PostgresBooks(dsn=postgres_dsn(url), clock=clock)


@asynccontextmanager
async def open_shop(given: Settings, *, clock: Clock | None = None) -> AsyncIterator[Shop]:
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
        )
        tokens = Tokens(secret=given.signing_secret(), clock=clock or system_clock)
        async with Till(books=open_books(given.url, clock=clock), policy=policy) as till:
            yield Shop(
                engine=engine, till=till, tokens=tokens, passwords=passwords, clock=clock or system_clock
            )
    finally:
        passwords.close()
        await engine.dispose()


def create_app(given: Settings | None = None, *, clock: Clock | None = None) -> Litestar:
    """The application for these settings; those of the environment unless given."""
    given = given or settings.read()
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
            audit.router,
        ],
    )

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with open_shop(given, clock=clock) as shop:
            app.state.shop = shop
            app.state.settings = given
            forgetting = asyncio.create_task(idempotency.keep_forgetting(shop), name="old keys")
            try:
                yield
            finally:
                forgetting.cancel()
                await asyncio.gather(forgetting, return_exceptions=True)

    app = Litestar(
        route_handlers=[v1, health.router, docs.router],
        request_class=Call,
        lifespan=[lifespan],
        before_request=require_strict,
        exception_handlers=problems.HANDLERS,
        openapi_config=None,  # The framework's own documents would say less, and load scripts from elsewhere.
        debug=False,
        logging_config=None,
    )
    app.asgi_handler = Edge(app.asgi_handler)
    return app


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of /v1; it needs no database."""
    return openapi.document(create_app(Settings()).routes)
