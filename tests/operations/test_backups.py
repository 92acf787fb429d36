"""A backup is made while the shop sells, tried out, and restored where there is none."""

from __future__ import annotations

import asyncio
import gzip
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyrage
import pytest

from tests.conftest import CREATED_US, PostgresServer
from tests.reader import CLEAN, faults_of
from tests.shop import NOON_US, Clock, Shop, open_shop
from tests.stored.test_old_shop import FIXTURES
from tuckshop.domain.ledger import wallet_of
from tuckshop.operations import backups
from tuckshop.operations.backups import Kind, Last, checking, encryption, making, restoring
from tuckshop.operations.backups.encryption import Keys
from tuckshop.operations.backups.files import BackupFailed
from tuckshop.settings import KEY_FILE, Settings, SettingsInvalid
from tuckshop.store.engine import DatabaseUnusable
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.wallet import Deposit

SECRET = "s" * 40
NO_KEYS = Keys()
Elsewhere = Callable[[str], Settings]


@pytest.fixture
def given(shop: Shop, tmp_path: Path) -> Settings:
    """The settings of the shop, whose key is in a file."""
    home = tmp_path / "home"
    home.mkdir()
    (home / KEY_FILE).write_text(f"{SECRET}\n")
    return Settings(database_url=shop.url, home=str(home))


@pytest.fixture
def elsewhere(shop: Shop, tmp_path: Path, request: pytest.FixtureRequest) -> Elsewhere:
    """Settings of a shop that is not there yet, by a name."""

    def settings(name: str) -> Settings:
        home = tmp_path / name
        if shop.url.startswith("sqlite"):
            return Settings(home=str(home))
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return Settings(database_url=server.new_database(), home=str(home))

    return settings


async def books_of(given: Settings) -> dict[str, list[dict[str, Any]]]:
    async with open_shop(given.url) as shop:
        return await shop.books()


def names_in(folder: Path) -> list[str]:
    """Whatever is in the folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def size_of(path: str) -> int:
    return Path(path).stat().st_size


async def sell(shop: Shop) -> None:
    """A buyer, a product and one sale, all of it in SQLite's log alone."""
    buyer = await shop.buyer(cents=500)
    can = await shop.product()
    await shop.buy(buyer, (can.product_id, 2))


@pytest.mark.parametrize("is_encrypted", [False, True])
async def test_restores_the_books_and_the_key(
    shop: Shop, given: Settings, elsewhere: Elsewhere, tmp_path: Path, is_encrypted: bool
) -> None:
    await sell(shop)
    books = await shop.books()
    identity = pyrage.x25519.Identity.generate()
    lock = encryption.lock_for([str(identity.to_public())]) if is_encrypted else None

    made = await making.make(given, tmp_path / "shop.tar", lock=lock, clock=shop.clock)

    assert made.path.stat().st_mode & 0o777 == 0o600
    assert [name for name in names_in(tmp_path) if "shop.tar" in name] == ["shop.tar"]
    assert (made.manifest.at_us, made.manifest.shop_created_us) == (NOON_US, CREATED_US)
    assert await backups.last(shop.engine, kind=Kind.BACKUP) == Last(NOON_US, True)

    there = elsewhere("there")
    restored = await restoring.restore(there, made.path, keys=Keys([identity]), clock=shop.clock)

    assert faults_of(restored.report) == CLEAN
    assert restored.is_key_new
    key = there.home_path / KEY_FILE
    assert (key.read_text(), key.stat().st_mode & 0o777) == (SECRET, 0o600)
    found = await books_of(there)
    assert len(found.pop("audits")) == 1
    assert found == {name: rows for name, rows in books.items() if name != "audits"}
    async with open_shop(there.url, clock=Clock(NOON_US + 1)) as copy:
        await copy.buyer("new", cents=100)  # Ids go on behind those that are taken.


async def test_sells_meanwhile(shop: Shop, given: Settings, tmp_path: Path) -> None:
    buyer = await shop.buyer()

    async def deposit(count: int) -> None:
        for _ in range(count):
            await shop.do(Deposit(OPERATOR, wallet_of(buyer.user_id), {100: 1}))

    await deposit(5)
    await asyncio.gather(making.make(given, tmp_path / "shop.tar", clock=shop.clock), deposit(20))
    checked = await checking.check(given, tmp_path / "shop.tar", keys=NO_KEYS, clock=shop.clock)
    assert faults_of(checked.report) == CLEAN


