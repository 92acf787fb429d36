"""What is acknowledged is on the disk: each of 200 purchases in a row waited for a sync of its own.

kill -9 cannot show it, since the system keeps what a dead process wrote; so the syncs are counted.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.concurrency.scenes import PRICE_CENTS, Stage
from tests.limits import HANG_SECONDS
from tests.reader import Reader
from tests.server import serving
from tests.wire import lines
from tuckshop.till.callers import SessionCaller

PURCHASES = 200
UNSAFE = {"TUCKSHOP_UNSAFE_DURABILITY": "true"}
TILLS = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE application_name = 'tuckshop till' AND datname = current_database()"
)
POSTGRES_STAT_IO = (
    180_000  # Since PostgreSQL 18, syncs of the log are counted with all other input and output.
)


# Beneath the whole server: not every computer lets one process attach to another. Each call is one line; one
# that others interrupt has a second, without the bracket.
STRACE = ("strace", "-f", "--seccomp-bpf", "-q", "-e", "trace=fdatasync,fsync", "-e", "signal=none", "-o")
SYNC = re.compile(r"\bf(?:data)?sync\(")


@pytest.mark.more
def test_sqlite_syncs_every_purchase(
    sqlite_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    syncs = _on_sqlite(sqlite_url, tmp_path, bug=None)
    record_property("figures", f"{syncs} syncs for {PURCHASES} purchases")
    assert syncs >= PURCHASES


@pytest.mark.more
def test_finds_sqlite_without_syncs(sqlite_url: str, tmp_path: Path) -> None:
    assert _on_sqlite(sqlite_url, tmp_path, bug="normal-sync") < PURCHASES


@pytest.mark.postgres
def test_postgres_syncs_every_purchase(
    postgres_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    syncs = _on_postgres(postgres_url, tmp_path)
    record_property("figures", f"{syncs} syncs for {PURCHASES} purchases")
    assert syncs >= PURCHASES


@pytest.mark.postgres
def test_finds_postgres_without_syncs(postgres_url: str, tmp_path: Path) -> None:
    off = f"{postgres_url}{'&' if '?' in postgres_url else '?'}synchronous_commit=off"

    assert _on_postgres(off, tmp_path, settings=UNSAFE) < PURCHASES


def _on_sqlite(url: str, home: Path, *, bug: str | None) -> int:
    assert shutil.which(STRACE[0]), "strace is missing: `make test.more` says how to install it"
    calls = home / "calls"
    with serving(
        url, home, bug=bug, settings=UNSAFE if bug else None, under=(*STRACE, str(calls))
    ) as servers:
        stage = Stage(url, servers, Reader(url, home))
        buyer, product_id = asyncio.run(_seed(stage))
        before = len(SYNC.findall(calls.read_text()))
        assert asyncio.run(_buy(stage, buyer, product_id)) == []
        return len(SYNC.findall(calls.read_text())) - before


def _on_postgres(url: str, home: Path, *, settings: Mapping[str, str] | None = None) -> int:
    with serving(url, home, settings=settings) as servers:
        stage = Stage(url, servers, Reader(url, home))
        buyer, product_id = asyncio.run(_seed(stage))
        before = asyncio.run(_log_syncs(stage))
        assert asyncio.run(_buy(stage, buyer, product_id)) == []
    return asyncio.run(_log_syncs(stage)) - before


async def _seed(stage: Stage) -> tuple[SessionCaller, int]:
    async with stage.seeding() as shop:
        buyer = await shop.buyer(cents=PURCHASES * PRICE_CENTS)
        can = await shop.product(price_cents=PRICE_CENTS, stock=PURCHASES)
    return buyer, can.product_id


async def _buy(stage: Stage, buyer: SessionCaller, product_id: int) -> list[str]:
    """Purchases one after the other: none can share its sync with another."""
    faults = []
    async with lines(stage.servers.ports, 1) as (line,):
        for number in range(PURCHASES):
            answer = await line.ask(stage.ask_order(buyer, product_id, key=f"{number}"))
            if answer.status != 201:
                faults.append(f"purchase {number} was answered with {answer}")
    return faults


async def _log_syncs(stage: Stage) -> int:
    """Of the whole server. A till's connection has told its own when it is gone, if not before."""
    async with asyncio.timeout(HANG_SECONDS):
        while await stage.query(TILLS):  # noqa: ASYNC110  # in another process
            await asyncio.sleep(0.01)
    ((version,),) = await stage.query("SELECT current_setting('server_version_num')::int")
    if version < POSTGRES_STAT_IO:
        ((syncs,),) = await stage.query("SELECT wal_sync FROM pg_stat_wal")
    else:
        ((syncs,),) = await stage.query("SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'")
    return int(syncs)
