"""The migrations make exactly the tables that the code describes, on both databases."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.conftest import PostgresServer
from tuckshop.operations.audit import audit
from tuckshop.store import migrations, tables
from tuckshop.store.engine import file_of, open_engine, reading, writing
from tuckshop.store.migrate import current_revision, head_revision, upgrade
from tuckshop.store.setup import install

# Everything that makes one schema differ from another, constraints and partial indexes as the database itself
# writes them. The order of columns counts, that of constraints does not.
POSTGRES_SCHEMA = """
SELECT 'column', table_name, ordinal_position || ' ' || column_name,
       concat_ws(' ', data_type, is_nullable, column_default)
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'sequence', '', sequencename, concat_ws(' ', data_type, start_value, increment_by, max_value, cycle)
  FROM pg_sequences WHERE schemaname = 'public'
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Two databases of one kind with nothing in them."""
    if request.param == "sqlite":
        (tmp_path / "one.db").touch()
        (tmp_path / "two.db").touch()
        return f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/two.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database(), server.new_database()


@asynccontextmanager
async def opened(url: str) -> Any:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        await engine.dispose()


async def schema(engine: AsyncEngine) -> list[tuple[str, ...]]:
    async with reading(engine) as connection:
        if engine.dialect.name == "postgresql":
            rows = [tuple(row) for row in await connection.execute(text(POSTGRES_SCHEMA))]
        else:
            found = await connection.execute(text("SELECT type, tbl_name, name, sql FROM sqlite_master"))
            rows = [(*row[:3], part) for row in found for part in parts(row.sql or "")]
    return sorted(row for row in rows if "alembic_version" not in row)


def parts(statement: str) -> list[str]:
    """The lines of a CREATE statement as SQLAlchemy writes it, one column or constraint each."""
    return [line.strip().rstrip(",") for line in statement.splitlines() if line.strip(" ()")]


async def test_migrating_makes_the_tables_of_the_code(empty_urls: tuple[str, str]) -> None:
    async with opened(empty_urls[0]) as migrated, opened(empty_urls[1]) as described:
        await upgrade(migrated)
        async with writing(described) as connection:
            await connection.run_sync(tables.metadata.create_all)

        assert await schema(migrated) == await schema(described)
        assert len(await schema(migrated)) > 200  # columns and constraints of 21 tables


async def test_alembic_finds_nothing_to_change(empty_urls: tuple[str, str]) -> None:
    def differences(connection: Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, tables.metadata)

    async with opened(empty_urls[0]) as engine:
        await upgrade(engine)
        async with reading(engine) as connection:
            assert await connection.run_sync(differences) == []


async def test_the_comparison_sees_a_single_constraint(empty_urls: tuple[str, str]) -> None:
    async with opened(empty_urls[0]) as migrated, opened(empty_urls[1]) as other:
        await upgrade(migrated)
        await upgrade(other)
        before = await schema(migrated)
        assert before == await schema(other)
        async with writing(other) as connection:
            await connection.execute(text("DROP INDEX uq_accounts_kind"))
        after = await schema(other)
        assert [row[2] for row in before if row not in after] == ["uq_accounts_kind"]


async def test_upgrades_at_once_take_turns(empty_urls: tuple[str, str]) -> None:
    engines = [open_engine(empty_urls[0]) for _ in range(4)]
    await asyncio.gather(*(upgrade(engine) for engine in engines))
    assert {await current_revision(engine) for engine in engines} == {head_revision()}
    for engine in engines:
        await engine.dispose()


async def test_a_second_upgrade_changes_nothing(empty_urls: tuple[str, str]) -> None:
    async with opened(empty_urls[0]) as engine:
        assert await current_revision(engine) is None
        await upgrade(engine)
        before = await schema(engine)
        await upgrade(engine)
        assert await schema(engine) == before


async def test_a_migration_that_fails_leaves_nothing(
    empty_urls: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the power failed")

    async with opened(empty_urls[0]) as engine:
        # The last statements of the first migration.
        monkeypatch.setattr("alembic.operations.Operations.create_index", fail)
        with pytest.raises(RuntimeError, match="the power failed"):
            await upgrade(engine)
        assert await schema(engine) == []


async def test_upgrading_makes_the_file(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path}/shop.db") as engine:
        await upgrade(engine)
        assert file_of(engine) == tmp_path / "shop.db"
        assert await current_revision(engine) == head_revision()


def test_file_names_tell_the_revisions() -> None:
    """Servers read the names alone; Alembic reads what is in the files."""
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    walked = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(walked)) == migrations.revisions()
    assert scripts.get_current_head() == head_revision()


SOLD_BEFORE = """
INSERT INTO users (id, username, username_key, password_hash, state, is_buyer, is_seller, is_cashier,
                   is_admin, created_us)
VALUES (1, 'ada', 'ada', '!', 'active', TRUE, FALSE, FALSE, FALSE, 1);
INSERT INTO products (id, name, name_key, price_cents, refundable, tax_basis_points, cost_cents, version,
                      created_us)