async def test_a_backup_of_a_sqlite_file_has_what_is_only_in_its_log(tmp_path: Path, sqlite_url: str) -> None:
    given, there = Settings(database_url=sqlite_url, secret=SECRET), Settings(home=str(tmp_path / "there"))
    async with open_shop(sqlite_url) as shop:
        await sell(shop)
        assert size_of(f"{sqlite_url.removeprefix('sqlite:///')}-wal") > 0
        await making.make(given, tmp_path / "shop.tar")
    await restoring.restore(there, tmp_path / "shop.tar", keys=NO_KEYS)
    with closing(sqlite3.connect(there.home_path / "tuckshop.sqlite3")) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (1,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_check_touches_nothing_but_its_record(shop: Shop, given: Settings, tmp_path: Path) -> None:
    await sell(shop)
    made = await making.make(given, tmp_path / "shop.tar", clock=shop.clock)
    before, names = await shop.books(), names_in(tmp_path)
    checked = await checking.check(given, made.path, keys=NO_KEYS, clock=Clock(NOON_US + 9))
    assert faults_of(checked.report) == CLEAN
    assert await backups.last(shop.engine, kind=Kind.RESTORE_TEST) == Last(NOON_US + 9, True)
    after = await shop.books()
    assert {name for name in before if before[name] != after[name]} == {"backups"}
    assert names_in(tmp_path) == names
    async with open_shop(shop.url):
        pass  # Nobody is locked out.


async def test_books_that_were_wrong_are_restored_and_told(
    shop: Shop, given: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    await sell(shop)
    await shop.execute("UPDATE orders SET total_cents = total_cents + 1")
    made = await making.make(given, tmp_path / "shop.tar", clock=shop.clock)
    assert not (await checking.check(given, made.path, keys=NO_KEYS, clock=shop.clock)).report.clean
    assert await backups.last(shop.engine, kind=Kind.RESTORE_TEST) == Last(NOON_US, False)
    restored = await restoring.restore(elsewhere("there"), made.path, keys=NO_KEYS, clock=shop.clock)
    assert not restored.report.clean


async def test_another_shops_backup_is_no_test_of_this_one(
    shop: Shop, given: Settings, tmp_path: Path
) -> None:
    made = await making.make(given, tmp_path / "shop.tar", clock=shop.clock)
    await shop.execute("UPDATE shop SET created_us = created_us + 1")
    await checking.check(given, made.path, keys=NO_KEYS, clock=shop.clock)
    assert await backups.last(shop.engine, kind=Kind.RESTORE_TEST) is None


async def test_a_damaged_backup_is_a_failed_test(shop: Shop, given: Settings, tmp_path: Path) -> None:
    made = await making.make(given, tmp_path / "shop.tar", clock=shop.clock)
    made.path.write_bytes(made.path.read_bytes()[:20_000])
    with pytest.raises(BackupFailed, match="truncated"):
        await checking.check(given, made.path, keys=NO_KEYS, clock=shop.clock)
    assert await backups.last(shop.engine, kind=Kind.RESTORE_TEST) == Last(NOON_US, False)


async def test_restores_to_no_database_that_holds_something(
    shop: Shop, given: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    made = await making.make(given, tmp_path / "shop.tar", clock=shop.clock)
    there = elsewhere("there")
    await restoring.restore(there, made.path, keys=NO_KEYS, clock=shop.clock)
    async with open_shop(there.url) as copy:
        await sell(copy)
    before = await books_of(there)
    with pytest.raises((BackupFailed, DatabaseUnusable), match=r"Restore to where there is|not empty"):
        await restoring.restore(there, made.path, keys=NO_KEYS, clock=shop.clock)
    assert await books_of(there) == before


@pytest.mark.parametrize("end", ["", "-wal", "-shm", "-journal"])
async def test_restores_beside_nothing_that_sqlite_would_read(
    tmp_path: Path, sqlite_url: str, end: str
) -> None:
    await making.make(Settings(database_url=sqlite_url, secret=SECRET), tmp_path / "shop.tar")
    there = tmp_path / f"tuckshop.sqlite3{end}"
    there.touch()
    before = names_in(tmp_path)
    with pytest.raises(BackupFailed, match="Restore to where there is"):
        await restoring.restore(Settings(home=str(tmp_path)), tmp_path / "shop.tar", keys=NO_KEYS)
    assert names_in(tmp_path) == before


async def test_keeps_a_key_that_is_the_same_and_refuses_another(
    shop: Shop, given: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    made = await making.make(given, tmp_path / "shop.tar", clock=shop.clock)
    there = elsewhere("there")
    there.home_path.mkdir()
    key = there.home_path / KEY_FILE
    key.write_text("another key, which is long enough to sign with")
    with pytest.raises(BackupFailed, match="another signing key"):
        await restoring.restore(there, made.path, keys=NO_KEYS, clock=shop.clock)
    assert [path.name for path in there.home_path.iterdir()] == [KEY_FILE]
    key.write_text(f"{SECRET}\n")
    restored = await restoring.restore(there, made.path, keys=NO_KEYS, clock=shop.clock)
    assert not restored.is_key_new
    assert key.read_text() == f"{SECRET}\n"


async def test_a_secret_of_the_settings_stays_there(
    shop: Shop, given: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    at_home = Settings(database_url=shop.url, secret=SECRET)
    made = await making.make(at_home, tmp_path / "shop.tar", clock=shop.clock)
    assert not made.manifest.has_key
    there = elsewhere("there")
    restored = await restoring.restore(there, made.path, keys=NO_KEYS, clock=shop.clock)
    assert restored.needs_secret
    assert not (there.home_path / KEY_FILE).exists()


async def test_without_a_key_there_is_no_backup(shop: Shop, given: Settings, tmp_path: Path) -> None:
    (given.home_path / KEY_FILE).unlink()
    with pytest.raises(SettingsInvalid, match="no signing secret"):
        await making.make(given, tmp_path / "shop.tar", clock=shop.clock)
    assert not (tmp_path / "shop.tar").exists()


async def test_what_cannot_be_written_leaves_nothing(
    shop: Shop, given: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "backup")

    folder = tmp_path / "backups"
    folder.mkdir()
    monkeypatch.setattr(making, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        await making.make(given, folder / "shop.tar", clock=shop.clock)
    assert list(folder.iterdir()) == []
    assert await backups.last(shop.engine, kind=Kind.BACKUP) == Last(NOON_US, False)


async def test_never_writes_over_a_file(
    shop: Shop, given: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "shop.tar"
    for make in (lambda: target.write_text("mine"), lambda: target.symlink_to("nowhere")):
        make()
        with pytest.raises(BackupFailed, match="already exists"):
            await making.make(given, target, clock=shop.clock)
        target.unlink()

    write = making._write

    def somebody_is_faster(*more: object) -> None:
        write(*more)  # type: ignore[arg-type]
        target.write_text("mine")

    monkeypatch.setattr(making, "_write", somebody_is_faster)
    with pytest.raises(BackupFailed, match="already exists"):
        await making.make(given, target, clock=shop.clock)
    assert target.read_text() == "mine"


async def test_two_at_once_make_one(shop: Shop, given: Settings, tmp_path: Path) -> None:
    told = await asyncio.gather(
        *(making.make(given, tmp_path / "shop.tar", clock=shop.clock) for _ in range(3)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in told) == ["BackupFailed", "BackupFailed", "Made"]
    await checking.check(given, tmp_path / "shop.tar", keys=NO_KEYS, clock=shop.clock)


async def test_an_older_backup_is_upgraded(tmp_path: Path) -> None:
    old = tmp_path / "old.sqlite3"
    old.write_bytes(gzip.decompress((FIXTURES / "sqlite.sqlite3.gz").read_bytes()))
    given = Settings(database_url=f"sqlite:///{old}", secret=SECRET)
    made = await making.make(given, tmp_path / "shop.tar")
    assert made.manifest.revision < "0031"
    restored = await restoring.restore(Settings(home=str(tmp_path / "there")), made.path, keys=NO_KEYS)
    assert faults_of(restored.report) == CLEAN


async def test_a_backup_of_the_other_database_is_refused(shop: Shop, given: Settings, tmp_path: Path) -> None:
    made = await making.make(given, tmp_path / "shop.tar", clock=shop.clock)
    other = "postgresql://nobody@127.0.0.1:1/none"
    if not shop.url.startswith("sqlite"):
        other = f"sqlite:///{tmp_path / 'there.sqlite3'}"
    with pytest.raises(BackupFailed, match="The backup is of"):
        await restoring.restore(
            Settings(database_url=other, home=str(tmp_path / "there")), made.path, keys=NO_KEYS
        )
    assert not (tmp_path / "there").exists()


async def test_keeps_a_folder_of_them(shop: Shop, given: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "notes.txt").touch()
    (folder / "tuckshop-20010101T000000Z.tar").touch()
    made = await making.make_in(given, folder, clock=shop.clock)
    for _ in range(8):
        shop.clock.forward(86_400)
        made = await making.make_in(given, folder, clock=shop.clock)
    names = sorted(path.name for path in folder.iterdir())
    assert "notes.txt" in names
    assert made.path.name in names
    assert len(names) == 9  # Beside the notes the month of 2001, and 7 days: a week's last is among them.
    await checking.check(given, folder, keys=NO_KEYS, clock=shop.clock)


async def test_a_folder_without_backups(given: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="There is no backup in the folder"):
        await checking.check(given, tmp_path, keys=NO_KEYS)
    with pytest.raises(BackupFailed, match="There is no folder"):
        await making.make_in(given, tmp_path / "missing")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_one_may_not_write(given: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir(mode=0o500)
    with pytest.raises(BackupFailed, match="cannot be written to"):
        await making.make(given, folder / "shop.tar")
