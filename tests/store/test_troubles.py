"""What keeps a shop from starting: one sentence with what to do, and a word for monitoring."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.conftest import PostgresServer, own_cluster, set_up
from tests.shop import Shop, open_shop
from tuckshop.store import migrate, troubles
from tuckshop.store.engine import DatabaseAway, DatabaseUnusable, check, opened_engine, sqlite_path
from tuckshop.store.troubles import Cause
from tuckshop.store.writable import require_writable, try_to_write
from tuckshop.till.sql.books import Unavailable

NOBODY = 65534


async def refusal(url: str) -> troubles.Trouble:
    """Why no server starts on this database."""
    async with opened_engine(url) as engine:
        try:
            await check(engine)
            await require_writable(engine)
        except DatabaseUnusable as refused:
            _is_clear(refused.trouble.sentence)
            return refused.trouble
    raise AssertionError("it starts")


def fill(disk: Path) -> None:
    """Leaves no room there."""
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(b"x" * 4096):
            pass


async def stock_until_refused(shop: Shop) -> troubles.Trouble | None:
    """Adds products until the disk takes no more; what the till says then."""
    for number in range(1_000):
        try:
            await shop.product(f"cola {number}")
        except Unavailable as refused:
            return refused.trouble
    return None


def _is_clear(sentence: str) -> None:
    assert sentence.endswith((".", "`."))
    assert "\n" not in sentence
    assert "{" not in sentence


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """As somebody who has no rights of root's; the folder is theirs."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[Path]:
    """A disk of so many MiB."""
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root makes small disks")
    made = subprocess.run([mount, "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)], check=False)
    if made.returncode:
        pytest.skip("nobody makes disks here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("what", ["file", "folder"])
async def test_a_sqlite_file_that_nobody_may_write(what: str, sqlite_url: str, tmp_path: Path) -> None:
    path = Path(sqlite_path(sqlite_url))
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(path, own / "shop.db")
    for parent in (own, *own.parents):
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o111)
    with unprivileged(own):
        target = own / "shop.db" if what == "file" else own
        target.chmod(0o444 if what == "file" else 0o555)
        try:
            told = await refusal(f"sqlite:///{own / 'shop.db'}")
        finally:
            target.chmod(0o755)
    assert told.cause in (Cause.DATABASE_READ_ONLY, Cause.DATABASE_MISSING)
    assert "permissions" in told.sentence


async def test_a_disk_that_is_really_full(sqlite_url: str, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        path = disk / "shop.db"
        shutil.copy(sqlite_path(sqlite_url), path)
        async with open_shop(f"sqlite:///{path}") as shop:
            fill(disk)
            told = await stock_until_refused(shop)
            assert told is not None
            assert told.cause == Cause.DISK_FULL
            assert (await refusal(f"sqlite:///{path}")).cause == Cause.DISK_FULL
            (disk / "filler").unlink()
            await shop.product("tea")
            await require_writable(shop.engine)
            await try_to_write(shop.engine)


@pytest.mark.postgres
async def test_a_disk_of_postgresql_that_is_really_full() -> None:
    with own_cluster() as cluster, small_disk(cluster.directory / "disk", 24) as disk:
        owner = (cluster.directory / "data").stat()
        os.chown(disk, owner.st_uid, owner.st_gid)
        admin = await asyncpg.connect(cluster.url())
        await admin.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        await admin.execute("CREATE DATABASE shop TABLESPACE small")
        await admin.close()
        url = cluster.url("shop")
        await set_up(url)
        async with open_shop(url) as shop:
            await try_to_write(shop.engine)
            fill(disk)
            told = await stock_until_refused(shop)
            assert told is not None
            assert told.cause == Cause.DISK_FULL
            with pytest.raises(DatabaseAway) as away:
                await try_to_write(shop.engine)
            assert away.value.trouble.cause == Cause.DISK_FULL
            (disk / "filler").unlink()
            await try_to_write(shop.engine)
            await shop.product("tea")
        await shop.engine.dispose()


@pytest.mark.postgres
async def test_a_role_that_may_not_create_tables(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    admin = await asyncpg.connect(url)
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute("DROP ROLE IF EXISTS bare")
    await admin.execute(f'CREATE ROLE bare LOGIN; GRANT ALL ON DATABASE "{name}" TO bare')
    try:
        async with opened_engine(url.replace("tuckshop@", "bare@")) as engine:
            with pytest.raises(DatabaseAway) as refused:
                await migrate.upgrade(engine)
    finally:
        await admin.execute("DROP OWNED BY bare; DROP ROLE bare")
        await admin.close()
        postgres_server.leave(url)
    assert refused.value.trouble.cause == Cause.PERMISSION_MISSING
    assert "GRANT CREATE ON SCHEMA public" in refused.value.trouble.sentence
    _is_clear(refused.value.trouble.sentence)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("more", "cause", "word"),
    [
        ("?nonsense=1", Cause.ADDRESS_INVALID, "nonsense"),
        ("?work_mem=lots", Cause.ADDRESS_INVALID, "work_mem"),
        ("?sslmode=sometimes", Cause.ADDRESS_INVALID, "parameter"),
        ("?sslmode=require", Cause.CERTIFICATE_INVALID, "TLS"),
        ("?default_transaction_read_only=on", Cause.DATABASE_READ_ONLY, "default_transaction_read_only"),
        ("?search_path=nowhere", Cause.SEARCH_PATH_WRONG, "search_path"),
    ],
)
async def test_an_address_with_a_wrong_parameter(
    postgres_url: str, more: str, cause: Cause, word: str
) -> None:
    told = await refusal(f"{postgres_url}{more}")
    assert (told.cause, word in told.sentence) == (cause, True), told


@pytest.mark.postgres
async def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    with own_cluster() as cluster:
        data = cluster.directory / "data"
        owner = data.stat()
        root = tmp_path / "root.crt"
        for name, content in _certificate("elsewhere.example").items():
            (data / name).write_bytes(content)
            (data / name).chmod(0o600)
            os.chown(data / name, owner.st_uid, owner.st_gid)
        shutil.copy(data / "server.crt", root)
        (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n")
        cluster.stop()
        cluster.settings["ssl"] = "on"
        cluster.start()
        url = cluster.url("postgres")
        told = await refusal(f"{url}?sslmode=verify-full&sslrootcert={root}")
        assert told.cause == Cause.CERTIFICATE_INVALID
        assert "for another name" in told.sentence
        told = await refusal(f"{url}?sslmode=verify-full")
        assert told.cause == Cause.CERTIFICATE_INVALID
        async with opened_engine(f"{url}?sslmode=verify-ca&sslrootcert={root}") as engine:
            with pytest.raises(DatabaseUnusable, match="empty"):
                await check(engine)


def _certificate(name: str) -> dict[str, bytes]:
    """A server's own certificate for this name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=365 * 80))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return {
        "server.crt": made.public_bytes(pem),
        "server.key": key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    }


@pytest.mark.parametrize("code", ["SQLITE_FULL", "SQLITE_READONLY", "SQLITE_BUSY", "SQLITE_CORRUPT"])
def test_every_row_of_the_table_is_one_sentence(code: str) -> None:
    _is_clear(troubles.of_sqlite_code(getattr(sqlite3, code)).sentence)


def test_a_statement_that_is_wrong_is_no_trouble_of_the_database() -> None:
    with pytest.raises(sqlite3.Error) as wrong:
        sqlite3.connect(":memory:").execute("SELECT nothing")
    assert troubles.of(wrong.value) is None
    assert troubles.of(asyncpg.UndefinedColumnError("x")) is None
    assert troubles.of(ValueError("x")) is None
