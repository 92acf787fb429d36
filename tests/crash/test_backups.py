"""A backup that is taken while buyers buy has what they were told before, and a shop can be opened on it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.concurrency.scenes import Stage, staged
from tests.conftest import PostgresServer
from tests.crash.kills import Client, seeded
from tests.limits import until
from tests.server import environment, serving
from tests.wire import Answer, Line
from tuckshop.store.engine import open_engine, reading

IS_PROOF = os.environ.get("TUCKSHOP_PROOF") == "1"
BACKUPS = 5 if IS_PROOF else 1
PURCHASES_BETWEEN = 200

pytestmark = pytest.mark.more

Restores = Callable[[Stage, Path, str, Path], list[str]]


@dataclass
class Backups:
    """What became of them. `during`: purchases that were acknowledged while a backup was made."""

    made: int = 0
    before: int = 0
    during: int = 0
    faults: list[str] = field(default_factory=list)


@pytest.fixture
def new_url(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], str]:
    """The URLs of databases elsewhere, in which nothing is."""

    def make() -> str:
        if database_url.startswith("sqlite"):
            count = len(list(tmp_path.glob("there-*")))
            (tmp_path / f"there-{count}").mkdir()
            return f"sqlite:///{tmp_path}/there-{count}/shop.sqlite3"
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return server.new_database()

    return make


@pytest.mark.proof
def test_a_backup_under_load_has_every_sale_that_was_acknowledged_before(
    database_url: str,
    new_url: Callable[[], str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    count = 1 if database_url.startswith("sqlite") else 2
    with staged(database_url, tmp_path, count=count) as stage:
        found = asyncio.run(_back_up_under_load(stage, new_url, tmp_path, _command))
    record_property(
        "figures", f"{found.made} backups, {found.before:,} purchases before, {found.during:,} during them"
    )
    assert found.faults == []
    assert found.made == BACKUPS
    assert found.during > 0


def test_finds_sales_that_a_copied_file_lacks(sqlite_url: str, tmp_path: Path) -> None:
    """As with `cp`, while the shop sells."""

    def copy(stage: Stage, _: Path, url: str, __: Path) -> list[str]:
        shutil.copyfile(stage.url.removeprefix("sqlite:///"), url.removeprefix("sqlite:///"))
        return []

    with staged(sqlite_url, tmp_path, count=1) as stage:
        found = asyncio.run(
            _back_up_under_load(stage, lambda: f"sqlite:///{tmp_path}/copy.sqlite3", tmp_path, copy)
        )
    assert "acknowledged purchases are not in the backup" in "\n".join(found.faults)


def _command(stage: Stage, file: Path, url: str, home: Path) -> list[str]:
    """Makes a backup, and restores it to `url`; what was wrong with that."""
    told = []
    for words, at in ((["backup", str(file)], stage.url), (["restore", str(file)], url)):
        command = [sys.executable, "-m", "tests.limits", *words]
        ended = subprocess.run(
            command, cwd=home, env=environment(at, home), capture_output=True, text=True, check=False
        )
        if ended.returncode:
            told.append(f"{words[0]} ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
            break
    return told


async def _back_up_under_load(
    stage: Stage, new_url: Callable[[], str], folder: Path, back_up: Restores
) -> Backups:
    """8 clients buy all the time; each backup is restored, looked through, and opened as a shop."""
    found, is_over, url = Backups(), asyncio.Event(), ""
    clients = await seeded(stage)
    buying = [asyncio.create_task(_buy(stage, client, is_over)) for client in clients]
    try:
        for number in range(BACKUPS):
            await until(partial(_is_enough, clients, _count(clients) + PURCHASES_BETWEEN, buying))
            before = {order for client in clients for order in client.acknowledged.values()}
            url = new_url()
            file = folder / f"{number}.tar"
            found.faults += await asyncio.to_thread(back_up, stage, file, url, folder)
            found.during += _count(clients) - len(before)
            found.before = len(before)
            if found.faults or _ended(buying):
                break
            found.made += 1
            found.faults += await _faults_of(url, before)
    finally:
        is_over.set()
        for faults in await asyncio.gather(*buying):
            found.faults += faults
    if not found.faults:
        found.faults += await asyncio.to_thread(_sells, stage, url, folder, clients[0])
    return found


async def _buy(stage: Stage, client: Client, is_over: asyncio.Event) -> list[str]:
    line = await Line.open(stage.servers.ports[client.buyer.user_id % len(stage.servers.ports)])
    try:
        while not is_over.is_set():
            client.unknown = (client.products[client.number % len(client.products)],)
            ask = stage.ask_order(client.buyer, *client.unknown, key=client.key)
            if faults := client.heard(await line.ask(ask)):
                return faults
    finally:
        await line.close()
    return []


async def _faults_of(url: str, before: set[int]) -> list[str]:
    engine = open_engine(url, pool_size=1)
    try:
        async with reading(engine) as connection:
            orders = set((await connection.scalars(text("SELECT id FROM orders"))).all())
            problems = (await connection.execute(text("SELECT failed_rules FROM audits"))).scalars().all()
    finally:
        await engine.dispose()
    faults = []
    if lost := before - orders:
        faults.append(f"{len(lost)} acknowledged purchases are not in the backup")
    if list(problems) != [0]:
        faults.append(f"the audit of the restored shop found {problems}")
    return faults


def _sells(stage: Stage, url: str, folder: Path, client: Client) -> list[str]:
    """A server starts on what was restored, and sells to a buyer of the shop it was made of."""
    with serving(url, folder) as servers:
        there = Stage(url, servers, stage.reader)

        async def ask() -> Answer:
            line = await Line.open(servers.ports[0])
            try:
                return await line.ask(there.ask_order(client.buyer, client.products[0], key="after"))
            finally:
                await line.close()

        answer = asyncio.run(ask())
    return [] if answer.status == 201 else [f"the restored shop answered {answer}"]


def _count(clients: list[Client]) -> int:
    return sum(len(client.acknowledged) for client in clients)


def _is_enough(clients: list[Client], count: int, buying: list[asyncio.Task[list[str]]]) -> bool:
    return _count(clients) >= count or _ended(buying)


def _ended(buying: list[asyncio.Task[list[str]]]) -> bool:
    return any(task.done() for task in buying)
