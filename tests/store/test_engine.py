"""A database that would not keep the shop's promises is refused in one sentence, before anything is sold."""

import asyncio
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.conftest import PostgresServer
from tools.postgres import Cluster
from tuckshop.store import engine as engines
from tuckshop.store import migrate, setup
from tuckshop.store.engine import (
    DatabaseAway,
    DatabaseUnusable,
    check,
    connect_sqlite,
    open_engine,
    reading,
    writing,
)
from tuckshop.store.migrations import revisions

SECRET = "hunter22"


@pytest.fixture
def postgres_empty_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database with nothing in it."""
    url = postgres_server.new_database()
    yield url
    postgres_server.leave(url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it; on SQLite not even a file."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    url: str = request.getfixturevalue("postgres_empty_url")
    return url


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def shop(url: str) -> AsyncIterator[AsyncEngine]:
    async with opened(url) as engine:
        await migrate.upgrade(engine)
        async with writing(engine) as connection:
            await setup.install(connection, now_us=1)
        yield engine


async def refusal(engine: AsyncEngine) -> str:
    with pytest.raises(DatabaseUnusable) as refused:
        await check(engine)
    message = str(refused.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert SECRET not in message
    return message


def modes(directory: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()}


async def run(engine: AsyncEngine, statement: str) -> None:
    async with writing(engine) as connection:
        await connection.execute(text(statement))


async def test_accepts_a_shop(empty_url: str) -> None:
    async with shop(empty_url) as engine:
        await check(engine)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.db",
        "mysql://root@localhost/shop",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///shop.db?mode=memory",
        f"postgresql+psycopg://tuckshop:{SECRET}@localhost/shop",
    ],
)
def test_takes_no_other_address(url: str) -> None:
    with pytest.raises(
        DatabaseUnusable, match="TUCKSHOP_DATABASE_URL must look like sqlite:///path"
    ) as refused:
        open_engine(url)
    assert SECRET not in str(refused.value)


async def test_takes_both_names_of_postgresql(postgres_empty_url: str) -> None:
    url = postgres_empty_url
    async with opened(url.replace("postgresql://", "postgres://")) as engine:
        assert "empty" in await refusal(engine)


# A password with a slash is a common slip: the URL's parser then takes it for a port and would quote it.
@pytest.mark.parametrize(
    "url", [f"postgresql://tuckshop:{SECRET}/x@localhost/shop", "postgresql://[::1/shop"]
)
async def test_explains_an_address_that_cannot_be_read(url: str) -> None:
    async with opened(url) as engine:
        assert "TUCKSHOP_DATABASE_URL must look like" in await refusal(engine)


async def test_a_check_makes_no_sqlite_file(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'shop.db'}") as engine:
        assert "`tuckshop init`" in await refusal(engine)
        with pytest.raises(Exception, match="unable to open") as raised:
            async with reading(engine):
                pass
        assert isinstance(raised.value, DatabaseAway)
    assert modes(tmp_path) == {}


async def test_paths_are_taken_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "a b%20#c.db"
    async with shop(f"sqlite:///{file}") as engine:
        await check(engine)
    assert file.exists()
    with closing(connect_sqlite(engines.sqlite_path(f"sqlite:///{file}"))) as connection:
        assert connection.execute("SELECT currency FROM shop").fetchone() == ("EUR",)


async def test_nobody_else_reads_a_new_sqlite_file(tmp_path: Path) -> None:
    async with shop(f"sqlite:///{tmp_path / 'shop.db'}"):
        assert modes(tmp_path) == {"shop.db": 0o600, "shop.db-shm": 0o600, "shop.db-wal": 0o600}


async def test_says_that_the_database_is_missing(postgres_server: PostgresServer) -> None:
    async with opened(postgres_server.url("no-such-shop")) as engine:
        assert 'database "no-such-shop" does not exist' in await refusal(engine)


async def test_says_that_the_log_in_is_refused() -> None:
    with Cluster() as cluster:
        (cluster.directory / "data" / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        cluster.stop()
        cluster.start()
        url = cluster.url("postgres").replace("tuckshop@", f"tuckshop:{SECRET}@")
        async with opened(url) as engine:
            assert "refused the log-in" in await refusal(engine)


async def test_says_that_the_server_is_unreachable() -> None:
    async with opened(f"postgresql://tuckshop:{SECRET}@127.0.0.1:1/shop") as engine:
        assert "cannot be reached" in await refusal(engine)


async def test_says_that_the_database_is_empty(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        sqlite3.connect(engines.sqlite_path(empty_url)).close()
    async with opened(empty_url) as engine:
        assert "empty" in await refusal(engine)


async def test_says_that_the_shop_is_not_set_up(empty_url: str) -> None:
    async with opened(empty_url) as engine:
        await migrate.upgrade(engine)
        assert "not set up completely" in await refusal(engine)


async def test_leaves_the_database_of_another_program_alone(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        with closing(sqlite3.connect(engines.sqlite_path(empty_url))) as connection:
            connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    async with opened(empty_url) as engine:
        if not empty_url.startswith("sqlite"):
            await run(engine, "CREATE TABLE alembic_version (version_num TEXT)")
        assert "another program" in await refusal(engine)
        with pytest.raises(DatabaseUnusable, match="another program"):
            await migrate.upgrade(engine)
        with pytest.raises(DatabaseUnusable, match="another program"):
            await check(engine, unsafe_durability=True)
    if empty_url.startswith("sqlite"):
        with closing(sqlite3.connect(engines.sqlite_path(empty_url))) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


async def test_says_that_the_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("This is a letter to my grandmother.\n" * 100)
    async with opened(f"sqlite:///{tmp_path / 'shop.db'}") as engine:
        assert "not a SQLite database" in await refusal(engine)
    async with opened(f"sqlite:///{tmp_path}") as engine:
        assert "cannot be opened" in await refusal(engine)


async def test_says_that_the_database_is_older(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop(empty_url) as engine:
        monkeypatch.setattr(engines, "revisions", lambda: (*revisions(), "9999"))
        assert "`tuckshop db upgrade`" in await refusal(engine)


async def test_says_that_the_database_is_newer(empty_url: str) -> None:
    async with shop(empty_url) as engine:
        await run(engine, "UPDATE alembic_version SET version_num = '9999', compatible_since = '9999'")
        assert "newer (revision 9999)" in await refusal(engine)
        with pytest.raises(DatabaseUnusable, match="newer"):
            await migrate.upgrade(engine)


async def test_says_that_a_file_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LOCK_SECONDS_MAX", 0.1)
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    async with shop(url):
        pass
    with closing(connect_sqlite(engines.sqlite_path(url))) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        async with opened(url) as engine:
            assert "locked" in await refusal(engine)


async def test_says_that_a_table_is_locked(postgres_empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LOCK_SECONDS_MAX", 1)
    async with shop(postgres_empty_url) as engine, writing(engine) as other:
        await other.execute(text("LOCK TABLE shop IN ACCESS EXCLUSIVE MODE"))
        assert "locked" in await refusal(engine)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_refuses_a_server_that_does_not_sync(setting: str) -> None:
    with Cluster({setting: "off"}) as cluster:
        async with shop(cluster.create_database("shop")) as engine:
            assert f"Set {setting} = on" in await refusal(engine)
            await check(engine, unsafe_durability=True)


async def test_refuses_commits_that_do_not_wait_for_the_disk(postgres_empty_url: str) -> None:
    url = postgres_empty_url
    async with shop(url) as engine:
        async with reading(engine) as connection:
            name = await connection.scalar(text("SELECT current_database()"))
        await run(engine, f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    async with opened(url) as engine:
        assert "Set synchronous_commit = on" in await refusal(engine)
        await check(engine, unsafe_durability=True)


async def test_refuses_a_file_opened_without_full_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engines.SQLITE_PRAGMAS, "synchronous", "NORMAL")
    async with shop(f"sqlite:///{tmp_path / 'shop.db'}") as engine:
        assert "PRAGMA synchronous = FULL" in await refusal(engine)
        await check(engine, unsafe_durability=True)


async def test_refuses_a_postgresql_that_is_too_old(
    postgres_empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "POSTGRES_VERSION_MIN", 99)
    async with opened(postgres_empty_url) as engine:
        assert "too old for Tuckshop. Use 99 or newer" in await refusal(engine)


async def test_every_sqlite_connection_keeps_the_same_promises(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    expected = {"foreign_keys": 1, "journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000}
    async with shop(url) as engine:
        async with engine.connect() as first, engine.connect() as second:
            for connection in (first, second):
                for name, value in expected.items():
                    assert await connection.scalar(text(f"PRAGMA {name}")) == value
        with closing(connect_sqlite(engines.sqlite_path(url))) as plain:
            for name, value in expected.items():
                assert plain.execute(f"PRAGMA {name}").fetchone() == (value,)
            assert plain.isolation_level is None


def test_waits_for_who_writes_to_a_file_that_is_to_change_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        # Not in WAL yet: SQLite calls that locked at once, whatever its busy_timeout.
        other.execute("BEGIN IMMEDIATE")
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                other.execute("COMMIT")

        monkeypatch.setattr(engines, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=pause))
        with closing(connect_sqlite(str(path))) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert len(pauses) == 3


async def test_no_reader_waits_for_helpers_or_a_compiler(postgres_empty_url: str) -> None:
    async with shop(postgres_empty_url) as engine, reading(engine) as reader:
        for name, value in (("jit", "off"), ("max_parallel_workers_per_gather", "0")):
            assert await reader.scalar(text(f"SHOW {name}")) == value


async def test_a_reader_sees_one_instant(empty_url: str) -> None:
    async with shop(empty_url) as engine, reading(engine) as reader:
        count = text("SELECT count(*) FROM guests")
        assert await reader.scalar(count) == 0
        await run(engine, "INSERT INTO guests (name, name_key, created_us) VALUES ('Ann', 'ann', 1)")
        assert await reader.scalar(count) == 0


async def test_a_reader_of_postgresql_cannot_write(postgres_empty_url: str) -> None:
    async with shop(postgres_empty_url) as engine:
        with pytest.raises(Exception, match="read-only transaction"):
            async with reading(engine) as connection:
                await connection.execute(text("DELETE FROM shop"))
        async with engine.connect() as connection:  # The next user of the same connection may write.
            await connection.execute(text("DELETE FROM shop"))


async def test_the_pool_has_the_size_it_was_given(empty_url: str) -> None:
    async with shop(empty_url):
        pass
    engine = open_engine(empty_url, pool_size=2)
    pool = engine.sync_engine.pool
    async with engine.connect(), engine.connect():
        assert "overflow: 0" in pool.status().lower()
        assert "connections in pool: 0" in pool.status().lower()
    await engine.dispose()


def test_who_is_cancelled_leaves_no_thread_that_has_something_to_tell(sqlite_url: str) -> None:
    """Whatever a thread tells a loop that has ended is an error, and pytest's business."""

    async def read(engine: AsyncEngine) -> None:
        async with reading(engine) as connection:
            await connection.execute(text("SELECT count(*) FROM users"))

    async def cancelled(turns: int) -> None:
        async with opened(sqlite_url) as engine:
            task = asyncio.create_task(read(engine))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    before = set(threading.enumerate())
    with ThreadPoolExecutor(1) as aside:  # On this thread, a browser may hold the loop.
        for turns in range(60):
            aside.submit(asyncio.run, cancelled(turns)).result()
    for thread in set(threading.enumerate()) - before:
        thread.join()


