"""What goes wrong with the database of a running shop: 503 with its cause, one line in the log, and its end.

Nothing here answers 500, and nobody has to start the server again.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from tests.api.conftest import Api, serving
from tests.conftest import PostgresServer
from tests.limits import until
from tuckshop.operations import readiness
from tuckshop.store import engine as engines
from tuckshop.store import health, writable
from tuckshop.store.engine import sqlite_path
from tuckshop.store.migrations import revisions

ROLE = "app"


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing is tried again with every look."""
    monkeypatch.setattr(health, "TRY_SECONDS", 0.0)


@dataclass(frozen=True)
class Case:
    """A trouble: the statements that make it and end it, and whether only new sessions have it."""

    cause: str
    begin: str
    end: str
    is_for_new_sessions: bool = False
    is_seen_by_looking: bool = True


POSTGRES = {
    "read-only database": Case(
        "database-read-only",
        "ALTER DATABASE {database} SET default_transaction_read_only = on",
        "ALTER DATABASE {database} RESET default_transaction_read_only",
        is_for_new_sessions=True,
    ),
    "read-only session": Case(
        "database-read-only",
        "ALTER ROLE {role} IN DATABASE {database} SET default_transaction_read_only = on",
        "ALTER ROLE {role} IN DATABASE {database} RESET default_transaction_read_only",
        is_for_new_sessions=True,
    ),
    "select only": Case(
        "permission-missing",
        "REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public FROM {role}",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}",
    ),
    "wrong search_path": Case(
        "search-path-wrong",
        "ALTER ROLE {role} IN DATABASE {database} SET search_path = nowhere",
        "ALTER ROLE {role} IN DATABASE {database} RESET search_path",
        is_for_new_sessions=True,
    ),
    "missing table": Case(
        "table-missing", "ALTER TABLE orders RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO orders"
    ),
    "disk full": Case(
        "disk-full",
        "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION"
        " 'could not extend file' USING ERRCODE = '53100'; END$$;"
        "CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON orders EXECUTE FUNCTION disk_full();"
        "CREATE TRIGGER disk_full BEFORE UPDATE ON shop EXECUTE FUNCTION disk_full()",
        "DROP FUNCTION disk_full CASCADE",
        is_seen_by_looking=False,
    ),
    "not durable": Case(
        "not-durable",
        "ALTER DATABASE {database} SET synchronous_commit = off",
        "ALTER DATABASE {database} RESET synchronous_commit",
        is_for_new_sessions=True,
    ),
}
BOTH = {
    "migrations ahead": Case(
        "migrations-ahead",
        "UPDATE alembic_version SET version_num = '9999', compatible_since = '9999'",
        "UPDATE alembic_version SET version_num = '{head}'",
    ),
    "migrations behind": Case(
        "migrations-behind",
        "UPDATE alembic_version SET version_num = '0001'",
        "UPDATE alembic_version SET version_num = '{head}'",
    ),
    "key replaced": Case(
        "key-replaced", "UPDATE shop SET key_fingerprint = 'f00'", "UPDATE shop SET key_fingerprint = NULL"
    ),
}
SELLS_ALL_THE_SAME = {"migrations-ahead", "migrations-behind", "key-replaced", "not-durable"}


class Operator:
    """Whoever owns the database, and makes the mistakes."""

    def __init__(self, admin: asyncpg.Connection[Any], database: str) -> None:
        self._admin = admin
        self._database = database

    async def run(self, statement: str, *, ends_sessions: bool) -> None:
        head = revisions()[-1]
        told = statement.replace("{database}", f'"{self._database}"').replace("{role}", ROLE)
        await self._admin.execute("SET default_transaction_read_only = off; SET search_path = public")
        await self._admin.execute(told.replace("{head}", head))
        if ends_sessions:
            await self._admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usename = $2"
                " AND pid <> pg_backend_pid()",
                self._database,
                ROLE,
            )


@asynccontextmanager
async def _operated(url: str) -> AsyncIterator[tuple[str, Operator]]:
    """The address of the shop for a role without any rights but those that are granted, and its owner."""
    admin = await asyncpg.connect(url)
    try:
        database = await admin.fetchval("SELECT current_database()")
        if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", ROLE):
            await admin.execute(f"CREATE ROLE {ROLE} LOGIN")
        await admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {ROLE}")
        await admin.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
        yield url.replace("tuckshop@", f"{ROLE}@"), Operator(admin, database)
    finally:
        await admin.close()


async def _buys(api: Api, ada: Any, cola: Any) -> Any:
    return await api.post("/v1/orders", {"lines": [{"product": cola.product_id, "quantity": 1}]}, by=ada)


async def _buys_in_haste(api: Api, ada: Any, cola: Any) -> Any:
    """Without waiting as long as a shop's customers do for a database that may come back."""
    till = api.running.till
    usual, till._answer_seconds = till._answer_seconds, 0.5
    try:
        return await _buys(api, ada, cola)
    finally:
        till._answer_seconds = usual


async def _is_told(api: Api, cause: str) -> None:
    for _ in range(2):  # The first may find what the second still knows.
        answer = await api.get("/health/ready")
        assert answer.headers["content-type"] == "application/problem+json"
        told = answer.json()
        assert (answer.status_code, told["cause"]) == (503, cause), told
        assert told["type"] == "urn:tuckshop:problem:unavailable"
        assert "Retry-After" in answer.headers


