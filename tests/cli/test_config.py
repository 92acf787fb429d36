"""The settings in force."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Environment, Terminal
from tuckshop import settings
from tuckshop.cli import serve


def test_shows_settings_and_hides_secrets(terminal: Terminal, environment: Environment) -> None:
    environment(secret="s" * 40, database_url="postgresql://ada:hunter22@db/shop", port="8123")
    told = terminal.works("config")
    assert "8123" in told
    assert "ada:***@db" in told
    assert "hunter22" not in told
    assert "sss" not in told


@pytest.mark.parametrize(
    "url", ["postgresql://ada@db/shop?password=hunter22", "postgresql://ada:hunter22[@db/shop"]
)
def test_hides_a_password_wherever_it_stands(terminal: Terminal, environment: Environment, url: str) -> None:
    environment(secret="s" * 40, database_url=url)
    assert "hunter22" not in terminal.works("config")


def test_shows_an_address_that_can_be_used_again(terminal: Terminal, environment: Environment) -> None:
    assert f" sqlite:///{terminal.database}" in terminal.works("config")
    for url in ("sqlite:///here.sqlite3", "postgresql://ada@db/shop"):
        environment(secret="s" * 40, database_url=url)
        assert f" {url} " in terminal.works("config")


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "1.5"])
def test_names_a_wrong_setting(terminal: Terminal, environment: Environment, port: str) -> None:
    environment(port=port)
    assert "TUCKSHOP_PORT is not valid" in terminal.refused("config")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("timezone", value)
            for value in ("Berlin", "../../etc/passwd", "Europe", "x" * 300, "Europe/Berlin ")
        ),
        *(
            ("day_starts", value)
            for value in ("4:00", "24:00", "04:60", "04:00:00", "noon", "\u0660\u0664:00")
        ),
    ],
)
def test_refuses_days_that_no_clock_shows(
    terminal: Terminal, environment: Environment, name: str, value: str
) -> None:
    environment(**{name: value})
    refused = terminal.refused("config")
    assert f"TUCKSHOP_{name.upper()} is not " in refused
    assert ". Set " in refused


def test_knows_where_each_setting_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: Environment
) -> None:
    (tmp_path / ".env").write_text("TUCKSHOP_PORT=8001\nTUCKSHOP_WORKERS=2\nTUCKSHOP_HOST=0.0.0.0\n")
    monkeypatch.chdir(tmp_path)
    environment(workers="3")
    monkeypatch.setattr(os, "environ", os.environ.copy())  # What is told to workers stays here.
    serve.export(port=8002, host="0.0.0.0")  # The file says as much of the host.
    serve.export(root_dialect="kiosk")
    given = settings.read()
    told = settings.sources(given)
    assert (given.port, given.workers, given.host, given.root_dialect) == (8002, 3, "0.0.0.0", "kiosk")
    assert [told[f"TUCKSHOP_{name}"] for name in ("PORT", "WORKERS", "HOST", "ROOT_DIALECT", "COINS")] == [
        "command",
        "environment",
        "file",
        "command",
        "default",
    ]
