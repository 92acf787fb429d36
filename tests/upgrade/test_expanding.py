"""Every migration only adds what the release before can leave alone, or says that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from tests.conftest import PostgresServer
from tests.upgrade.releases import NEXT, being, opened, upgrade_to
from tuckshop.store import migrations
from tuckshop.store.engine import reading
from tuckshop.store.migrations import revisions

SINCE = "0031"  # Whatever came before was upgraded with the shop closed.
Schema = dict[str, dict[str, Any]]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it."""
    if request.param == "sqlite":
        (tmp_path / "shop.sqlite3").touch()
        return f"sqlite:///{tmp_path}/shop.sqlite3"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


async def test_new_migrations_only_add(empty_url: str) -> None:
    compatible = _compatible_since()
    assert await _demands(empty_url, [known for known in revisions() if known >= SINCE], compatible) == []


async def test_finds_what_takes_something_away(empty_url: str) -> None:
    with being("contracting"):
        found = await _demands(empty_url, [NEXT], {})
    assert f"{NEXT}: the column shelves.par_level is gone" in found


async def test_a_next_release_that_adds_is_fine(empty_url: str) -> None:
    with being("expanding"):
        assert await _demands(empty_url, [NEXT], {}) == []


def test_what_each_migration_says_is_a_revision_up_to_its_own_and_never_goes_back() -> None:
    said = list(_compatible_since().items())
    assert said[0] == ("0034", "0030")
    assert all(since in revisions() and since <= revision for revision, since in said)
    assert [since for _, since in said] == sorted(since for _, since in said)


def _compatible_since() -> dict[str, str]:
    """What each migration says that says something, oldest first."""
    walked = ScriptDirectory(str(Path(migrations.__file__).parent)).walk_revisions()
    said = {one.revision: getattr(one.module, "COMPATIBLE_SINCE", None) for one in walked}
    return {revision: since for revision, since in reversed(said.items()) if since is not None}


async def _demands(url: str, wanted: list[str], compatible: dict[str, str]) -> list[str]:
    """What the migrations of these revisions take away or demand, unless they say so."""
    found: list[str] = []
    async with opened(url) as engine:
        await upgrade_to(engine, next(one for one in reversed(revisions()) if one < wanted[0]))
        for revision in wanted:
            async with reading(engine) as connection:
                before = await connection.run_sync(_schema)
            await upgrade_to(engine, revision)
            async with reading(engine) as connection:
                after = await connection.run_sync(_schema)
            if compatible.get(revision) != revision:
                found += [f"{revision}: {what}" for what in _differences(before, after)]
    return found


def _schema(connection: Connection) -> Schema:
    look = inspect(connection)
    return {
        table: {
            "columns": {one["name"]: one for one in look.get_columns(table)},
            "constraints": {
                *(f"CHECK {one['sqltext']}" for one in look.get_check_constraints(table)),
                *(f"UNIQUE {sorted(one['column_names'])}" for one in look.get_unique_constraints(table)),
                *(f"FOREIGN KEY {one['constrained_columns']}" for one in look.get_foreign_keys(table)),
                *(f"UNIQUE INDEX {one['name']}" for one in look.get_indexes(table) if one["unique"]),
            },
        }
        for table in look.get_table_names()
    }


def _differences(before: Schema, after: Schema) -> Iterator[str]:
    """What code that knows `before` would stumble over."""
    yield from (f"the table {name} is gone" for name in before.keys() - after.keys())
    for name in sorted(before.keys() & after.keys()):
        was, now = before[name]["columns"], after[name]["columns"]
        for column in was.keys() - now.keys():
            yield f"the column {name}.{column} is gone"
        for column, own in now.items():
            if column not in was:
                if not own["nullable"] and own["default"] is None:
                    yield f"the column {name}.{column} is new, and has no default"
            elif (str(own["type"]), own["nullable"]) != (str(was[column]["type"]), was[column]["nullable"]):
                yield f"the column {name}.{column} is another one"
        for constraint in sorted(after[name]["constraints"] - before[name]["constraints"]):
            yield f"{name} has a new constraint: {constraint}"