async def _refuses(answer: Any) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.json()["type"] in (
        "urn:tuckshop:problem:unavailable",
        "urn:tuckshop:problem:outcome-unknown",
    )
    assert "Retry-After" in answer.headers


async def _walk(api: Api, case: Case, run: Callable[..., Any]) -> None:
    """All is well, it begins, it is told, it ends, all is well."""
    ada, cola = await api.shop.buyer("ada", cents=1000), await api.shop.product("cola", stock=10)
    assert (await api.get("/health/ready")).json() == {"status": "ready"}
    assert (await _buys(api, ada, cola)).status_code == 201
    with capture_logs() as lines:
        await run(case.begin, ends_sessions=case.is_for_new_sessions)
        if case.is_seen_by_looking:
            await _is_told(api, case.cause)
        if case.cause not in SELLS_ALL_THE_SAME:
            await _refuses(await _buys_in_haste(api, ada, cola))
            await until(lambda: api.running.health.trouble is not None)
            await _is_told(api, case.cause)
        await run(case.end, ends_sessions=case.is_for_new_sessions)
        assert (await api.get("/health/ready")).json() == {"status": "ready"}
        assert (await _buys(api, ada, cola)).status_code == 201
    told = [line for line in lines if line["event"].startswith("shop.trouble")]
    assert [line["event"] for line in told] == ["shop.trouble", "shop.trouble_over"], told
    assert told[0]["cause"] == told[1]["cause"] == case.cause
    assert told[0]["remedy"].endswith(".")
    assert not [line for line in lines if line["event"] in ("api.defect", "till.defect")]


@pytest.mark.postgres
@pytest.mark.parametrize("name", POSTGRES | BOTH)
async def test_each_trouble_of_postgresql_is_told_and_passes(
    name: str, postgres_server: PostgresServer
) -> None:
    url = postgres_server.new_shop()
    async with _operated(url) as (own_url, operator), serving(own_url) as api:
        await _walk(api, (POSTGRES | BOTH)[name], operator.run)
    postgres_server.leave(url)


@pytest.mark.parametrize("name", ["missing table", *BOTH])
async def test_each_trouble_of_sqlite_is_told_and_passes(name: str, sqlite_url: str) -> None:
    async def run(statement: str, *, ends_sessions: bool) -> None:
        await asyncio.to_thread(change, statement)

    def change(statement: str) -> None:
        with closing(sqlite3.connect(sqlite_path(sqlite_url), isolation_level=None)) as connection:
            connection.execute("PRAGMA legacy_alter_table = ON")
            connection.execute(statement.replace("{head}", revisions()[-1]))

    async with serving(sqlite_url) as api:
        await _walk(api, ({"missing table": POSTGRES["missing table"]} | BOTH)[name], run)


async def test_a_sqlite_file_that_cannot_grow(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(sqlite_url) as api:
        ada, cola = (
            await api.shop.buyer("ada", cents=9000),
            await api.shop.product("cola", price_cents=5, stock=999),
        )
    with closing(sqlite3.connect(sqlite_path(sqlite_url))) as connection:
        ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
    monkeypatch.setitem(engines.SQLITE_PRAGMAS, "max_page_count", str(pages))
    async with serving(sqlite_url) as api:
        with capture_logs() as lines:
            # Some fit into the pages that there are.
            while (answer := await _buys(api, ada, cola)).status_code == 201:
                pass
            await _refuses(answer)
            assert api.running.health.trouble is not None
            assert api.running.health.trouble.cause == "disk-full"
            monkeypatch.delitem(engines.SQLITE_PRAGMAS, "max_page_count")
            assert (await _buys(api, ada, cola)).status_code == 201
            assert (await api.get("/health/ready")).json() == {"status": "ready"}
    assert "shop.trouble_over" in [line["event"] for line in lines]


async def test_a_disk_that_is_nearly_full_is_told_before_a_sale_fails(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(sqlite_url) as api:
        monkeypatch.setattr(writable, "DISK_BYTES_MIN", 1 << 60)
        await _is_told(api, "disk-full")
        monkeypatch.undo()
        assert (await api.get("/health/ready")).status_code == 200


async def test_a_sqlite_file_that_is_gone(sqlite_url: str) -> None:
    async with serving(sqlite_url) as api:
        await asyncio.to_thread(Path(sqlite_path(sqlite_url)).unlink)
        await _is_told(api, "database-missing")


async def test_after_a_failed_write_one_is_tried_now_and_then(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []
    monkeypatch.setattr(health, "TRY_SECONDS", 3600.0)

    async def write(engine: object) -> None:
        tries.append(engine)

    monkeypatch.setattr(writable, "try_to_write", write)
    async with serving(sqlite_url) as api:
        for _ in range(5):
            assert (await api.get("/health/ready")).status_code == 200
        assert tries == []  # While writes work, a look writes nothing.
        api.running.health.failed(readiness.KEY_REPLACED)
        for _ in range(5):
            await _is_told(api, "key-replaced")
        assert tries == []
        monkeypatch.setattr(health, "TRY_SECONDS", 0.0)
        assert (await api.get("/health/ready")).status_code == 200
        assert len(tries) == 1
