"""`tuckshop serve`: the server, and the checks before it starts."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from tuckshop.cli.commands import FILLED, Change, Whole
from tuckshop.cli.shop_access import run
from tuckshop.domain.refunds import UndoMode

if TYPE_CHECKING:
    from granian.server.mp import MPServer

    from tuckshop.settings import Settings

# A batch makes thousands of objects and drops them together. With Python's own thresholds (700, 10, 10)
# cycles are looked for in the middle of each, which costs a quarter of every sale.
GARBAGE_THRESHOLDS = (20_000, 20, 20)
KILL_SECONDS = 8  # A worker that has not settled its queue by then is stuck; the whole end takes 10 at most.
BACKLOG = 1_024  # Connections that wait to be accepted; more than a quiet second brings.
BUFFER_BYTES_MAX = 32_768  # Of each connection: so long may the head of a request be, cookies and all.
CONNECTIONS_MIN = 100
FILES_BESIDE = 256  # What a process has open beside its connections: the database, threads, uploads.
WORKERS_ON_SQLITE = "SQLite supports one worker. Start one, or use PostgreSQL."


def where_to_serve(command: Callable[..., None]) -> Callable[..., None]:
    """The options that `serve` and `demo` share."""
    for option in (
        click.option(
            "--dialect", "root_dialect", type=FILLED, metavar="NAME", help="The dialect to serve at the root."
        ),
        click.option(
            "--workers", type=Whole(1, 64), help="Server processes [1]; more than one needs PostgreSQL."
        ),
        click.option("--port", type=Whole(1, 65535), help="Port to listen on [8000]."),
        click.option("--host", type=FILLED, metavar="ADDRESS", help="Address to listen on [127.0.0.1]."),
    ):
        command = option(command)
    return command


@click.command(cls=Change)
@where_to_serve
def serve(**options: Any) -> None:
    """Run the server until Ctrl-C or SIGTERM."""
    from tuckshop import settings
    from tuckshop.operations import serving

    given = settings.read(**options)
    run(check(given))
    with serving.alone(given.url):
        at = require_free(given.host, given.port)
        run(claim_key(given))
        _announce(given)
        listen(given, at=at)


def _announce(given: Settings) -> None:
    from tuckshop.domain.tabs import TabsFor

    export(host=given.host, port=given.port, workers=given.workers, root_dialect=given.root_dialect)
    where = address(given.host, given.port)
    click.echo(f"The shop is running at {where} (press Ctrl-C to stop). API documentation: {where}/docs")
    if not given.is_https:
        click.echo(
            "Warning: this server does not use HTTPS, so others on the network can read passwords and "
            "cookies. Put it behind a proxy with HTTPS, and set TUCKSHOP_PUBLIC_URL=https://...",
            err=True,
        )
    elif not given.proxies:
        click.echo(
            "Warning: no proxy is named in TUCKSHOP_TRUSTED_PROXIES, so all users behind yours share one "
            "address: whoever guesses passwords locks the others out. Name the proxy there.",
            err=True,
        )
    if given.machine_undo is None and given.guest_undo is UndoMode.CONTRACT:
        click.echo(
            "Warning: guests of the dialect kiosk can undo what was dispensed, three times a day under each "
            "name. Set TUCKSHOP_MACHINE_UNDO=bounded to limit this, or =contract if you accept it.",
            err=True,
        )
    if given.tabs_for is TabsFor.EVERYBODY and given.tab_limit_cents:
        click.echo(
            "Warning: whoever registers can order on the tab, all of them together for up to"
            f" {given.exposure_cents} cents (TUCKSHOP_TAB_FOR=everybody).",
            err=True,
        )
    code = run(first_code(given))
    if code is not None:
        click.echo(f"The shop has no admin yet. Create one at {where}/office/first with this code: {code}")


async def claim_key(given: Settings) -> None:
    """Returns only if the shop signs with this node's key; the first `serve` stores which one that is.

    Raises:
        SettingsInvalid: the shop has another key.
    """
    from tuckshop.operations import signing_key
    from tuckshop.store.engine import opened_engine

    async with opened_engine(given.url) as engine:
        recorded = await signing_key.claim(engine, given)
    if recorded is not None:
        click.echo(
            f"Stored the fingerprint of the signing key ({recorded}). Nodes with another key are refused."
        )


async def first_code(given: Settings) -> str | None:
    """A code that makes the first admin, until the server ends; None where there is one already."""
    from tuckshop.identity import first_admin
    from tuckshop.store.engine import opened_engine

    async with opened_engine(given.url) as engine:
        if not await first_admin.is_missing(engine):
            return None
    code, kept = first_admin.new_code()
    export(first_code_hash=kept)  # The workers know no more of it.
    return code


async def check(given: Settings) -> None:
    """Returns only if the shop can be served with these settings.

    Raises:
        DatabaseUnusable, SettingsInvalid, click.UsageError: one sentence that says what to do.
    """
    from tuckshop.dialects.shared import mounting
    from tuckshop.http import tracing
    from tuckshop.operations import error_reports, shop_state, signing_key
    from tuckshop.store.engine import check, opened_engine
    from tuckshop.store.migrations import revisions
    from tuckshop.store.redis_server import require_usable
    from tuckshop.store.writable import require_writable

    require_one_till(given)
    require_usable(given.redis_url)
    if given.sentry_dsn:
        error_reports.start(given.sentry_dsn)()
    if given.otel:
        tracing.require()
    mounting.require_served(given)
    if given.kiosk_open:
        raise click.UsageError(
            "TUCKSHOP_KIOSK_OPEN is for demos only. Unset it, and give each kiosk the "
            "key of its machine (`tuckshop machine key`)."
        )
    async with opened_engine(given.url) as engine:
        state = await check(engine, unsafe_durability=given.unsafe_durability)
        if state.is_ahead:
            click.echo(
                f"Warning: the database is newer (revision {state.revision}) than this version of Tuckshop"
                f" (revision {revisions()[-1]}), which still works on it. Install the new version soon.",
                err=True,
            )
        await require_writable(engine)
        if await shop_state.is_demo(engine):
            raise click.UsageError(
                "This is a demo database, and its passwords are public. Run `tuckshop demo` instead."
            )
        await signing_key.check(engine, given)


def require_one_till(given: Settings) -> None:
    """Raises click.UsageError for several workers on SQLite: each would have a till of its own."""
    if given.workers > 1 and given.url.startswith("sqlite"):
        raise click.UsageError(WORKERS_ON_SQLITE)


def require_free(host: str, port: int) -> str:
    """The address in numbers. Raises click.UsageError if nobody can listen there.

    The server's own sockets share their port (SO_REUSEPORT): a second server would take every other request.
    """
    try:
        family, kind, protocol, _, at = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise click.UsageError(f"{host!r} is not an address. Give another --host.") from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(at)
        except OSError as error:
            raise click.UsageError(
                f"Cannot listen on {host} port {port} ({error.strerror}). Give another --port or --host."
            ) from None
    return str(at[0])


def address(host: str, port: int) -> str:
    """Where a browser on this computer finds the server."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def export(**wanted: Any) -> None:
    """Settings of this command, for the workers: they read the environment like everybody."""
    from tuckshop import settings

    known = settings.read()
    told = {name: value for name, value in wanted.items() if value != getattr(known, name)}
    told["from_command"] = ",".join((*filter(None, [known.from_command]), *told))
    os.environ.update({f"{settings.PREFIX}{name.upper()}": str(value) for name, value in told.items()})


