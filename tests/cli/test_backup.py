"""`tuckshop backup` and `tuckshop restore` at the terminal."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pyrage
import pytest

from tests.cli.conftest import Environment, Terminal
from tests.limits import HANG_SECONDS
from tuckshop.operations.backups import making

FINGERPRINT = "fingerprint "


@pytest.fixture
def backed_up(open_terminal: Terminal) -> Terminal:
    """A shop with a backup of it in the working directory."""
    open_terminal.works("backup", "shop.tar")
    return open_terminal


def test_there_and_back(backed_up: Terminal, environment: Environment, tmp_path: Path) -> None:
    books = backed_up.books()
    told = backed_up.works("backup", "--check", "shop.tar")
    assert "Audit passed." in told
    assert "The backup is good" in told
    environment(home=str(tmp_path / "new"))
    there = Terminal(tmp_path / "new")
    told = there.works("restore", "shop.tar")
    assert "The key file was restored." in told
    assert (there.home / "secret.key").read_text() == "k" * 64
    assert {name for name, rows in there.books().items() if rows != books[name]} == {"audits", "backups"}
    assert "Audit passed." in there.works("audit")
    assert there.home.stat().st_mode & 0o777 == 0o700


def test_what_a_backup_says(open_terminal: Terminal) -> None:
    told = open_terminal.works("backup", "shop.tar")
    for word in ("shop.tar", "bytes", "UTC", FINGERPRINT, "Encrypted", "no"):
        assert word in told
    assert open_terminal.rows("SELECT kind, is_good FROM backups") == [("backup", 1)]


@pytest.mark.parametrize("how", ["file", "prompt", "key"])
def test_encrypted(open_terminal: Terminal, environment: Environment, tmp_path: Path, how: str) -> None:
    identity = pyrage.x25519.Identity.generate()
    Path("word").write_text("open sesame\n")
    Path("key").write_text(f"# a key\n{identity}\n")
    Path("wrong").write_text("open barley\n")
    Path("other").write_text(str(pyrage.x25519.Identity.generate()))
    if how == "prompt":
        answer = open_terminal("backup", "shop.tar", "--passphrase", given="open sesame\nopen sesame\n")
        assert answer.code == 0
    elif how == "file":
        open_terminal.works("backup", "shop.tar", "--passphrase-file", "word")
    else:
        open_terminal.works("backup", "shop.tar", "--recipient", str(identity.to_public()))
    keys = ["--identity", "key"] if how == "key" else ["--passphrase-file", "word"]
    wrong = ["--identity", "other"] if how == "key" else ["--passphrase-file", "wrong"]

    told = open_terminal("backup", "--check", "shop.tar", *wrong).error
    assert "wrong" in told or "another one's" in told
    open_terminal.works("backup", "--check", "shop.tar", *keys)
    environment(home=str(tmp_path / "new"))
    there = Terminal(tmp_path / "new")
    assert f"with {keys[0]}" in there.refused("restore", "shop.tar")
    there.refused("restore", "shop.tar", *wrong)
    assert not there.home.exists()
    there.works("restore", "shop.tar", *keys)


def test_a_passphrase_from_standard_input(open_terminal: Terminal) -> None:
    open_terminal.works("backup", "shop.tar", "--passphrase-file", "-", given="open sesame\n")
    open_terminal.works("backup", "--check", "shop.tar", "--passphrase-file", "-", given="open sesame")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("backup",), "PATH"),
        (("backup", "shop.tar", "--identity", "key"), "--recipient"),
        (("backup", "shop.tar", "--recipient", "age1nope"), "not a recipient"),
        (("backup", "shop.tar", "--recipient", ""), "empty"),
        (("backup", "shop.tar", "--passphrase", "--passphrase-file", "word"), "Choose one"),
        (("backup", "shop.tar", "--passphrase-file", "missing"), "missing"),
        (("backup", "shop.tar", "--passphrase-file", "empty"), "empty"),
        (("backup", "shop.tar", "--passphrase-file", "large"), "too large"),
        (("backup", "shop.tar", "--passphrase-file", "bytes"), "not UTF-8"),
        (("backup", "missing/shop.tar"), "There is no folder"),
        (("backup", "word/shop.tar"), "There is no folder"),
        (("backup", "word"), "already exists"),
        (("backup", "home"), "already exists"),
        (("backup", "--keep", "missing"), "There is no folder"),
        (("backup", "--keep", "word"), "There is no folder"),
        (("backup", "--keep", "--check", "home"), "--check takes no option"),
        (("backup", "--check", "shop.tar", "--recipient", "age1x"), "--check takes no option"),
        (("backup", "--check", "missing"), "No such file"),
        (("backup", "--check", "word"), "not a backup"),
        (("backup", "--check", "empty"), "not a backup"),
        (("backup", "--check", "home"), "no backup in the folder"),
        (("backup", "--check", "word", "--identity", "word"), "has no key"),
        (("restore",), "FILE"),
        (("restore", "missing"), "No such file"),
        (("restore", "word"), "not a backup"),
        (("restore", "home"), "is a directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_words(open_terminal: Terminal, words: tuple[str, ...], told: str) -> None:
    Path("word").write_text("open sesame\n")
    Path("empty").touch()
    Path("large").write_text("x" * 100_000)
    Path("bytes").write_bytes(b"\xff\xfe")
    before = sorted(map(str, Path().rglob("*")))
    assert told in open_terminal.refused(*words)
    after = sorted(map(str, Path().rglob("*")))
    assert [name for name in after if not name.endswith(("-wal", "-shm"))] == before


def test_restores_over_nothing(backed_up: Terminal) -> None:
    assert "already exists" in backed_up.refused("restore", "shop.tar")


def test_another_key_is_left_alone(backed_up: Terminal, environment: Environment, tmp_path: Path) -> None:
    environment(secret="another secret, which is long enough to sign with", home=str(tmp_path / "new"))
    assert "another signing key" in Terminal(tmp_path / "new").refused("restore", "shop.tar")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("where", [0, 100, 700, 5_000, -2_000])
def test_a_truncated_file_is_refused(
    backed_up: Terminal, environment: Environment, tmp_path: Path, where: int
) -> None:
    Path("short.tar").write_bytes(Path("shop.tar").read_bytes()[:where])
    environment(home=str(tmp_path / "new"))
    told = Terminal(tmp_path / "new").refused("restore", "short.tar")
    assert "truncated" in told or "not a backup" in told
    assert not (tmp_path / "new").exists()


def test_wrong_books_are_told(open_terminal: Terminal, environment: Environment, tmp_path: Path) -> None:
    open_terminal.tamper("UPDATE coin_boxes SET count = 7 WHERE value_cents = 5")
    open_terminal.works("backup", "shop.tar")
    answer = open_terminal("backup", "--check", "shop.tar")
    assert answer.code == 1
    assert "Audit failed" in answer.out
    environment(home=str(tmp_path / "new"))
    answer = Terminal(tmp_path / "new")("restore", "shop.tar")
    assert answer.code == 1
    assert "Restored the shop" in answer.out
    assert (tmp_path / "new" / "tuckshop.sqlite3").exists()


def test_a_damaged_database_is_no_backup(open_terminal: Terminal) -> None:
    content = bytearray(open_terminal.database.read_bytes())
    content[len(content) // 2 :] = os.urandom(len(content) - len(content) // 2)
    open_terminal.database.write_bytes(content)
    answer = open_terminal("backup", "shop.tar")
    assert answer.code == 2
    assert answer.error.count("\n") == 1
    assert not Path("shop.tar").exists()


def test_a_full_disk(open_terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/backups")

    monkeypatch.setattr(making, "_write", full)
    answer = open_terminal("backup", "shop.tar")
    assert (answer.code, answer.error) == (2, "Error: No space left on device: /backups.\n")
    assert sorted(path.name for path in Path().iterdir()) == ["home"]


def test_a_folder_with_rotation(open_terminal: Terminal) -> None:
    Path("backups").mkdir()
    for name in ("tuckshop-20200101T000000Z.tar", "tuckshop-20200101T000001Z.tar"):
        Path("backups", name).touch()
    assert "Removed 1 older backup." in open_terminal.works("backup", "--keep", "backups")
    assert len(list(Path("backups").iterdir())) == 2
    assert "The backup is good" in open_terminal.works("backup", "--check", "backups")


def test_upgrade_with_a_backup(open_terminal: Terminal) -> None:
    assert "is up to date" in open_terminal.works("db", "upgrade", "--backup", "shop.tar")
    assert not Path("shop.tar").exists()
    older(open_terminal)
    Path("taken").touch()
    assert "already exists" in open_terminal.refused("db", "upgrade", "--backup", "taken")
    told = open_terminal.works("db", "upgrade", "--backup", "shop.tar")
    assert "Backed up the shop to" in told
    assert "Upgraded the database from revision 0030" in told
    open_terminal.works("backup", "--check", "shop.tar")


def test_an_upgrade_that_fails_says_that_nothing_was_changed(open_terminal: Terminal) -> None:
    older(open_terminal)
    open_terminal.tamper("CREATE TABLE backups (songs INTEGER)")
    told = open_terminal.refused("db", "upgrade")
    assert told.startswith("The upgrade from revision 0030 to ")
    assert "table backups already exists" in told
    assert told.endswith("Nothing was changed.")


def older(terminal: Terminal) -> None:
    """As the release before left it."""
    with closing(sqlite3.connect(terminal.database)) as connection:
        connection.executescript(
            "DROP TABLE backups; DROP TABLE external_identities;"
            " DROP INDEX ix_users_email_hash; DROP INDEX ix_users_not_erased;"
            " ALTER TABLE shop DROP COLUMN key_fingerprint; ALTER TABLE users DROP COLUMN email_hash;"
            " ALTER TABLE users DROP COLUMN erased_us;"
            " ALTER TABLE alembic_version DROP COLUMN compatible_since;"
            " CREATE INDEX ix_users_closed_email_key ON users (email_key) WHERE state = 'closed';"
            " UPDATE alembic_version SET version_num = '0030'"
        )


def test_sigterm_leaves_nothing_half_made(open_terminal: Terminal) -> None:
    """As when a timer's service is stopped: no file, and no folder with the database in it."""
    program = (
        "import time\nfrom tuckshop.operations.backups import sqlite_files\n"
        "copy = sqlite_files.copy\n"
        "def slow(*more):\n    print('copying', flush=True)\n    copy(*more)\n    time.sleep(1)\n"
        "sqlite_files.copy = slow\nfrom tuckshop.cli.main import cli\ncli(['backup', 'shop.tar'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"copying\n"
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, error) == (130, b"Stopped.\n")
    assert sorted(path.name for path in Path().iterdir()) == ["home"]


def test_a_copy_of_the_file_alone_is_what_the_docs_warn_of(open_terminal: Terminal) -> None:
    """What `cp` leaves out is what a backup has."""
    with closing(sqlite3.connect(open_terminal.database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE shop SET created_us = 42")
        connection.commit()
        shutil.copy(open_terminal.database, "copied")
        open_terminal.works("backup", "shop.tar")
    with tarfile.open("shop.tar") as tar:
        tar.extract("database.sqlite3", filter="data")
    for file, is_whole in (("copied", False), ("database.sqlite3", True)):
        with closing(sqlite3.connect(file)) as opened:
            found = opened.execute("SELECT created_us FROM shop").fetchone()
        assert (found == (42,)) is is_whole