VALUES (1, 'cola', 'cola', 150, TRUE, 0, 0, 1, 1);
INSERT INTO orders (id, buyer_id, machine_id, payment, status, total_cents, created_us, fulfilled_us)
VALUES (1, 1, 1, 'wallet', 'dispensed', 300, 172800000000, 172800000000),
       (2, 1, 1, 'wallet', 'dispensed', 300, 259199999999, 259199999999),
       (3, 1, 1, 'wallet', 'dispensed', 300, 259200000000, 259200000000);
INSERT INTO order_lines (order_id, product_id, position, quantity, name, price_cents, refundable,
                         tax_basis_points, cost_cents, refunded_quantity)
VALUES (1, 1, 0, 2, 'cola', 150, TRUE, 0, 0, 1), (2, 1, 0, 2, 'cola', 150, TRUE, 0, 0, 0),
       (3, 1, 0, 2, 'cola', 150, TRUE, 0, 0, 0);
INSERT INTO refunds (id, order_id, amount_cents, created_us, kind) VALUES (1, 1, 150, 259200000007, 'refund');
INSERT INTO refund_lines (refund_id, order_id, product_id, quantity) VALUES (1, 1, 1, 1)
"""  # Days have 86,400,000,000 microseconds.


async def test_what_was_sold_before_is_counted_by_days_of_utc(empty_urls: tuple[str, str]) -> None:
    """Revision 0007: two orders on one day, a third past midnight, and a piece given back on that day."""
    async with opened(empty_urls[0]) as engine:
        await upgrade_to(engine, "0006")
        async with writing(engine) as connection:
            await install(connection, now_us=1)
            for statement in SOLD_BEFORE.split(";"):
                await connection.execute(text(statement))
        await upgrade(engine)
        async with reading(engine) as connection:
            rows = await connection.execute(text("SELECT * FROM sales ORDER BY day"))
            assert [tuple(row) for row in rows] == [(2, 1, 1, 4, 600, 0, 0), (3, 1, 1, 2, 300, 1, 150)]
            days = await connection.execute(text("SELECT day FROM orders ORDER BY id"))
            assert days.scalars().all() == [2, 2, 3]
        rules = {check.name for check in (await audit(engine)).checks if check.problem_count}
        assert "every day's totals equal its sales and refunds" not in rules
        async with writing(engine) as connection:
            with pytest.raises(IntegrityError):
                await connection.execute(text("UPDATE orders SET day = NULL"))


async def test_who_had_a_tab_before_is_approved(empty_urls: tuple[str, str]) -> None:
    """Revision 0021: used tabs and own limits; the shop's limit stays a setting."""
    async with opened(empty_urls[0]) as engine:
        await upgrade_to(engine, "0016")
        async with writing(engine) as connection:
            await install(connection, now_us=1)
            for place, (name, limit) in enumerate((("ada", "NULL"), ("bob", "500"), ("cleo", "NULL")), 1):
                await connection.execute(
                    text(
                        "INSERT INTO users (id, username, username_key, password_hash, state, is_buyer,"
                        " is_seller, is_cashier, is_admin, tab_limit_cents, created_us)"
                        f" VALUES ({place}, '{name}', '{name}', '!', 'active', TRUE, FALSE, FALSE, FALSE,"
                        f" {limit}, 1)"
                    )
                )
            await connection.execute(
                text("INSERT INTO accounts (kind, user_id, balance_cents) VALUES ('tab', 1, 0)")
            )
        await upgrade(engine)
        async with reading(engine) as connection:
            rows = await connection.execute(
                text("SELECT username, tab_limit_cents, tab_approved FROM users ORDER BY id")
            )
            assert [tuple(row) for row in rows] == [
                ("ada", None, True), ("bob", 500, True), ("cleo", None, False),
            ]  # fmt: skip


TOPPED_UP_BEFORE = """
INSERT INTO users (id, username, username_key, password_hash, state, is_buyer, is_seller, is_cashier,
                   is_admin, created_us)
VALUES (1, 'ada', 'ada', '!', 'active', TRUE, FALSE, FALSE, FALSE, 1);
INSERT INTO accounts (id, kind, user_id, balance_cents) VALUES (70, 'bank', NULL, 0), (71, 'wallet', 1, 600);
INSERT INTO transfers (id, kind, source_id, target_id, amount_cents, external_ref, created_us)
VALUES (1, 'topup', 70, 71, 100, 'RF18 5390', 1), (2, 'topup', 70, 71, 100, 'rf185390', 1),
       (3, 'topup', 70, 71, 100, ' ', 1), (4, 'topup', 70, 71, 100, 'Straße', 1),
       (5, 'topup', 70, 71, 100, 'STRASSE', 1), (6, 'topup', 70, 71, 100, 'rf185390 2', 1)
"""


