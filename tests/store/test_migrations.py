"""The migrations make exactly the tables that the code describes, on both databases."""

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.conftest import PostgresServer
from tuckshop.store import migrations, tables
from tuckshop.store.engine import file_of, open_engine, reading, writing
from tuckshop.store.upgrade import current_revision, head_revision, upgrade

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
    names = [f"tuckshop_{os.getpid()}_{tmp_path.name}_{place}" for place in (1, 2)]
    server.execute(*(f'CREATE DATABASE "{name}"' for name in names))
    return server.url(names[0]), server.url(names[1])


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
