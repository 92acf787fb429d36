"""A shop from nothing, once."""

import re
import stat

import pytest

from tests.cli.conftest import Environment, Terminal
from tests.conftest import PostgresServer


def _password(told: str) -> str:
    found = re.search(r"Password +(\S+)", told)
    assert found is not None
    return found[1]


def test_makes_a_shop_with_an_admin(terminal: Terminal) -> None:
    told = terminal.works("init")
    assert re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", _password(told))
    assert terminal.rows("SELECT username, is_admin, state FROM users") == [("admin", 1, "active")]
    assert terminal.rows("SELECT currency, exponent, is_demo FROM shop") == [("EUR", 2, 0)]
    assert terminal.rows("SELECT action, before FROM admin_log") == [("user.add", None)]
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in terminal.home.iterdir()}
    assert modes == {"secret.key": 0o600, "tuckshop.sqlite3": 0o600}
    assert stat.S_IMODE(terminal.home.stat().st_mode) == 0o700
    assert (terminal.home / "secret.key").read_text() not in told
    terminal.works("audit")


def test_a_second_one_is_refused_and_changes_nothing(terminal: Terminal) -> None:
    terminal.works("init", "--admin", "ada")
    key = (terminal.home / "secret.key").read_bytes()
    assert "already set up" in terminal.refused("init")
    assert "already set up" in terminal.refused("init", "--admin", "eve")
    assert (terminal.home / "secret.key").read_bytes() == key


def test_other_currencies_bring_their_coins(terminal: Terminal) -> None:
    terminal.works("init", "--currency", "jpy")
    assert terminal.rows("SELECT currency, exponent FROM shop") == [("JPY", 0)]
    assert (500,) in terminal.rows("SELECT value_cents FROM denominations")
    terminal.works("product", "add", "Cola", "150")
    assert "at most 0 decimals" in terminal.refused("product", "add", "Tea", "1.50")
    assert re.search(r"Cola +150 ", terminal.works("product", "list"))


@pytest.mark.parametrize("name", ["", " ", "a/b", "x" * 65, "tab\there", " ada"])
def test_wrong_names_leave_nothing_behind(terminal: Terminal, name: str) -> None:
    terminal.refused("init", "--admin", name)
    assert not terminal.home.exists()


@pytest.mark.parametrize(
    "words", [("--currency", "XXX"), ("--currency", ""), ("--admin", "a", "--admin", "b")]
)
def test_wrong_options_leave_nothing_behind(terminal: Terminal, words: tuple[str, ...]) -> None:
    terminal.refused("init", *words)
    assert not terminal.home.exists()


class TestHalfDone:
    def test_only_the_key_file_is_there(self, terminal: Terminal) -> None:
        terminal.home.mkdir()
        (terminal.home / "secret.key").write_text("k" * 64)
        terminal.works("init")
        assert (terminal.home / "secret.key").read_text() == "k" * 64

    def test_the_file_is_empty(self, terminal: Terminal) -> None:
        terminal.home.mkdir()
        terminal.database.touch()
        terminal.works("init")
        terminal.works("audit")

    def test_tables_but_no_shop(self, open_terminal: Terminal) -> None:
        for table in ("coin_boxes", "machines", "denominations", "counters", "shop"):
            open_terminal.tamper(f"DELETE FROM {table}")
        _password(open_terminal.works("init"))
        open_terminal.works("audit")

    def test_a_shop_but_no_admin(self, open_terminal: Terminal) -> None:
        _password(open_terminal.works("init"))
        assert "already set up" in open_terminal.refused("init")

    def test_another_currency_is_too_late(self, open_terminal: Terminal) -> None:
        assert "cannot be changed to USD" in open_terminal.refused("init", "--currency", "USD")

    def test_a_lost_key_file_is_made_anew(self, terminal: Terminal) -> None:
        terminal.works("init")
        (terminal.home / "secret.key").unlink()
        told = terminal.works("init")
        assert "Created a new key file" in told
        assert "Password" not in told
        assert (terminal.home / "secret.key").exists()


def test_leaves_other_databases_alone(open_terminal: Terminal) -> None:
    (open_terminal.home / "secret.key").unlink()
    open_terminal.tamper("UPDATE shop SET is_demo = true")
    assert "demo" in open_terminal.refused("init")
    open_terminal.tamper("UPDATE alembic_version SET version_num = '9999'")
    assert "newer" in open_terminal.refused("init")
    open_terminal.database.unlink()
    open_terminal.tamper("CREATE TABLE songs (id INTEGER)")
    assert "another program" in open_terminal.refused("init")
    assert not (open_terminal.home / "secret.key").exists()


def test_a_home_that_cannot_be_made(terminal: Terminal) -> None:
    terminal.home.write_text("a file")
    told = terminal.refused("init")
    assert str(terminal.home) in told


def test_a_secret_that_is_set_needs_no_file(terminal: Terminal, environment: Environment) -> None:
    environment(secret="s" * 32)
    assert "s" * 32 not in terminal.works("init")
    assert not (terminal.home / "secret.key").exists()
    environment(secret="short")
    assert "too short" in terminal.refused("serve", "--port", "18999")


@pytest.mark.postgres
def test_works_on_postgresql(
    terminal: Terminal, environment: Environment, postgres_server: PostgresServer
) -> None:
    environment(database_url=postgres_server.new_database())
    told = terminal.works("init")
    _password(told)
    assert (terminal.home / "secret.key").exists()
    terminal.works("product", "add", "Cola", "1.50", "--stock", "5")
    terminal.works("audit")
    assert "already set up" in terminal.refused("init")
