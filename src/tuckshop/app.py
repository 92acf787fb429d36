"""The ASGI application: one shop, opened with the server and closed with it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, suppress
from functools import cache
from typing import Any

import structlog
from starlette.routing import Router as Lifecycle
from starlette.types import Receive, Scope, Send

from tuckshop import settings
from tuckshop.api import (
    admin_log,
    audit,
    coin_boxes,
    docs,
    events,
    guests,
    health,
    machines,
    orders,
    product_approvals,
    product_images,
    products,
    reports,
    screens,
    second_factor,
    selling,
    sessions,
    shelves,
    tabs,
    transfers,
    users,
    wallet,
)
from tuckshop.api import metrics as metrics_page
from tuckshop.api.contract import V1
from tuckshop.api.problems import PROBLEMS
from tuckshop.api.requests import admit
from tuckshop.context import Shop
from tuckshop.dialects.shared import mounting
from tuckshop.dialects.shared.mounting import Dispatcher
from tuckshop.http import openapi, postman
from tuckshop.http.bodies import Bodies
from tuckshop.http.handlers import Router
from tuckshop.http.hosts import ANY, LOOPBACK_HOSTS, HostCheck
from tuckshop.http.middleware import Middleware
from tuckshop.http.router import Application
from tuckshop.http.state import Running
from tuckshop.http.timeouts import BodyTimeouts
from tuckshop.http.tracing import Tracing
from tuckshop.operations import alerts, error_reports, metrics, readiness, retention, signing_key
from tuckshop.operations import orders as orders_kept
from tuckshop.operations.connections import Connections
from tuckshop.operations.shop_state import is_demo as holds_demo
from tuckshop.operations.startup import Clock, open_shop
from tuckshop.queries.events import Events
from tuckshop.settings import Settings
from tuckshop.store.engine import postgres_dsn
from tuckshop.telemetry import Meter
from tuckshop.web import routes

log = structlog.get_logger(__name__)

LAST_SECONDS_MAX = 5  # For requests still being answered when the server ends; an answer takes milliseconds.
_VALUES_A_BATCH = 5_000  # What is looked through for garbage at once; Python's own 700 cost sales 6 %.


class Service:
    """The whole ASGI application: requests go to the middleware, start and end of the server to the shop."""

    def __init__(
        self,
        middleware: Middleware,
        lifespan: Callable[[Any], AbstractAsyncContextManager[None]],
        *,
        tracing: Tracing | None = None,
    ) -> None:
        self.middleware = middleware
        self._outermost = tracing or middleware
        self._lifecycle = Lifecycle(lifespan=lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's whole life. Nobody is let in by a web socket."""
        await (self._outermost if scope["type"] == "http" else self._lifecycle)(scope, receive, send)


def create_served_app() -> Service:
    """The application of a worker process of its own, for the settings of the environment."""
    return create_app(owns_process=True)


def create_app(
    given: Settings | None = None, *, clock: Clock | None = None, owns_process: bool = False
) -> Service:
    """The application for these settings; those of the environment unless given.

    `owns_process`: SIGTERM is taken from the server, to close the streams of events that it would wait for;
    and garbage is looked for as befits a server.
    """
    given = given or settings.read()
    meter = Meter()
    watched = Events(streams_max=given.event_streams, streams_max_of_place=given.event_streams_per_address)
    body_timeouts, bodies = BodyTimeouts(), Bodies()
    is_measured = given.metrics or bool(given.metrics_token)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        opened = open_shop(given, clock=clock, meter=meter, events=watched)
        async with _reported(given, tracing), opened as shop:
            is_demo = await _identify(shop, given)
            middleware.running = Running(shop, watched, body_timeouts, bodies, given, settings.sources(given))
            if is_demo or ANY not in given.hosts:
                middleware.guard(_host_check(inside, given, is_demo=is_demo))
            if owns_process:
                _let_memory_rest()
                asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _close, watched, body_timeouts)
            always = [*_upkeep(shop, given, watched), body_timeouts.keep_looking()]
            if owns_process:  # Elsewhere there are others' files too.
                always.append(_looking_at_connections(given, meter))
            if is_measured and given.metrics_folder:
                always.append(metrics.keep_sharing(shop, events=watched, folder=given.metrics_folder))
            tasks = [asyncio.create_task(one) for one in always]
            try:
                yield
            finally:
                watched.shut()
                # The server waits for clients alone; a request whose client has left uses connections too.
                with suppress(TimeoutError):
                    await asyncio.wait_for(middleware.finish(), LAST_SECONDS_MAX)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    inside = _inside(given, is_measured=is_measured)
    middleware = Middleware(
        inside,
        meter=meter if is_measured else None,
        access_log=given.access_log,
        is_https=given.is_https,
    )
    tracing = Tracing(middleware) if given.otel else None
    return Service(middleware, lifespan, tracing=tracing)


