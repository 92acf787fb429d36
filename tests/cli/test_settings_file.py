"""Where settings are read from, and which shop a command works on: the working directory says nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Environment, Terminal
from tests.cli.server import serving
from tuckshop import settings, settings_file


@pytest.fixture
def usual(terminal: Terminal) -> Path:
    """The usual settings file; nobody has made it yet."""
    settings_file.USUAL.parent.mkdir()
    return settings_file.USUAL


def _write(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def _row(told: str, setting: str) -> list[str]:
    [line] = [line for line in told.splitlines() if line.startswith(f"TUCKSHOP_{setting} ")]
    return line.split()[1:]


def test_the_command_counts_before_the_environment_and_that_before_the_file(
    terminal: Terminal, environment: Environment, usual: Path
) -> None:
    told = terminal.works("config")
    assert _row(told, "PORT") == ["8000", "default"]
    assert told.endswith("\nSettings file: none\n")

    _write(usual, "TUCKSHOP_PORT=8001\nTUCKSHOP_COINS=self\n")
    told = terminal.works("config")
    assert _row(told, "PORT") == ["8001", "file"]
    assert told.endswith(f"\nSettings file: {usual}\n")

    environment(port="8002")
    told = terminal.works("config")
    assert (_row(told, "PORT"), _row(told, "COINS")) == (["8002", "environment"], ["self", "file"])
    assert settings.read(port=8003, host=None).port == 8003

    environment(port="")  # Empty means not set.
    assert _row(terminal.works("config"), "PORT") == ["8001", "file"]


def test_the_file_that_the_command_names_counts_before_others(
    terminal: Terminal, environment: Environment, tmp_path: Path, usual: Path
) -> None:
    _write(usual, "TUCKSHOP_PORT=8001\nTUCKSHOP_COINS=self\n")
    environment(config=_write(tmp_path / "b.env", "TUCKSHOP_PORT=8002\n"))
    assert _row(terminal.works("config"), "PORT") == ["8002", "file"]
    _write(tmp_path / "c.env", "export TUCKSHOP_PORT='8003' # here\n\nPOSTGRES_PASSWORD=other programs'\n")
    told = terminal.works("--config", "c.env", "config")
    assert _row(told, "PORT") == ["8003", "file"]
    assert _row(told, "COINS") == ["attested", "default"]  # Files are not mixed.
    assert told.endswith(f"\nSettings file: {tmp_path / 'c.env'}\n")
    assert _row(terminal.works("config"), "PORT") == ["8002", "file"]

    told = terminal.works("--config", os.devnull, "config")
    assert _row(told, "PORT") == ["8000", "default"]
    assert "can be given only once" in terminal.refused("--config", "a", "--config", "b", "config")


def test_a_name_that_is_empty_is_none(terminal: Terminal, environment: Environment, usual: Path) -> None:
    environment(config="")
    assert terminal.works("config").endswith("\nSettings file: none\n")
    assert "must not be empty" in terminal.refused("--config", "", "config")


def test_the_working_directory_says_nothing(
    open_terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / ".env", "TUCKSHOP_DATABASE_URL=sqlite:///elsewhere.sqlite3\n")
    answer = open_terminal("user", "add", "ada")
    assert answer.code == 0
    assert answer.shop == f"Shop: Tuckshop (sqlite:///{open_terminal.database})"
    assert answer.error.startswith("Warning: the file .env in this folder is not read.")
    assert answer.error.count("\n") == 1
    assert open_terminal("config").error == answer.error
    assert "elsewhere.sqlite3" in open_terminal.refused("--config", ".env", "user", "list")

    (tmp_path / ".env").write_text("OTHER=1\n")
    assert open_terminal("user", "add", "bob").error == ""
    monkeypatch.chdir("/")
    assert open_terminal("user", "show", "ada").code == 0


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b"TUCKSHOP_COLOUR=red\n", "TUCKSHOP_COLOUR in {} is not a setting of Tuckshop"),
        (b"TUCKSHOP_CONFIG=/etc/other.env\n", "TUCKSHOP_CONFIG in {} is not a setting of Tuckshop"),
        (b"TUCKSHOP_PORT=0\n", "TUCKSHOP_PORT in {} is not valid"),
        (b"\n# port\n\nTUCKSHOP_PORT 8000\n", "Line 4 of the settings file {} is not a setting"),
        (b"TUCKSHOP_PORT\n", "Line 1 of the settings file {} is not a setting"),
        (b"A=1\nTUCKSHOP_SHOP_NAME='Hall\n", "Line 2 of the settings file {} is not a setting"),
        (b"[tuckshop]\nTUCKSHOP_PORT=1\n", "Line 1 of the settings file {} is not a setting"),
        (b"TUCKSHOP_PORT=1\n\nTUCKSHOP_PORT=2\n", "Line 3 of the settings file {} sets TUCKSHOP_PORT again"),
        (b"TUCKSHOP_SHOP_NAME=a\0b\n", "Line 1 of the settings file {} has a character"),
        (b"TUCKSHOP_SHOP_NAME=\xff\n", "The settings file {} is not UTF-8 text"),
        (b"#" * (settings_file.BYTES_MAX + 1), "The settings file {} is larger than 1 MiB"),
    ],
)
def test_a_file_that_says_something_else_is_one_line(
    open_terminal: Terminal, tmp_path: Path, written: bytes, told: str
) -> None:
    path = tmp_path / "shop.env"
    path.write_bytes(written)
    for words in (["config"], ["user", "add", "ada"], ["serve"], ["init"], ["db", "status"]):
        assert told.format(path) in open_terminal.refused("--config", str(path), *words)


def test_a_file_that_cannot_be_read_is_one_line(
    open_terminal: Terminal, environment: Environment, tmp_path: Path, usual: Path
) -> None:
    missing = tmp_path / "missing.env"
    assert f"There is no settings file {missing}." in open_terminal.refused(
        "--config", "missing.env", "serve"
    )
    assert f"There is no settings file {usual}/x" in open_terminal.refused("--config", f"{usual}/x", "audit")
    assert "is not a regular file" in open_terminal.refused("--config", str(tmp_path), "config")
    os.mkfifo(tmp_path / "pipe")
    assert "is not a regular file" in open_terminal.refused("--config", "pipe", "config")
    usual.symlink_to(usual)  # As root, the tests may read whatever has rights.
    for words in (["config"], ["serve"]):
        assert f"The settings file {usual} cannot be read" in open_terminal.refused(*words)
    assert open_terminal("--config", os.devnull, "user", "list").code == 0
    environment(config="x" * 5_000)
    assert "cannot be read (File name too long)" in open_terminal.refused("config")


@pytest.mark.parametrize(
    ("written", "warns"),
    [
        (f"TUCKSHOP_SECRET={'s' * 40}\n", True),
        ("TUCKSHOP_METRICS_TOKEN=token\n", True),
        ("TUCKSHOP_DATABASE_URL=postgresql://ada:hunter22@db/shop\n", True),
        ("TUCKSHOP_DATABASE_URL=postgresql://ada@db/shop\nTUCKSHOP_SECRET=\nTUCKSHOP_PORT=1\n", False),
    ],
)
def test_warns_of_secrets_that_everybody_can_read(
    terminal: Terminal, tmp_path: Path, written: str, *, warns: bool
) -> None:
    path = _write(tmp_path / "shop.env", written, mode=0o644)
    told = terminal("--config", path, "config").error
    assert told.startswith("Warning: every user of this computer can read the secrets") == warns
    assert told.count("\n") == warns
    assert "hunter22" not in told
    Path(path).chmod(0o640)
    assert terminal("--config", path, "config").error == ""


def test_a_command_names_the_shop_that_it_changes(
    open_terminal: Terminal, environment: Environment, tmp_path: Path
) -> None:
    path = _write(tmp_path / "shop.env", "TUCKSHOP_SHOP_NAME='Corner\n shop'\n")
    database = f"sqlite:///{open_terminal.database}"
    answer = open_terminal("--config", path, "product", "add", "Cola", "1.50")
    assert answer.shop == f"Shop: Corner shop ({database}), settings from {path}"
    assert (answer.code, answer.error) == (0, "")
    assert open_terminal("product", "list").shop == ""
    assert open_terminal("product", "add", "Tea").shop == ""  # Refused before it looked for a shop.

    shutil.copy(open_terminal.database, tmp_path / "here.sqlite3")
    environment(database_url="sqlite:///here.sqlite3")
    assert (
        open_terminal("product", "add", "Tea", "1").shop
        == f"Shop: Tuckshop (sqlite:///{tmp_path}/here.sqlite3)"
    )
    environment(database_url="postgresql://ada:hunter22@127.0.0.1:1/shop")
    answer = open_terminal("product", "add", "Tea", "1")
    assert answer.shop == "Shop: Tuckshop (postgresql://ada:***@127.0.0.1:1/shop)"
    assert "cannot be reached" in answer.error


def test_serves_the_shop_of_the_named_file(
    open_terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workers too, which know the file only from the environment."""
    monkeypatch.delenv("TUCKSHOP_HOME")
    _write(tmp_path / "shop.env", f"TUCKSHOP_HOME={open_terminal.home}\nTUCKSHOP_SHOP_NAME=Corner shop\n")
    with serving("--config", "shop.env", "serve", cwd=tmp_path) as server:
        assert b"Corner shop" in server.get("/")
        server.end()
    where = f"(sqlite:///{open_terminal.database}), settings from {tmp_path}/shop.env"
    assert server.shop == f"Shop: Corner shop {where}"
