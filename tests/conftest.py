"""Databases for the tests: each test gets a shop of its own, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.shop import Shop, open_shop
from tools.postgres import Cluster
from tuckshop.store.engine import open_engine, writing
from tuckshop.store.setup import install
from tuckshop.store.upgrade import upgrade

CREATED_US = 1_700_000_000_000_000
TEMPLATE = "tuckshop_template"

_numbers = itertools.count(1)


async def set_up(url: str) -> None:
    """Makes an empty shop of an empty database."""
    engine = open_engine(url)
    await upgrade(engine)
    async with writing(engine) as connection:
        await install(connection, now_us=CREATED_US)
    await engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with an empty shop, to be copied."""
    path = tmp_path_factory.mktemp("template") / "shop.sqlite3"
    asyncio.run(set_up(f"sqlite:///{path}"))
    return path


class PostgresServer:
    """Where tests make their databases: a server of our own, or the one given."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url
        self._template_made = False

    def url(self, name: str) -> str:
        """The address of a database of this server."""
        head, _, tail = self.admin_url.rpartition("/")
        _, mark, options = tail.partition("?")
        return f"{head}/{name}{mark}{options}"

    def execute(self, *statements: str) -> None:
        """Runs statements that cannot stand in a transaction."""
        import asyncpg

        async def run() -> None:
            connection = await asyncpg.connect(self.admin_url)
            for statement in statements:
                await connection.execute(statement)
            await connection.close()

        asyncio.run(run())

    def new_shop(self) -> str:
        """The URL of a new database with an empty shop."""
        prefix = f"tuckshop_{os.getpid()}_"
        if not self._template_made:
            self.execute(f'CREATE DATABASE "{prefix}{TEMPLATE}"')
            asyncio.run(set_up(self.url(f"{prefix}{TEMPLATE}")))
            self._template_made = True
        return self._new(f'TEMPLATE "{prefix}{TEMPLATE}"')

    def new_database(self) -> str:
        """The URL of a new database with nothing in it."""
        return self._new("")

    def _new(self, options: str) -> str:
        name = f"tuckshop_{os.getpid()}_{next(_numbers)}"
        self.execute(f'CREATE DATABASE "{name}" {options}')
        return self.url(name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server for all tests of this process."""
    given = os.environ.get("TUCKSHOP_TEST_POSTGRES_URL")
    if given:
        yield PostgresServer(given)
        return
    with Cluster({"max_connections": 200}) as cluster:
        yield PostgresServer(cluster.url())


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a new SQLite shop."""
    path = tmp_path / "shop.sqlite3"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of a new PostgreSQL shop."""
    return postgres_server.new_shop()


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
