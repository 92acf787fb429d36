"""`tuckshop demo`: a demo shop on this computer."""

from __future__ import annotations

import fcntl
import ipaddress
import os
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tuckshop.cli.commands import Command
from tuckshop.cli.serve import address, export, listen, require_free, require_one_till, where_to_serve
from tuckshop.cli.shop_access import run

if TYPE_CHECKING:
    from tuckshop.settings import Settings

T = TypeVar("T")


@click.command(cls=Command)
@where_to_serve
@click.option("--reset", is_flag=True, help="Delete the demo and create a new one.")
def demo(*, reset: bool, **options: Any) -> None:
    """Run a demo shop with sellers, products, buyers and four weeks of sales.

    It listens on this computer only, because its passwords are public. It needs no `init`. Its data
    is kept until `--reset`.
    """
    from tuckshop import settings
    from tuckshop.demo.shop import demo_settings, is_made
    from tuckshop.operations import serving

    given = demo_settings(settings.read(**options))
    _require_loopback(given.host)
    require_one_till(given)
    at = require_free(given.host, given.port)
    if reset or not _run(is_made(given)):
        _make(given, reset=reset)
        _start_over()
    with serving.alone(given.url):
        _listen(given, at=at)


def _listen(given: Settings, *, at: str) -> None:
    export(
        host=given.host,
        port=given.port,
        workers=given.workers,
        database_url=given.url,
        secret=given.secret,
        coins=given.coins,
        tab_limit_cents=given.tab_limit_cents,
        tab_for=given.tabs_for,
        seller_registration=given.sellers_register,
        dialects=given.dialects,
        root_dialect=given.root_dialect,
        kiosk_open=given.kiosk_open,
    )
    _welcome(given)
    listen(given, at=at)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns. Raises click.UsageError where there is no demo, or half of one."""
    from tuckshop.demo.shop import RealShop, Unfinished

    try:
        return run(work)
    except RealShop:
        raise click.UsageError(
            "TUCKSHOP_DATABASE_URL is a real shop's database. Unset it, or set another one."
        ) from None
    except Unfinished:
        raise click.UsageError(
            "The demo is incomplete. Create it again with `tuckshop demo --reset`."
        ) from None


def _make(given: Settings, *, reset: bool) -> None:
    """Makes the demo behind a progress bar. A file gets its name only once it is complete."""
    import msgspec

    from tuckshop.demo.shop import make, make_in_place, require_no_shop
    from tuckshop.operations import serving
    from tuckshop.store.engine import sqlite_path

    if reset:
        _run(require_no_shop(given))
    with _progress() as progress:
        now_us = time.time_ns() // 1_000
        if not given.url.startswith("sqlite"):
            _run(make_in_place(given, reset=reset, now_us=now_us, progress=progress))
            return
        path = Path(sqlite_path(given.url))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(path), serving.alone(given.url):
            half = path.with_name(f"{path.name}.half")
            _remove(half)
            half_made = msgspec.structs.replace(given, database_url=f"sqlite:///{half}")
            _run(make(half_made, now_us=now_us, progress=progress))
            _remove(path)
            half.rename(path)


def _start_over() -> None:
    """Begins this command again: making the demo has loaded twice of what serving it takes."""
    sys.stdout.flush()
    words = [word for word in sys.orig_argv[1:] if word != "--reset"]
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keeps a second `demo` from making the same file. Raises click.UsageError for the second."""
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.UsageError(
                "Another `tuckshop demo` is creating the demo. Wait until it is ready."
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
        task = progress.add_task("Creating the demo shop", total=1.0)
        yield lambda done: progress.update(task, completed=done)


def _require_loopback(host: str) -> None:
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise click.UsageError(
            "The demo's passwords are public, so it listens only on this computer. Use a --host such as "
            "127.0.0.1, or set up your own shop with `tuckshop init`."
        )


def _welcome(given: Settings) -> None:
    from tuckshop.cli import output
    from tuckshop.demo.data import SHOP

    where = address(given.host, given.port)
    # As it was called: `make run` leaves it where a shell does not look.
    program = sys.argv[0] if os.sep in sys.argv[0] else "tuckshop"
    output.facts(
        [
            ("Machine", where),
            ("Docs", f"{where}/docs"),
            ("Products", f"{where}/v1/products"),
            ("Database", given.redacted()["TUCKSHOP_DATABASE_URL"]),
        ]
    )
    click.echo()
    output.table(
        ("Role", "Name", "Password"),
        [
            ("admin, seller, buyer", SHOP.admin.username, SHOP.admin.password),
            ("cashier", SHOP.cashier, SHOP.password),
            ("seller", ", ".join(SHOP.sellers), SHOP.password),
            ("buyer", ", ".join(SHOP.buyers[:6]) + " ...", SHOP.password),
        ],
    )
    click.echo(
        f"""
Things to try
  Buy as a guest: open {where}, insert coins, choose a product, and press Buy.
  Buy as ada: open {where}/login, then buy at the machine, and look at {where}/account.
  Program as ada: open {where}/docs, log in, add coins (POST /v1/wallet/deposits), order (POST /v1/orders).
  Run the audit: TUCKSHOP_DATABASE_URL={given.redacted()["TUCKSHOP_DATABASE_URL"]} {program} audit
  Start over: {program} demo --reset

Press Ctrl-C to stop."""
    )
