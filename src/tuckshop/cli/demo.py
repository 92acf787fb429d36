"""`tuckshop demo`: a lively shop to look around in, on this computer alone."""

from __future__ import annotations

import fcntl
import ipaddress
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuckshop.cli.commands import Command
from tuckshop.cli.serve import address, export, listen, require_free, require_one_till, where_to_serve
from tuckshop.cli.shop_access import opened_engine, run

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from tuckshop.settings import Settings

FILE = "demo.sqlite3"
TAB_LIMIT_CENTS = 100_000  # The example in the document of app-demo is an order of 61.60.


@click.command(cls=Command)
@where_to_serve
@click.option("--reset", is_flag=True, help="Throw the demo away, and make it anew.")
def demo(*, reset: bool, **options: Any) -> None:
    """Open a demo shop: sellers, products, buyers, four weeks of history.

    It listens on this computer alone, and its passwords are known to everybody. Needs no `init`; what
    happens in it is kept until `--reset`.
    """
    given = demo_settings(**options)
    _require_loopback(given.host)
    require_one_till(given)
    at = require_free(given.host, given.port)
    if reset or not run(is_made(given)):
        _make(given, reset=reset)
        _start_over()
    export(
        host=given.host,
        port=given.port,
        workers=given.workers,
        database_url=given.url,
        secret=given.secret,
        coins=given.coins,
        tab_limit_cents=given.tab_limit_cents,
        dialects=given.dialects,
        root_dialect=given.root_dialect,
        kiosk_open=given.kiosk_open,
    )
    _welcome(given)
    listen(given, at=at)


def demo_settings(**overrides: object) -> Settings:
    """The settings in force, and on top of them what makes a demo: its own database and secret."""
    import msgspec

    from tuckshop import settings
    from tuckshop.dialects import NAMES
    from tuckshop.domain.wallet import CoinsPolicy

    given = settings.read(**overrides)  # type: ignore[arg-type]  # The first is the environment, by place.
    return msgspec.structs.replace(
        given,
        database_url=given.database_url or f"sqlite:///{given.home_path / FILE}",
        # Never the shop's own: a log-in from here must open no other shop.
        secret=secrets.token_hex(settings.SECRET_LENGTH_MIN),
        coins=CoinsPolicy.SELF,
        tab_limit_cents=given.tab_limit_cents or TAB_LIMIT_CENTS,
        dialects=given.dialects or ",".join(NAMES),
        kiosk_open=True,
    )


async def is_made(given: Settings) -> bool:
    """Whether the demo is there, whole; one made by an older Tuckshop is brought up to this one.

    Raises:
        click.UsageError: the database is another shop's, or a demo that was not finished.
        DatabaseUnusable: it cannot be read.
    """
    from sqlalchemy import select

    from tuckshop.cli.demo_history import MADE
    from tuckshop.store import tables
    from tuckshop.store.engine import check, reading
    from tuckshop.store.migrate import current_revision, head_revision, upgrade

    async with opened_engine(given.url) as engine:
        if not await _holds_demo(engine):
            return False
        if await current_revision(engine) != head_revision():
            await upgrade(engine)
        await check(engine, unsafe_durability=given.unsafe_durability)
        async with reading(engine) as connection:
            log = tables.admin_log.c
            if await connection.scalar(select(log.id).where(log.action == MADE)) is None:
                raise click.UsageError(
                    "The demo was not finished: make it anew with `tuckshop demo --reset`."
                )
    return True


