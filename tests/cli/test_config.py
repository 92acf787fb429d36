"""The settings in force."""

import os
import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from tests.cli.conftest import Environment, Terminal
from tuckshop import settings
from tuckshop.cli import serve
from tuckshop.dialects import NAMES
from tuckshop.dialects.shared import mounting


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
    (tmp_path / "shop.env").write_text("TUCKSHOP_PORT=8001\nTUCKSHOP_WORKERS=2\nTUCKSHOP_HOST=0.0.0.0\n")
    environment(workers="3", config=str(tmp_path / "shop.env"))
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


@pytest.mark.parametrize("dialect", NAMES)
def test_prints_what_a_dialect_needs_ready_to_paste(
    terminal: Terminal, environment: Environment, tmp_path: Path, dialect: str
) -> None:
    told = terminal.works("config", "--for", dialect)
    (tmp_path / "pasted.env").write_text(told)
    pasted = {name: value or "" for name, value in dotenv_values(tmp_path / "pasted.env").items()}
    assert pasted["TUCKSHOP_DIALECTS"] == dialect
    mounting.require_served(settings.read(pasted))
    for name in pasted.keys() - {"TUCKSHOP_DIALECTS"}:
        with pytest.raises(settings.SettingsInvalid, match=f"{name}="):
            mounting.require_served(settings.read({**pasted, name: ""}))


def test_keeps_what_is_set_already(terminal: Terminal, environment: Environment) -> None:
    environment(dialects="kiosk", tab_limit_cents="700", tab_for="approved", seller_registration="approve")
    told = terminal.works("config", "--for", "shop", "--for", "simple-payment").splitlines()
    assert told[1::2] == [
        "TUCKSHOP_DIALECTS=kiosk,shop,simple-payment",
        "TUCKSHOP_TAB_LIMIT_CENTS=700",
        "TUCKSHOP_TAB_FOR=approved",
        "TUCKSHOP_COINS=self",
        "TUCKSHOP_SELLER_REGISTRATION=approve",
    ]
    assert all(line.startswith("# ") for line in told[::2])
    assert "There is no dialect 'soap'" in terminal.refused("config", "--for", "soap")
    environment(tab_for="strangers")
    assert "TUCKSHOP_TAB_FOR is not valid" in terminal.refused("config")


def test_the_ceiling_is_twenty_full_tabs_unless_said(environment: Environment, terminal: Terminal) -> None:
    environment(tab_limit_cents="700")
    assert re.search(r"TUCKSHOP_TAB_EXPOSURE_CENTS +14000\b", terminal.works("config"))
    assert re.search(r"TUCKSHOP_TAB_FOR +approved", terminal.works("config"))
    environment(tab_limit_cents="700", tab_exposure_cents="0")
    assert re.search(r"TUCKSHOP_TAB_EXPOSURE_CENTS +0\b", terminal.works("config"))


def test_an_admin_approves_sellers_unless_said(environment: Environment, terminal: Terminal) -> None:
    for said, meant in (("", "approve"), ("open", "open"), ("closed", "closed")):
        environment(seller_registration=said)
        assert re.search(rf"TUCKSHOP_SELLER_REGISTRATION +{meant}\b", terminal.works("config"))
    environment(seller_registration="everybody")
    assert "TUCKSHOP_SELLER_REGISTRATION is not valid" in terminal.refused("config")
