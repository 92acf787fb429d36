"""R39: shops of every earlier revision keep their books, and an upgrade that fails changes nothing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.conftest import PostgresServer, set_up
from tests.reader import CLEAN, faults_of
from tests.stored.test_old_shop import unzipped
from tests.upgrade.releases import being, opened, upgrade_to
from tuckshop.cli.main import cli
from tuckshop.operations.audit import audit
from tuckshop.store.engine import read_state, reading, writing
from tuckshop.store.migrate import current_revision, head_revision, upgrade
from tuckshop.store.migrations import revisions
from tuckshop.store.setup import install

IS_PROOF = os.environ.get("TUCKSHOP_PROOF") == "1"
FIXTURE = "0011"  # The revision of the shop in tests/stored/3366d97.
EARLIER = revisions()[:-1]
TRIED = EARLIER if IS_PROOF else [*EARLIER[:1], "0010", FIXTURE, "0020", *EARLIER[-1:]]

# One deposit of 5.00, of which 3.00 are spent on two cans out of ten. Only what revision 0001 has.
SOLD = """
INSERT INTO users (username, username_key, password_hash, state, is_buyer, is_seller, is_cashier, is_admin,
                   created_us)
VALUES ('ada', 'ada', '!', 'active', TRUE, FALSE, FALSE, FALSE, 1);
INSERT INTO products (id, name, name_key, price_cents, refundable, tax_basis_points, cost_cents, version,
                      created_us)
VALUES (1, 'cola', 'cola', 150, TRUE, 0, 0, 1, 1);
INSERT INTO shelves (machine_id, product_id, quantity) VALUES (1, 1, 8);
INSERT INTO accounts (kind, user_id, machine_id, balance_cents)
VALUES ('coin_box', NULL, 1, -500), ('wallet', 1, NULL, 200), ('house', NULL, NULL, 300);
INSERT INTO orders (id, buyer_id, machine_id, payment, status, total_cents, created_us)
VALUES (1, 1, 1, 'wallet', 'dispensed', 300, 172800000000);
INSERT INTO order_lines (order_id, product_id, position, quantity, name, price_cents, refundable,
                         tax_basis_points, cost_cents, refunded_quantity)
VALUES (1, 1, 0, 2, 'cola', 150, TRUE, 0, 0, 0);
INSERT INTO transfers (id, kind, source_id, target_id, amount_cents, order_id, actor_id, machine_id,
                       created_us)
VALUES (1, 'deposit', 1, 2, 500, NULL, 1, 1, 86400000000), (2, 'sale', 2, 3, 300, 1, 1, 1, 172800000000);
INSERT INTO stock_movements (kind, machine_id, product_id, quantity, order_id, created_us)
VALUES ('initial', 1, 1, 10, NULL, 1), ('sale', 1, 1, -2, 1, 172800000000);
INSERT INTO coin_movements (machine_id, value_cents, count, transfer_id, created_us)
VALUES (1, 100, 5, 1, 86400000000);
UPDATE coin_boxes SET count = 5 WHERE value_cents = 100
"""
NEXT_IDS = {
    "sqlite": "UPDATE counters SET last_id = 2 WHERE name IN ('orders', 'transfers', 'products')",
    "postgresql": "SELECT setval(name || '_id_seq', 2)"
    " FROM (VALUES ('orders'), ('transfers'), ('products')) AS tables (name)",
}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it."""
    if request.param == "sqlite":
        (tmp_path / "shop.sqlite3").touch()
        return f"sqlite:///{tmp_path}/shop.sqlite3"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.mark.proof