async def make(
    given: Settings, *, now_us: int, tell: Callable[[float], None] = lambda _: None, days: int | None = None
) -> None:
    """Makes the demo in an empty database, `days` of history up to `now_us`."""
    from tuckshop.cli.demo_history import DAY_US, DAYS, Clock, History
    from tuckshop.operations.startup import open_shop
    from tuckshop.store.engine import writing
    from tuckshop.store.migrate import upgrade
    from tuckshop.store.setup import install

    days = DAYS if days is None else days
    clock = Clock((now_us // DAY_US - days) * DAY_US)
    async with opened_engine(given.url) as engine:
        await upgrade(engine)
        async with writing(engine) as connection:
            await install(connection, is_demo=True, now_us=clock())
    async with open_shop(given, clock=clock) as shop:
        await History(shop, clock, end_us=now_us, days=days, tell=tell).live()


async def _holds_demo(engine: AsyncEngine) -> bool:
    """Whether there is a demo; False for an empty database. Raises click.UsageError for anything else."""
    from tuckshop.operations import shop_state as shopkeeping
    from tuckshop.store.engine import file_of, read_state, require_known

    if engine.dialect.name == "sqlite" and not file_of(engine).exists():
        return False
    state = await read_state(engine)
    if not state.tables:
        return False
    require_known(state)
    if not state.is_installed or not await shopkeeping.is_demo(engine):
        raise click.UsageError(
            "TUCKSHOP_DATABASE_URL names a real shop, which the demo leaves alone: unset it, or name another."
        )
    return True


def _make(given: Settings, *, reset: bool) -> None:
    """Makes the demo behind a progress bar. A file gets its name only once it is whole."""
    import msgspec

    from tuckshop.store.engine import sqlite_path

    if reset:
        run(require_no_shop(given))
    with _progress() as tell:
        now_us = time.time_ns() // 1_000
        if not given.url.startswith("sqlite"):
            run(make_in_place(given, reset=reset, now_us=now_us, tell=tell))
            return
        path = Path(sqlite_path(given.url))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(path):
            half = path.with_name(f"{path.name}.half")
            _remove(half)
            run(
                make(
                    msgspec.structs.replace(given, database_url=f"sqlite:///{half}"), now_us=now_us, tell=tell
                )
            )
            _remove(path)
            half.rename(path)


def _start_over() -> None:
    """Begins this command again: making the demo has loaded twice of what serving it takes."""
    sys.stdout.flush()
    words = [word for word in sys.orig_argv[1:] if word != "--reset"]
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606


async def require_no_shop(given: Settings) -> None:
    """Raises click.UsageError for a shop that is no demo."""
    async with opened_engine(given.url) as engine:
        await _holds_demo(engine)


async def make_in_place(
    given: Settings, *, reset: bool, now_us: int, tell: Callable[[float], None], days: int | None = None
) -> None:
    """Makes the demo on a server, where nothing can be given its name once it is whole."""
    from sqlalchemy import text

    from tuckshop.store import tables
    from tuckshop.store.engine import writing

    async with opened_engine(given.url) as engine:
        if reset and await _holds_demo(engine):
            async with writing(engine) as connection:
                await connection.run_sync(tables.metadata.drop_all)
                await connection.execute(text("DROP TABLE alembic_version"))
    await make(given, now_us=now_us, tell=tell, days=days)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keeps a second `demo` from making the same file. Raises click.UsageError for the second."""
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.UsageError(
                "Another `tuckshop demo` is making the demo: wait until it is done."
            ) from None
        try:
            yield
        finally:
            Path(lock.name).unlink(missing_ok=True)


def _remove(path: Path) -> None:
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        file.unlink(missing_ok=True)


@contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from tuckshop.cli.output import console

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console()) as progress:
        task = progress.add_task("Making the demo shop", total=1.0)
        yield lambda done: progress.update(task, completed=done)


def _require_loopback(host: str) -> None:
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise click.UsageError(
            "Everybody knows the demo's passwords, so it listens on this computer alone: give a --host like "
            "127.0.0.1, or open a shop of your own with `tuckshop init`."
        )


def _welcome(given: Settings) -> None:
    from tuckshop.cli import output
    from tuckshop.cli.demo_goods import BUYERS, SELLERS
    from tuckshop.cli.demo_history import ADMIN, ADMIN_PASSWORD, CASHIER, PASSWORD

    where = address(given.host, given.port)
    # As it was called: `make run` leaves it where a shell does not look.
    program = sys.argv[0] if os.sep in sys.argv[0] else "tuckshop"
    output.facts(
        [
            ("Machine", where),
            ("Docs", f"{where}/docs"),
            ("Products", f"{where}/v1/products"),
            ("Database", given.shown()["TUCKSHOP_DATABASE_URL"]),
        ]
    )
    click.echo()
    output.table(
        ("Role", "Name", "Password"),
        [
            ("admin, seller, buyer", ADMIN, ADMIN_PASSWORD),
            ("cashier", CASHIER, PASSWORD),
            ("seller", ", ".join(SELLERS), PASSWORD),
            ("buyer", ", ".join(BUYERS[:6]) + " ...", PASSWORD),
        ],
    )
    click.echo(
        f"""
Things to try
  Buy as a guest: open {where}, put coins in, choose, and press Buy.
  Buy as ada: open {where}/login, then buy at the machine, and look at {where}/account.
  Program as ada: open {where}/docs, log in, put coins in (POST /v1/wallet/deposits), order (POST /v1/orders).
  Prove the books: TUCKSHOP_DATABASE_URL={given.shown()["TUCKSHOP_DATABASE_URL"]} {program} audit
  Begin again: {program} demo --reset

Ctrl-C closes the shop."""
    )