async def test_references_that_are_one_by_now_stay_apart_where_both_were_used(
    empty_urls: tuple[str, str],
) -> None:
    """Revision 0028: one reference with and without a space, one blank, one in capitals."""
    async with opened(empty_urls[0]) as engine:
        await upgrade_to(engine, "0027")
        async with writing(engine) as connection:
            await install(connection, now_us=1)
            for statement in TOPPED_UP_BEFORE.replace("SELECT value, kind,", "SELECT value, transfer,").split(
                ";"
            ):
                await connection.execute(text(statement))
        await upgrade(engine)
        async with reading(engine) as connection:
            query = text("SELECT external_ref_key FROM transfers ORDER BY id")
            keys = (await connection.execute(query)).scalars().all()
        assert keys == ["rf185390", "rf185390 2", "", "strasse", "strasse 5", "rf1853902"]
        async with writing(engine) as connection:
            with pytest.raises(IntegrityError):
                await connection.execute(
                    text("UPDATE transfers SET external_ref_key = 'rf185390' WHERE id = 2")
                )


async def upgrade_to(engine: AsyncEngine, revision: str) -> None:
    """The database as an older release left it."""

    def migrate(connection: Connection) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", "tuckshop.store:migrations")
        config.set_main_option("path_separator", "os")
        command.upgrade(config, revision)

    async with writing(engine) as connection:
        await connection.run_sync(migrate)


SOLD_BY_SELLERS = """
INSERT INTO users (id, username, username_key, password_hash, state, is_buyer, is_seller, is_cashier,
                   is_admin, created_us)
VALUES (1, 'sam', 'sam', '!', 'active', FALSE, TRUE, FALSE, FALSE, 1),
       (2, 'tom', 'tom', '!', 'active', FALSE, TRUE, FALSE, FALSE, 1);
INSERT INTO machines (id, name, name_key, timezone, box_kind, created_us)
VALUES (7, 'hall', 'hall', 'UTC', 'unlimited', 5), (8, 'attic', 'attic', 'UTC', 'unlimited', 5);
INSERT INTO images (id, media_type, content, created_us) VALUES (1, 'image/webp', 'abc', 1);
INSERT INTO products (id, name, name_key, price_cents, seller_id, refundable, tax_basis_points, cost_cents,
                      image_id, version, created_us, removed_us)
VALUES (1, 'cola', 'cola', 150, 1, TRUE, 0, 0, 1, 1, 1, NULL),
       (2, 'tea', 'tea', 150, 2, TRUE, 0, 0, NULL, 1, 1, NULL),
       (3, 'gum', 'gum', 150, 2, TRUE, 0, 0, NULL, 1, 1, 9),
       (4, 'nuts', 'nuts', 150, NULL, TRUE, 0, 0, NULL, 1, 1, NULL);
INSERT INTO shelves (machine_id, product_id, quantity)
VALUES (1, 1, 9000), (7, 1, 1001), (1, 2, 10000), (8, 3, 50000), (7, 4, 90000)
"""


async def test_sellers_keep_what_they_have_above_quotas_and_elsewhere(empty_urls: tuple[str, str]) -> None:
    """Revision 0022: who has more than a quota keeps that, and sells where there is a shelf of theirs."""
    async with opened(empty_urls[0]) as engine:
        await upgrade_to(engine, "0018")
        async with writing(engine) as connection:
            await install(connection, now_us=1)
            for statement in SOLD_BY_SELLERS.split(";"):
                await connection.execute(text(statement))
        await upgrade(engine)
        async with reading(engine) as connection:
            quotas = await connection.execute(text("SELECT * FROM seller_quotas"))
            assert [tuple(row) for row in quotas] == [(1, None, 10_001, None)]
            invited = await connection.execute(text("SELECT * FROM invitations"))
            assert [tuple(row) for row in invited] == [(1, 7, 5)]


async def test_names_that_look_alike_already_stay(empty_urls: tuple[str, str]) -> None:
    """Revision 0023: everybody who is there has a skeleton, whatever it is."""
    async with opened(empty_urls[0]) as engine:
        await upgrade_to(engine, "0018")
        async with writing(engine) as connection:
            await install(connection, now_us=1)
            await connection.execute(
                text(
                    "INSERT INTO users (id, username, username_key, password_hash, state, is_buyer,"
                    " is_seller, is_cashier, is_admin, created_us, closed_us)"
                    " VALUES (1, 'Paul', 'paul', '!', 'active', TRUE, FALSE, FALSE, FALSE, 1, NULL),"
                    " (2, 'PauI', 'paui', '!', 'disabled', TRUE, FALSE, FALSE, FALSE, 1, NULL),"
                    " (3, 'max', 'max', '!', 'closed', TRUE, FALSE, FALSE, FALSE, 1, 2)"
                )
            )
            await connection.execute(
                text(
                    "INSERT INTO products (id, name, name_key, price_cents, refundable, tax_basis_points,"
                    " cost_cents, version, created_us, removed_us) VALUES"
                    " (1, 'Соlа', 'соlа', 5, TRUE, 0, 0, 1, 1, NULL),"
                    " (2, 'tea', 'tea', 5, TRUE, 0, 0, 1, 1, 9)"
                )
            )
        await upgrade(engine)
        async with reading(engine) as connection:
            rows = await connection.execute(text("SELECT * FROM user_skeletons ORDER BY user_id"))
            assert [tuple(row) for row in rows] == [(1, "paul"), (2, "paul")]
            rows = await connection.execute(text("SELECT * FROM product_skeletons"))
            assert [tuple(row) for row in rows] == [(1, "cola")]