@pytest.mark.parametrize("revision", TRIED)
async def test_a_shop_of_every_earlier_revision_keeps_its_books(empty_url: str, revision: str) -> None:
    if revision >= FIXTURE:
        await asyncio.to_thread(_restore, empty_url)
    async with opened(empty_url) as engine:
        if revision < FIXTURE:
            await upgrade_to(engine, EARLIER[0])
            await _fill(engine)
        await upgrade_to(engine, revision)
        assert await current_revision(engine) == revision
        before = await _books(engine)
        await upgrade(engine)
        state = await read_state(engine)
        assert (state.revision, state.compatible_since) == (head_revision(), "0030")
        assert await _books(engine) == before
        assert faults_of(await audit(engine)) == CLEAN
        assert before["orders"]


def _restore(url: str) -> None:
    """The shop that an old release left, with sales and whatever else it could do."""
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).write_bytes(unzipped("sqlite.sqlite3.gz"))
        return
    asyncio.run(_execute(url, unzipped("postgres.sql.gz").decode()))


async def _execute(url: str, script: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(script)
    await connection.close()


async def _fill(engine: AsyncEngine) -> None:
    async with writing(engine) as connection:
        await install(connection, now_us=1)
        for statement in (*SOLD.split(";"), NEXT_IDS[engine.dialect.name]):
            await connection.execute(text(statement))


async def _books(engine: AsyncEngine) -> dict[str, list[tuple[Any, ...]]]:
    """What no upgrade may change."""
    queries = {
        "accounts": "SELECT id, kind, balance_cents FROM accounts",
        "orders": "SELECT id, buyer_id, guest_id, machine_id, status, total_cents, created_us FROM orders",
        "lines": "SELECT order_id, product_id, quantity, price_cents, refunded_quantity FROM order_lines",
        "transfers": "SELECT id, kind, source_id, target_id, amount_cents, created_us FROM transfers",
        "shelves": "SELECT machine_id, product_id, quantity FROM shelves",
        "coins": "SELECT machine_id, value_cents, count FROM coin_boxes",
        "users": "SELECT id, username, state, password_hash FROM users",
    }
    async with reading(engine) as connection:
        return {
            name: sorted(tuple(row) for row in await connection.execute(text(f"{query} ORDER BY 1, 2")))
            for name, query in queries.items()
        }


# --- A migration that fails half-way


def test_a_migration_that_fails_half_way_leaves_the_old_state(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(set_up(empty_url))
    monkeypatch.setenv("TUCKSHOP_DATABASE_URL", empty_url)
    monkeypatch.setenv("TUCKSHOP_HOME", str(tmp_path))
    monkeypatch.setenv("TUCKSHOP_CONFIG", os.devnull)
    before = asyncio.run(_everything(empty_url))
    with being("failing"):
        result = CliRunner().invoke(cli, ["db", "upgrade"])
    assert result.exit_code == 2, result.output
    head = head_revision()
    said = result.stderr.splitlines()[-1]
    assert said.startswith(f"Error: The upgrade from revision {head} to 9999 failed (")
    assert "parcels" in said
    assert said.endswith(" Nothing was changed.")
    assert "Traceback" not in result.output
    assert asyncio.run(_everything(empty_url)) == before
    result = CliRunner().invoke(cli, ["db", "upgrade"])  # Of the release that is there still.
    assert (result.exit_code, result.stdout.count("up to date")) == (0, 1)
    with being("expanding"):
        assert CliRunner().invoke(cli, ["db", "upgrade"]).exit_code == 0


async def _everything(url: str) -> tuple[list[tuple[Any, ...]], dict[str, list[tuple[Any, ...]]], str]:
    """Schema, books and revision."""
    async with opened(url) as engine:
        if url.startswith("sqlite"):
            query = "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
        else:
            query = (
                "SELECT table_name, column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = 'public'"
                " UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes"
                " WHERE schemaname = 'public' ORDER BY 1, 2"
            )
        async with reading(engine) as connection:
            schema = [tuple(row) for row in await connection.execute(text(query))]
            currency = await connection.scalar(text("SELECT currency FROM shop"))
        return schema, await _books(engine), f"{await current_revision(engine)} {currency}"
