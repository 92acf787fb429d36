"""PostgreSQL's programs are told the same as the shop, and what they say is told in one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import PostgresServer
from tests.operations.test_backups import names_in
from tests.shop import open_shop
from tuckshop.operations.backups import archive, checking, making, postgres_dumps, restoring
from tuckshop.operations.backups.encryption import Keys
from tuckshop.operations.backups.files import BackupFailed
from tuckshop.operations.backups.postgres_dumps import _split
from tuckshop.settings import Settings
from tuckshop.store.engine import DatabaseUnusable

SECRET = "s" * 40
NO_KEYS = Keys()


def given_of(url: str) -> Settings:
    return Settings(database_url=url, secret=SECRET)


def program(folder: Path, name: str, script: str) -> None:
    """A program in the place of PostgreSQL's."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o700)


@pytest.mark.parametrize(
    ("url", "uri", "environment"),
    [
        ("postgresql://db/shop", "postgresql://db/shop", {}),
        ("postgres://ada@db:5433/shop", "postgres://ada@db:5433/shop", {}),
        ("postgresql://ada:p%40ss@db/shop", "postgresql://ada@db/shop", {"PGPASSWORD": "p@ss"}),
        ("postgresql://ada@db/shop?password=x%26y", "postgresql://ada@db/shop", {"PGPASSWORD": "x&y"}),
        ("postgresql://a:1,b:2/shop?sslmode=require", "postgresql://a:1,b:2/shop?sslmode=require", {}),
        ("postgresql:///?host=/run/pg&database=shop", "postgresql:///?host=%2Frun%2Fpg&dbname=shop", {}),
        ("postgresql://[::1]/shop", "postgresql://[::1]/shop", {}),
        (
            "postgresql://db/shop?search_path=a b&work_mem=1MB",
            "postgresql://db/shop",
            {"PGOPTIONS": "-c search_path=a\\ b -c work_mem=1MB"},
        ),
    ],
)
def test_the_address_without_its_secrets(url: str, uri: str, environment: dict[str, str]) -> None:
    address = _split(url)
    told = {name: value for name, value in address.environment.items() if name in environment}
    assert (address.uri, told) == (uri, environment)
    assert "PGPASSWORD" in environment or "PGPASSWORD" not in address.environment


