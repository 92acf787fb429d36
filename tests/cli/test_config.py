"""The settings in force."""

import pytest

from tests.cli.conftest import Environment, Terminal


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


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "1.5"])
def test_names_a_wrong_setting(terminal: Terminal, environment: Environment, port: str) -> None:
    environment(port=port)
    assert "TUCKSHOP_PORT cannot be used" in terminal.refused("config")