async def test_both_drivers_read_one_address(postgres_empty_url: str) -> None:
    async with shop(postgres_empty_url):
        connection = await asyncpg.connect(engines.postgres_dsn(postgres_empty_url))
        assert await connection.fetchval("SELECT currency FROM shop") == "EUR"
        await connection.close()


async def test_says_that_a_folder_is_missing(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'nowhere' / 'shop.db'}") as engine:
        with pytest.raises(DatabaseUnusable, match="Create its folder"):
            await migrate.upgrade(engine)


async def test_a_second_shop_is_refused(empty_url: str) -> None:
    async with shop(empty_url) as engine:
        with pytest.raises(DatabaseUnusable, match="already contains a shop"):
            async with writing(engine) as connection:
                await setup.install(connection, now_us=2)
        async with reading(engine) as connection:
            assert await connection.scalar(text("SELECT created_us FROM shop")) == 1
            assert await connection.scalar(text("SELECT count(*) FROM coin_boxes")) == 5


async def test_the_second_machine_gets_its_own_number(empty_url: str) -> None:
    async with shop(empty_url) as engine:
        await run(
            engine,
            "INSERT INTO machines (name, name_key, timezone, box_kind, created_us)"
            " VALUES ('Hall', 'hall', 'UTC', 'counted', 1)",
        )
        async with reading(engine) as connection:
            ids = await connection.scalars(text("SELECT id FROM machines ORDER BY id"))
            assert list(ids) == [1, 2]