def listen(given: Settings, *, at: str) -> None:
    """Serves until SIGINT or SIGTERM; the queue is settled before it returns."""
    import gc
    import importlib
    import tempfile

    import msgspec

    from tuckshop.store.health import forget_marks

    # Before the workers fork: they share what is loaded, and start without loading it again.
    importlib.import_module("tuckshop.app")
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    given = msgspec.structs.replace(given, connections=allow_connections(given.connections))
    export(connections=given.connections)
    with tempfile.TemporaryDirectory(prefix="tuckshop-metrics-") as folder:
        if given.metrics_folder:
            forget_marks(given.metrics_folder)
        else:
            export(metrics_folder=folder)
        _serve(given, at=at)


def allow_connections(wanted: int) -> int:
    """How many connections each process can have: the limit of open files is raised for them.

    Where it cannot be, a warning says so.
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted + FILES_BESIDE
    if soft == resource.RLIM_INFINITY or soft >= files:
        return wanted
    allowed = files if hard == resource.RLIM_INFINITY else min(files, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):
        allowed = soft  # The system has a limit of its own.
    possible = max(min(wanted, allowed - FILES_BESIDE), CONNECTIONS_MIN)
    if possible < wanted:
        click.echo(
            f"Warning: a process can open only {allowed} files here, so each serves {possible} connections, "
            f"not {wanted}. Raise the limit of open files (`ulimit -n`), or set TUCKSHOP_CONNECTIONS.",
            err=True,
        )
    return possible


def server_class() -> type[MPServer]:
    """granian's server, which two signals in quick succession end too."""
    from granian.server.mp import MPServer

    class Server(MPServer):
        def signal_handler_interrupt(self, *_: object) -> None:
            # It sets an event, which has a lock: the handler of a second signal would wait for it in the very
            # thread that holds it, for ever.
            if not self.interrupt_signal:
                super().signal_handler_interrupt()  # type: ignore[no-untyped-call]

    return Server


def _serve(given: Settings, *, at: str) -> None:
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    server_class()(
        "tuckshop.app:create_served_app",
        factory=True,
        address=at,
        port=given.port,
        workers=given.workers,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        websockets=False,
        http=HTTPModes.http1,  # With HTTP/2 beside it, idle connections are never closed.
        http1_settings=HTTP1Settings(
            header_read_timeout=given.idle_seconds * 1_000, max_buffer_size=BUFFER_BYTES_MAX
        ),
        backlog=BACKLOG,
        backpressure=given.connections,
        workers_kill_timeout=KILL_SECONDS,
        log_level=LogLevels.warning,
        log_access=False,
    ).serve()
