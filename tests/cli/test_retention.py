"""Forgetting by hand what a server forgets by itself."""

from __future__ import annotations

from tests.cli.conftest import Environment, Terminal

AGO = "created_us = created_us - 86400000000 * 400"


def test_says_what_it_has_forgotten(open_terminal: Terminal, environment: Environment) -> None:
    open_terminal.works("user", "add", "ada")
    open_terminal.works("product", "add", "cola", "1", "--stock", "2")
    open_terminal.tamper(
        "UPDATE users SET state = 'closed', closed_us = 1, email = 'a@b.c', email_key = 'a@b.c'"
        " WHERE username = 'ada'"
    )
    open_terminal.tamper(f"UPDATE admin_log SET {AGO}")
    told = open_terminal.works("retention")
    assert [line.split()[0] for line in told.splitlines()] == ["1", "1", "0", "0", "0"]
    assert open_terminal.rows("SELECT username, email FROM users") == [("closed user 1", None)]
    assert "ada" not in str(open_terminal.rows("SELECT * FROM admin_log"))
    lines = len(open_terminal.rows("SELECT id FROM admin_log"))
    environment(retention_logs_days="30", retention_orders_days="90")
    told = open_terminal.works("retention")
    assert [line.split()[0] for line in told.splitlines()] == ["0", "0", "0", str(lines - 1), "0"]
    told = open_terminal.works("retention")
    assert [line.split()[0] for line in told.splitlines()] == ["0"] * 5
    open_terminal.works("audit")


def test_refuses_days_that_are_too_few(open_terminal: Terminal, environment: Environment) -> None:
    for name, days in (("orders", "89"), ("logs", "29"), ("orders", "x"), ("logs", "-1"), ("logs", "9" * 30)):
        environment(**{f"retention_{name}_days": days})
        assert f"TUCKSHOP_RETENTION_{name.upper()}_DAYS is not valid" in open_terminal.refused("retention")
        environment(**{f"retention_{name}_days": ""})


def test_the_secret_must_be_there(open_terminal: Terminal) -> None:
    """Or the hash of an address would be one that nobody finds."""
    open_terminal.works("user", "add", "ada")
    (open_terminal.home / "secret.key").unlink()
    for words in (("retention",), ("user", "close", "ada")):
        assert "There is no signing secret" in open_terminal.refused(*words)
