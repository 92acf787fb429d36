"""A shop from nothing, once."""

import json
import re
import stat

import pytest

from tests.cli.conftest import Environment, Terminal
from tests.conftest import PostgresServer
from tuckshop.identity.access_tokens import fingerprint


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


def test_a_second_one_changes_nothing(terminal: Terminal) -> None:
    terminal.works("init", "--admin", "ada")
    key, books = (terminal.home / "secret.key").read_bytes(), terminal.books()
    assert "already set up. Nothing was changed" in terminal.works("init")
    assert "already set up. Nothing was changed" in terminal.works("init", "--admin", "eve")
    assert (terminal.home / "secret.key").read_bytes() == key
    assert terminal.books() == books


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
        assert "already set up" in open_terminal.works("init")

    def test_another_currency_is_too_late(self, open_terminal: Terminal) -> None:
        assert "cannot be changed to USD" in open_terminal.refused("init", "--currency", "USD")


class TestKey:
    def test_a_new_shop_knows_its_key(self, terminal: Terminal) -> None:
        terminal.works("init")
        ((known,),) = terminal.rows("SELECT key_fingerprint FROM shop")
        assert known == fingerprint((terminal.home / "secret.key").read_bytes())

    def test_a_lost_key_is_copied_from_the_first_node(self, terminal: Terminal) -> None:
        terminal.works("init")
        path = terminal.home / "secret.key"
        key = path.read_bytes()
        path.unlink()
        assert f"Copy secret.key from the first node to {path}" in terminal.refused("init")
        assert not path.exists()
        path.write_bytes(key)
        assert "Nothing was changed" in terminal.works("init")

    def test_another_key_is_refused(self, terminal: Terminal, environment: Environment) -> None:
        terminal.works("init")
        path = terminal.home / "secret.key"
        path.write_text("k" * 64)
        for words in ("init", "serve"):
            told = terminal.refused(words)
            assert f"not the shop's. Copy secret.key from the first node to {path}" in told
        environment(secret="k" * 64)
        assert "Set TUCKSHOP_SECRET as on the first node" in terminal.refused("init")

    def test_a_new_key_ends_all_sessions(self, terminal: Terminal) -> None:
        terminal.works("init")
        log_in(terminal)
        path = terminal.home / "secret.key"
        before = fingerprint(path.read_bytes())
        told = terminal.works("init", "--new-key")
        assert "The shop has a new signing key. Ended 1 session.\n" in told
        after = fingerprint(path.read_bytes())
        assert after != before
        assert terminal.rows("SELECT key_fingerprint FROM shop") == [(after,)]
        assert terminal.rows("SELECT scopes FROM sessions WHERE ended_us IS NULL") == [("read",)]
        line = "SELECT actor_id, subject, before, after FROM admin_log WHERE action = 'key.replace'"
        ((actor, subject, old, new),) = terminal.rows(line)
        assert (actor, subject) == (None, "shop")
        assert json.loads(old) == {"fingerprint": before, "sessions": 1}
        assert json.loads(new) == {"fingerprint": after, "sessions": 0}
        assert {file.name for file in terminal.home.iterdir()} == {"secret.key", "tuckshop.sqlite3"}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_new_key_makes_up_for_a_lost_one(self, terminal: Terminal) -> None:
        terminal.works("init")
        (terminal.home / "secret.key").unlink()
        assert "Password" not in terminal.works("init", "--new-key")
        assert "Nothing was changed" in terminal.works("init")

    def test_says_whose_second_factor_is_gone(self, terminal: Terminal) -> None:
        terminal.works("init")
        terminal.tamper("INSERT INTO second_factors (user_id, secret, last_step) VALUES (1, 'x', 0)")
        assert "Second factors that no longer work: 1." in terminal.works("init", "--new-key")

    def test_a_new_key_of_the_environment(self, terminal: Terminal, environment: Environment) -> None:
        environment(secret="a" * 32)
        terminal.works("init")
        assert "TUCKSHOP_SECRET is the shop's key already" in terminal.refused("init", "--new-key")
        environment(secret="short")
        assert "too short" in terminal.refused("init", "--new-key")
        environment(secret="b" * 32)
        terminal.works("init", "--new-key")
        assert terminal.rows("SELECT key_fingerprint FROM shop") == [(fingerprint(b"b" * 32),)]

    def test_a_new_key_needs_a_shop(self, terminal: Terminal) -> None:
        assert "There is no shop yet" in terminal.refused("init", "--new-key")
        assert not terminal.home.exists()

    def test_a_new_key_that_the_database_refuses_leaves_the_old_one(self, terminal: Terminal) -> None:
        terminal.works("init")
        path = terminal.home / "secret.key"
        key = path.read_bytes()
        terminal.tamper("CREATE TRIGGER stop BEFORE UPDATE ON shop BEGIN SELECT raise(ABORT, 'no'); END")
        terminal.refused("init", "--new-key")
        assert path.read_bytes() == key
        assert {file.name for file in terminal.home.iterdir()} == {"secret.key", "tuckshop.sqlite3"}


def log_in(terminal: Terminal) -> None:
    """The admin has a session and an API token."""
    for scopes in ("NULL", "'read'"):
        terminal.tamper(
            "INSERT INTO sessions (user_id, generation, created_us, expires_us, scopes)"
            f" VALUES (1, 1, 1, {2**60}, {scopes})"
        )


def test_leaves_other_databases_alone(open_terminal: Terminal) -> None:
    (open_terminal.home / "secret.key").unlink()
    open_terminal.tamper("UPDATE shop SET is_demo = true")
    assert "demo" in open_terminal.refused("init")
    open_terminal.tamper("UPDATE alembic_version SET version_num = '9999', compatible_since = '9999'")
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
    assert "already set up" in terminal.works("init")
    (terminal.home / "secret.key").write_text("k" * 64)
    assert "not the shop's" in terminal.refused("serve", "--port", "18999")