async def test_without_the_programs_it_names_the_package(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupFailed, match=r"pg_dump is missing.* postgresql-client-1\d\)\.$"):
        await making.make(given_of(postgres_url), tmp_path / "shop.tar")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "pg_dump: error: aborting because of server version mismatch\npg_dump: detail: ...",
            "pg_dump is older than PostgreSQL",
        ),
        ("pg_dump: error: query failed: ERROR:  permission denied for table orders", "permission denied"),
        ("pg_dump: error: could not write to output file: No space left on device", "No space left"),
        ("", "no reason given"),
        ("x" * 100_000, "xxx"),
    ],
)
async def test_what_the_program_says_is_told(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    (tmp_path / "said").write_text(said)
    program(tmp_path / "bin", "pg_dump", f"cat {tmp_path}/said >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    with pytest.raises(BackupFailed, match=told) as failed:
        await making.make(given_of(postgres_url), tmp_path / "shop.tar")
    assert len(str(failed.value)) < 500
    assert not (tmp_path / "shop.tar").exists()


async def test_a_password_is_in_no_command(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "pg_dump", f'echo "$@" "$PGPASSWORD" > {tmp_path}/asked; exit 1')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    url = postgres_url.replace("@", ":hunter2@", 1)
    with pytest.raises(BackupFailed):
        await making.make(given_of(url), tmp_path / "shop.tar")
    asked = (tmp_path / "asked").read_text().split()
    assert asked[-1] == "hunter2"
    assert "hunter2" not in " ".join(asked[:-1])


async def test_a_dump_that_fails_half_way_leaves_the_target_empty(
    postgres_url: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    async with open_shop(postgres_url) as shop:
        await shop.product()
    made = await making.make(given_of(postgres_url), tmp_path / "shop.tar")
    url = postgres_server.new_database()
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE SEQUENCE orders_id_seq")  # No table, but in the way.
    try:
        with pytest.raises(BackupFailed, match=r"pg_restore failed \(.*orders_id_seq.*already exists"):
            await restoring.restore(given_of(url), made.path, keys=NO_KEYS)
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    finally:
        await connection.close()


async def test_a_schema_of_its_own(
    postgres_url: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """Beside the shop's schema lies another program's, which is none of the backup's business."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute('ALTER SCHEMA public RENAME TO "the ""shop"')
    await connection.execute("CREATE SCHEMA public; CREATE TABLE public.songs (id int)")
    await connection.close()
    options = "?search_path=%22the%20%22%22shop%22"
    made = await making.make(given_of(f"{postgres_url}{options}"), tmp_path / "shop.tar")
    assert made.manifest.schema == 'the "shop'
    await checking.check(given_of(f"{postgres_url}{options}"), made.path, keys=NO_KEYS)

    url = postgres_server.new_database()
    with pytest.raises(BackupFailed, match=r"in the schema .* Create that schema"):
        await restoring.restore(given_of(url), made.path, keys=NO_KEYS)
    connection = await asyncpg.connect(url)
    await connection.execute('CREATE SCHEMA "the ""shop"')
    await restoring.restore(given_of(f"{url}{options}"), made.path, keys=NO_KEYS)
    assert await connection.fetch("SELECT 1 FROM pg_tables WHERE tablename = 'songs'") == []
    await connection.close()


async def test_who_may_not_create_databases_is_told_so(postgres_url: str, tmp_path: Path) -> None:
    made = await making.make(given_of(postgres_url), tmp_path / "shop.tar")
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("DROP ROLE IF EXISTS clerk")
    await connection.execute("CREATE ROLE clerk LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO clerk")
    try:
        url = postgres_url.replace("tuckshop@", "clerk@", 1)
        with pytest.raises(BackupFailed, match="Grant CREATEDB"):
            await checking.check(given_of(url), made.path, keys=NO_KEYS)
        # Whoever may read everything may back it up; that it was, nobody may write down.
        with pytest.raises(BackupFailed, match="permission denied"):
            await making.make(given_of(url), tmp_path / "clerk.tar")  # Sequences are no tables.
        await connection.execute("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO clerk")
        await making.make(given_of(url), tmp_path / "clerk.tar")
    finally:
        await connection.execute("DROP OWNED BY clerk; DROP ROLE clerk")
        await connection.close()


async def test_a_check_drops_its_database_whatever_happens(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise BackupFailed("It failed.")

    made = await making.make(given_of(postgres_url), tmp_path / "shop.tar")
    await checking.check(given_of(postgres_url), made.path, keys=NO_KEYS)
    monkeypatch.setattr(restoring, "finish", fail)
    with pytest.raises(BackupFailed, match="It failed"):
        await checking.check(given_of(postgres_url), made.path, keys=NO_KEYS)
    connection = await asyncpg.connect(postgres_url)
    assert (
        await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'tuckshop_check%'") == []
    )
    await connection.close()


async def test_an_older_server_is_refused(
    postgres_url: str, postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def newest(_: object) -> postgres_dumps.Server:
        return postgres_dumps.Server("99.1", "public")

    read_server = postgres_dumps.read_server
    monkeypatch.setattr(postgres_dumps, "read_server", newest)
    made = await making.make(given_of(postgres_url), tmp_path / "shop.tar")
    assert made.manifest.server_major == 99
    monkeypatch.setattr(postgres_dumps, "read_server", read_server)
    for work in (
        restoring.restore(given_of(postgres_server.new_database()), made.path, keys=NO_KEYS),
        checking.check(given_of(postgres_url), made.path, keys=NO_KEYS),
    ):
        with pytest.raises(BackupFailed, match="Restore it to 99 or newer"):
            await work


async def test_a_server_that_is_away(tmp_path: Path) -> None:
    away = given_of("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnusable, match="PostgreSQL"):
        await making.make(away, tmp_path / "shop.tar")
    assert names_in(tmp_path) == []


async def test_a_dump_that_is_none_is_refused(
    postgres_url: str, postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sums are right, but nobody's `pg_dump` has made it."""

    async def dump(_: str, __: object, target: Path) -> None:
        with target.open("wb") as file:
            file.write(b"no dump at all")

    monkeypatch.setattr(postgres_dumps, "dump", dump)
    made = await making.make(given_of(postgres_url), tmp_path / "shop.tar")
    assert made.manifest.parts[0].name == archive.DATABASES["postgresql"]
    with pytest.raises(BackupFailed, match="pg_restore failed"):
        await restoring.restore(given_of(postgres_server.new_database()), made.path, keys=NO_KEYS)