def _upkeep(shop: Shop, given: Settings, watched: Events) -> Iterator[Coroutine[Any, Any, None]]:
    """What a server does beside answering, for as long as it runs."""
    yield retention.keep_forgetting(shop, retention.Kept.by(given))
    yield orders_kept.keep_expiring(shop, hours=given.placed_hours)
    yield alerts.keep_storing(shop)
    yield readiness.keep_looking(shop, unsafe_durability=given.unsafe_durability)
    yield watched.keep_telling(shop.engine)
    yield watched.keep_looking()
    yield watched.keep_checking(shop.engine, clock=shop.clock)
    if given.url.startswith("postgres"):
        yield watched.listen(postgres_dsn(given.url)).keep_listening()
        if given.redis_url:
            line = watched.listen_through_redis(given.redis_url, seal=shop.tokens.seal)
            yield line.keep_listening()


def _looking_at_connections(given: Settings, meter: Meter) -> Coroutine[Any, Any, None]:
    return Connections(
        port=given.port, most=given.connections, proxies=given.proxies, meter=meter
    ).keep_looking()


@asynccontextmanager
async def _reported(given: Settings, tracing: Tracing | None) -> AsyncIterator[None]:
    """Errors and traces go where the settings say, for as long as the context lasts."""
    with ExitStack() as around:
        if given.sentry_dsn:
            around.callback(error_reports.start(given.sentry_dsn))
        if tracing is not None:
            around.callback(tracing.end)
        yield


def _inside(given: Settings, *, is_measured: bool) -> Dispatcher:
    """/v1, pages and dialects, without what every answer has."""
    contract = api()
    if is_measured:
        contract = _api(metrics_page.router(token=given.metrics_token, folder=given.metrics_folder))
    spoken = mounting.chosen(given)
    mounted = {name: dialect.app(prefix=dialect.prefix) for name, dialect in spoken.items()}
    root = spoken.get(given.root_dialect)
    root_app = None if root is None else root.app(prefix="/")
    return Dispatcher(
        contract,
        pages=routes.app(),
        is_for_browsers=routes.is_for_browsers,
        mounted=mounted,
        at_root=dict.fromkeys(root.first_parts, root_app) if root and root_app else {},
    )


async def _identify(shop: Shop, given: Settings) -> bool:
    """Whether the shop is a demo. Any other signs with the key that it has had from its first start.

    Raises:
        SettingsInvalid: this process has another key.
    """
    if await holds_demo(shop.engine):
        return True
    recorded = await signing_key.claim(shop.engine, given)
    if recorded is not None:
        log.info("key.recorded", fingerprint=recorded)
    return False


@cache
def api() -> Application:
    """/v1 and what stands beside it."""
    return _api()


def _api(*more: Router) -> Application:
    return Application([_v1(), health.router, docs.router, *more], errors=PROBLEMS, before=admit)


def _v1() -> Router:
    return Router(
        "/v1",
        [
            users.router,
            sessions.router,
            products.router,
            product_images.router,
            product_images.images,
            wallet.router,
            wallet.earnings_router,
            orders.router,
            tabs.router,
            second_factor.own,
            second_factor.others,
            transfers.router,
            transfers.topups,
            transfers.payouts,
            transfers.reversals,
            guests.router,
            machines.router,
            shelves.router,
            coin_boxes.router,
            screens.router,
            product_approvals.router,
            selling.router,
            reports.router,
            audit.router,
            events.router,
            admin_log.router,
        ],
    )


def _host_check(inside: Dispatcher, given: Settings, *, is_demo: bool) -> HostCheck:
    """Around the application: requests for its own names alone, and in a demo none from a proxy."""
    return HostCheck(
        inside,
        hosts=given.hosts or LOOPBACK_HOSTS | given.own_hosts,
        errors=PROBLEMS,
        takes_private=not (is_demo or given.hosts),
        refuses_forwarded=is_demo,
    )


def _let_memory_rest() -> None:
    """What there is at the start stays to the end: looking through it again and again finds nothing.

    And a batch of sales makes some thousand values, all gone when it is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_VALUES_A_BATCH)


def _close(events: Events, body_timeouts: BodyTimeouts) -> None:
    """Ends the streams first: the server waits for what is being answered, and they never end by themselves.
    Nor do requests whose body does not come.

    Then on with the server's own way of ending, which SIGINT still leads to: no new connections, idle ones
    closed, every request that was taken answered.
    """
    events.shut()
    body_timeouts.hurry()
    os.kill(os.getpid(), signal.SIGINT)


def openapi_document(dialect: str | None = None) -> dict[str, Any]:
    """The OpenAPI document of /v1, or of a dialect; it needs no database. Raises SettingsInvalid."""
    if dialect is not None:
        return mounting.find(dialect).document()
    return openapi.document(api().routes, V1)


def postman_collection(dialect: str | None = None, *, address: str) -> dict[str, Any]:
    """The same as a Postman collection for the server at `address`. Raises SettingsInvalid."""
    walk = V1.walk if dialect is None else mounting.find(dialect).contract.walk
    return postman.collection(openapi_document(dialect), walk, address=address)
