"""What is acknowledged is on the disk: each of 200 purchases in a row waited for a sync of its own.

kill -9 cannot show it, since the system keeps what a dead process wrote; so the syncs are counted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.concurrency.scenes import PRICE_CENTS, Stage
from tests.reader import Reader
from tests.server import serving
from tests.wire import lines

log = logging.getLogger(__name__)  # Figures: --log-cli-level=INFO

PURCHASES = 200
ATTACH_SECONDS_MAX = 30.0
UNSAFE = {"TUCKSHOP_UNSAFE_DURABILITY": "true"}
TELL_TRIES = 15
TELL_PAUSE_SECONDS = 0.1
POSTGRES_STAT_IO = (
    180_000  # Since PostgreSQL 18, syncs of the log are counted with all other input and output.
)


@dataclass
class Count:
    """How many syncs there were; known after counting."""

    syncs: int = 0


@pytest.mark.skipif(shutil.which("strace") is None, reason="counts system calls with strace")
def test_sqlite_syncs_every_purchase(sqlite_url: str, tmp_path: Path) -> None:
    assert _on_sqlite(sqlite_url, tmp_path, bug=None) >= PURCHASES


@pytest.mark.skipif(shutil.which("strace") is None, reason="counts system calls with strace")
def test_finds_sqlite_without_syncs(sqlite_url: str, tmp_path: Path) -> None:
    assert _on_sqlite(sqlite_url, tmp_path, bug="normal-sync") < PURCHASES


@pytest.mark.postgres
def test_postgres_syncs_every_purchase(postgres_url: str, tmp_path: Path) -> None:
    assert _on_postgres(postgres_url, tmp_path) >= PURCHASES


@pytest.mark.postgres
def test_finds_postgres_without_syncs(postgres_url: str, tmp_path: Path) -> None:
    off = f"{postgres_url}{'&' if '?' in postgres_url else '?'}synchronous_commit=off"

    assert _on_postgres(off, tmp_path, settings=UNSAFE) < PURCHASES


def _on_sqlite(url: str, home: Path, *, bug: str | None) -> int:
    with serving(url, home, bug=bug, settings=UNSAFE if bug else None) as servers:
        stage = Stage(url, servers, Reader(url, home))
        with _traced(servers.groups[0], home / "strace") as count:
            assert asyncio.run(_buy(stage)) == []
    return count.syncs


def _on_postgres(url: str, home: Path, *, settings: Mapping[str, str] | None = None) -> int:
    with serving(url, home, settings=settings) as servers:
        stage = Stage(url, servers, Reader(url, home))
        before = asyncio.run(_log_syncs(stage))
        assert asyncio.run(_buy(stage)) == []
    # The till's connection tells its figures when it ends, if not before.
    syncs = 0
    for _ in range(TELL_TRIES):
        syncs = asyncio.run(_log_syncs(stage)) - before
        if syncs >= PURCHASES:
            break
        time.sleep(TELL_PAUSE_SECONDS)
    log.info("%s syncs of the log", syncs)
    return syncs


async def _buy(stage: Stage) -> list[str]:
    """Purchases one after the other: none can share its sync with another."""
    async with stage.seeding() as shop:
        buyer = await shop.buyer(cents=PURCHASES * PRICE_CENTS)
        can = await shop.product(price_cents=PRICE_CENTS, stock=PURCHASES)
    faults = []
    async with lines(stage.servers.ports, 1) as (line,):
        for number in range(PURCHASES):
            answer = await line.ask(stage.ask_order(buyer, can.product_id, key=f"{number}"))
            if answer.status != 201:
                faults.append(f"purchase {number} was answered with {answer}")
    return faults


async def _log_syncs(stage: Stage) -> int:
    ((version,),) = await stage.query("SELECT current_setting('server_version_num')::int")
    if version < POSTGRES_STAT_IO:
        ((syncs,),) = await stage.query("SELECT wal_sync FROM pg_stat_wal")
    else:
        ((syncs,),) = await stage.query("SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'")
    return int(syncs)


@contextmanager
def _traced(group: int, file: Path) -> Iterator[Count]:
    """Counts the syncs of all processes of a group."""
    processes = [one for one in Path("/proc").glob("[0-9]*") if _is_in(one, group)]
    strace = subprocess.Popen(
        ["strace", "-q", "-f", "-c", "-e", "trace=fdatasync,fsync", "-o", str(file)]
        + [f"--attach={one.name}" for one in processes],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    count = Count()
    try:
        deadline = time.monotonic() + ATTACH_SECONDS_MAX
        while not all(_is_traced(one) for one in processes):
            if strace.poll() is not None:
                pytest.skip("strace may not attach to processes here")
            assert time.monotonic() < deadline, "strace does not attach"
            time.sleep(0.01)
        yield count
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait()
    for line in file.read_text().splitlines():
        if line.endswith("sync"):
            count.syncs += int(line.split()[3])
    log.info("%s syncs of the file", count.syncs)


def _is_in(process: Path, group: int) -> bool:
    try:
        return os.getpgid(int(process.name)) == group
    except ProcessLookupError:
        return False


def _is_traced(process: Path) -> bool:
    status = [(task / "status").read_text() for task in (process / "task").iterdir()]
    return all("TracerPid:\t0\n" not in one for one in status)
