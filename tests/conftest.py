"""Databases for the tests: each test gets a shop of its own, once on SQLite and once on PostgreSQL.

They lie in memory where there is room, and on a disk for proofs. Nothing else changes: PostgreSQL and SQLite
still ask for every sync, which some tests count, and a shop still refuses a database that would not.
"""

from __future__ import annotations

import tests.planted.hook  # noqa: F401 - A planted bug must be there before its module is loaded.

# isort: split

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
import uvloop
from hypothesis import HealthCheck, settings
from sqlalchemy import text

from tests.engines import share_compiler
from tests.limits import be_patient
from tests.shop import Clock, Shop, open_shop
from tools.postgres import Cluster, PostgresMissing
from tuckshop.context import Shop as RunningShop
from tuckshop.identity import passwords
from tuckshop.identity.passwords import MEMORY_KIB, PASSES
from tuckshop.operations.startup import open_shop as open_running
from tuckshop.settings import Settings
from tuckshop.store.engine import open_engine, writing
from tuckshop.store.migrate import upgrade
from tuckshop.store.setup import install

COPIES_FILES_SINCE = 15  # PostgreSQL: a third of the work of writing each page to the log, too.
CREATED_US = 1_700_000_000_000_000
GIVEN = "TUCKSHOP_TEST_POSTGRES_URL"

MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 2 << 30  # Two workers, each with a server, a few databases and its temporary files.

# The tests of what is written once for each database; above these, one of the two says it all.
COUNTED_TWICE = {"identity", "imports", "operations", "queries", "store", "till"}
# What these run are other processes, in which nothing is counted, or programs beside the shop.
UNCOUNTED = {"bench", "browser", "concurrency", "crash", "tools"}

_numbers = itertools.count(1)


def memory() -> Path | None:
    """A folder in memory with room for tests; None for proofs, and where there is none (as in containers)."""
    if os.environ.get("TUCKSHOP_PROOF") == "1" or not os.access(MEMORY, os.W_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN else None


def pytest_configure() -> None:
    """Puts the tests' temporary folders in memory too, unless somebody names another place."""
    if folder := memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))
    share_compiler()
    be_patient()
    _tell_plainly()
    # Every example is as good as any other, however long it takes.
    settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("tests")
    passwords.MEMORY_KIB, passwords.PASSES = 8, 1  # As little as there can be: tests log in all the time.


def _tell_plainly() -> None:
    """Defects are logged as Python tells them: to draw every local of every frame takes a second each."""
    told = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], told])


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that serves in real shops."""
    return {"uvloop": uvloop.new_event_loop}


async def set_up(url: str) -> None:
    """Makes an empty shop of an empty database. Its machine lets orders say when they are dispensed: a new
    shop's does so at once, which is tested where it matters."""
    engine = open_engine(url)
    await upgrade(engine)
    async with writing(engine) as connection:
        await install(connection, now_us=CREATED_US)
        await connection.execute(text("UPDATE machines SET fulfil = 'either'"))
    await engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with an empty shop, to be copied."""
    path = tmp_path_factory.mktemp("template") / "shop.sqlite3"
    with ThreadPoolExecutor(1) as aside:  # On this thread, a browser may hold the loop.
        aside.submit(asyncio.run, set_up(f"sqlite:///{path}")).result()
    return path


@pytest.fixture
def slow_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as in real shops."""
    monkeypatch.setattr(passwords, "MEMORY_KIB", MEMORY_KIB)
    monkeypatch.setattr(passwords, "PASSES", PASSES)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out, with coverage, the tests that count nothing, or nothing that others have not counted.

    To count takes as long as the test itself. What is left out can only lower what the gate sees.
    """
    if not config.pluginmanager.hasplugin("_cov"):
        return
    config.hook.pytest_deselected(items=[item for item in items if not _counts(item)])
    items[:] = filter(_counts, items)


def _counts(item: pytest.Item) -> bool:
    if item.get_closest_marker("proof") or item.get_closest_marker("uncounted"):
        return False
    folder = item.path.parent.name
    on_postgres = "postgres" in getattr(getattr(item, "callspec", None), "params", {}).values()
    return folder not in UNCOUNTED and (folder in COUNTED_TWICE or not on_postgres)


class PostgresServer:
    """Where tests make their databases: a server of our own, or the one given. Close it at the end.

    A thread of its own keeps one line to it, and a copy of the empty shop ready while a test still runs.
    """

    def __init__(self, admin_url: str, *, is_in_memory: bool = False) -> None:
        self.admin_url = admin_url
        self._is_in_memory = is_in_memory
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="databases")
        self._runner = asyncio.Runner()
        self._connection: Any = None
        self._template = ""
        self._ready: Future[str] | None = None
        self._left: list[str] = []

    def url(self, name: str) -> str:
        """The address of a database of this server."""
        head, _, tail = self.admin_url.rpartition("/")
        _, mark, options = tail.partition("?")
        return f"{head}/{name}{mark}{options}"

    def new_shop(self) -> str:
        """The URL of a new database with an empty shop."""
        if not self._template:
            self._template = self._aside.submit(self._new).result()
            self._aside.submit(self._runner.run, set_up(self.url(self._template))).result()
        name = (self._ready or self._aside.submit(self._new, self._template)).result()
        self._ready = self._aside.submit(self._new, self._template)
        return self.url(name)

    def new_database(self) -> str:
        """The URL of a new database with nothing in it."""
        return self.url(self._aside.submit(self._new).result())

    def copy_of(self, url: str) -> str:
        """The URL of a new database that begins as that one is, to which nobody may be connected."""
        name = url.rpartition("/")[2].partition("?")[0]
        return self.url(self._aside.submit(self._new, name).result())

    def leave(self, url: str) -> None:
        """Nobody needs this database any more: it goes, where it takes memory.

        On a disk it stays: to drop each would take longer than to remove the server's directory with all.
        """
        if self._is_in_memory:
            self._left.append(url.rpartition("/")[2])

    def close(self) -> None:
        """Ends the thread and its line."""
        self._aside.submit(self._hang_up).result()
        self._aside.shutdown()

    def _new(self, template: str = "") -> str:
        name = f"tuckshop_{os.getpid()}_{next(_numbers)}"
        self._runner.run(self._make(name, template))
        return name

    async def _make(self, name: str, template: str) -> None:
        import asyncpg

        if self._connection is None:
            self._connection = await asyncpg.connect(self.admin_url)
        while self._left:
            await self._connection.execute(f'DROP DATABASE "{self._left.pop()}" WITH (FORCE)')
        how = f'TEMPLATE "{template}"' if template else ""
        if self._connection.get_server_version().major >= COPIES_FILES_SINCE:
            how += " STRATEGY file_copy"
        await self._connection.execute(f'CREATE DATABASE "{name}" {how}')

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._runner.run(self._connection.close())
        self._runner.close()


def own_cluster(settings: Mapping[str, str | int] | None = None) -> Cluster:
    """A PostgreSQL server of the test's own, which may crash.

    Whoever names a server need not have the programs to start another: such tests are left out then. Without
    either, they fail and say what is missing.
    """
    try:
        return Cluster(settings)
    except PostgresMissing:
        if GIVEN in os.environ:
            pytest.skip("a server is given, and no programs are here to start another")
        raise


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server for all tests of this process."""
    with ExitStack() as stack:
        url, folder = os.environ.get(GIVEN), None
        if not url:
            folder = memory()
            url = stack.enter_context(Cluster({"max_connections": 200}, folder=folder)).url()
        server = PostgresServer(url, is_in_memory=folder is not None)
        stack.callback(server.close)
        yield server


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a new SQLite shop."""
    path = tmp_path / "shop.sqlite3"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a new PostgreSQL shop."""
    url = postgres_server.new_shop()
    yield url
    postgres_server.leave(url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a new shop, once on each database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """A new shop with its till open and a clock that the test moves."""
    async with open_shop(database_url) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    """The time in the shop."""
    return Clock()


@pytest.fixture
async def open_for_business(database_url: str, clock: Clock) -> AsyncIterator[RunningShop]:
    """A new shop as the server opens it."""
    settings = Settings(database_url=database_url, secret="a secret for tests, long enough to sign with")
    async with open_running(settings, clock=clock) as running_shop:
        yield running_shop


@pytest.fixture
def running(shop: Shop) -> RunningShop:
    """As much of the running shop as looking things up needs."""
    return RunningShop(
        engine=shop.engine,
        till=shop.till,
        tokens=None,  # type: ignore[arg-type]
        passwords=None,  # type: ignore[arg-type]
        clock=shop.clock,
    )
