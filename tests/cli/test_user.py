"""People, as the operator sees them."""

import json
import re

import pytest

from tests.cli.conftest import Terminal

LONG = "x" * 65


@pytest.fixture
def shop(open_terminal: Terminal) -> Terminal:
    open_terminal.works("user", "add", "admin", "--role", "admin")
    return open_terminal


def test_adds_a_buyer_with_a_random_password(shop: Terminal) -> None:
    told = shop.works("user", "add", "ada", "--email", "ada@example.org")
    assert "Added ada as buyer." in told
    assert re.search(r"Password +\S{19} \(shown only once\)", told)
    assert shop.rows("SELECT email, is_buyer, is_admin FROM users WHERE username = 'ada'") == [
        ("ada@example.org", 1, 0)
    ]


def test_takes_a_password_without_printing_it(shop: Terminal) -> None:
    told = shop.works("user", "add", "ada", "--role", "seller", "--password-stdin", given="correct horse\n")
    assert told == "Added ada as seller.\n"


def test_lists_and_shows(shop: Terminal) -> None:
    shop.works("user", "add", "ada", "--role", "buyer", "--role", "seller")
    told = shop.works("user", "list")
    assert re.search(r"2 +ada +buyer, seller +active", told)
    assert "2 users" in told
    assert "1 user" in shop.works("user", "list", "--role", "seller")
    shown = shop.works("user", "show", "ADA")
    assert re.search(r"Wallet +0\.00 EUR", shown)
    assert re.search(r"Payable +0\.00 EUR", shown)


def test_brackets_in_names_are_printed_as_they_are(shop: Terminal) -> None:
    shop.works("user", "add", "[bold]ada")
    assert "[bold]ada" in shop.works("user", "list")


def test_changes_roles_and_logs_it(shop: Terminal) -> None:
    shop.works("user", "add", "ada")
    assert shop.works("user", "roles", "ada", "seller", "cashier") == "ada is seller, cashier now.\n"
    action, subject, before, after = shop.rows(
        "SELECT action, subject, before, after FROM admin_log ORDER BY id DESC LIMIT 1"
    )[0]
    assert (action, subject) == ("user.standing", "user:2")
    assert json.loads(before)["roles"] == ["buyer"]
    assert json.loads(after)["roles"] == ["seller", "cashier"]


def test_locks_out_and_lets_in(shop: Terminal) -> None:
    shop.works("user", "add", "ada")
    assert "is blocked" in shop.works("user", "disable", "ada")
    assert shop.rows("SELECT state FROM users WHERE username = 'ada'") == [("disabled",)]
    assert "can log in" in shop.works("user", "enable", "ada")
    assert shop.rows("SELECT state FROM users WHERE username = 'ada'") == [("active",)]


def test_turns_off_a_second_factor_that_is_lost(shop: Terminal) -> None:
    assert "no second factor" in shop.refused("user", "reset-second-factor", "admin")
    assert "There is no user nobody" in shop.refused("user", "reset-second-factor", "nobody")
    shop.tamper("UPDATE users SET second_factor_us = 1")
    shop.tamper("INSERT INTO second_factors (user_id, secret, last_step) VALUES (1, 'x', 0)")
    assert shop.works("user", "reset-second-factor", "admin") == "The second factor is off.\n"
    assert shop.rows("SELECT second_factor_us FROM users") == [(None,)]
    assert shop.rows("SELECT * FROM second_factors") == []
    assert shop.rows("SELECT action, actor_id FROM admin_log ORDER BY id DESC LIMIT 1") == [
        ("user.second_factor", None)
    ]


def test_gives_a_new_password(shop: Terminal) -> None:
    before = shop.rows("SELECT password_hash FROM users")
    assert re.search(r"Password +\S{19}", shop.works("user", "password", "admin"))
    assert "correct" not in shop.works(
        "user", "password", "admin", "--password-stdin", given="correct horse\n"
    )
    assert shop.rows("SELECT password_hash FROM users") != before
    assert shop.rows("SELECT action, before, after FROM admin_log ORDER BY id DESC LIMIT 1") == [
        ("user.password", None, None)
    ]


def test_keeps_the_last_admin(shop: Terminal) -> None:
    assert "needs at least one admin" in shop.refused("user", "disable", "admin")
    assert "needs at least one admin" in shop.refused("user", "roles", "admin", "buyer")


@pytest.mark.parametrize(
    "words",
    [
        ("add",),
        ("add", ""),
        ("add", "a/b"),
        ("add", LONG),
        ("add", "admin"),
        ("add", "ADMIN"),
        ("add", "ada", "--role", "king"),
        ("add", "ada", "--role", "buyer", "--role", "buyer"),
        ("add", "ada", "--email", "nowhere"),
        ("add", "ada", "--email", "a@b.c", "--email", "d@e.f"),
        ("add", "ada", "bob"),
        ("show",),
        ("show", "nobody"),
        ("roles", "admin"),
        ("roles", "nobody", "buyer"),
        ("roles", "admin", "king"),
        ("roles", "admin", "admin", "admin"),
        ("disable", "nobody"),
        ("enable", "nobody"),
        ("password", "nobody"),
        ("list", "--role", "king"),
    ],
    ids=" ".join,
)
def test_wrong_words_change_nothing(shop: Terminal, words: tuple[str, ...]) -> None:
    shop.refused("user", *words)


@pytest.mark.parametrize("password", ["", "\n", "short\n", "password\n", "x" * 1025 + "\n"])
def test_weak_passwords_change_nothing(shop: Terminal, password: str) -> None:
    shop.refused("user", "add", "ada", "--password-stdin", given=password)
    shop.refused("user", "password", "admin", "--password-stdin", given=password)


def logged_in(shop: Terminal, user_id: int, *devices: str) -> None:
    """As if this person were logged in there."""
    for device in devices:
        shop.tamper(
            "INSERT INTO sessions (user_id, generation, device, address, created_us, expires_us)"
            f" VALUES ({user_id}, 1, '{device}', '10.0.0.1', 1, 9000000000000000)"
        )


def test_lets_in_who_waits(shop: Terminal) -> None:
    shop.works("user", "add", "ada")
    shop.tamper("UPDATE users SET state = 'pending' WHERE username = 'ada'")
    told = shop.works("user", "list", "--state", "pending")
    assert "ada" in told
    assert "admin" not in told
    assert shop.works("user", "approve", "ada") == "ada can log in, as buyer.\n"
    assert shop.refused("user", "approve", "ada") == "ada is active, not waiting for approval."
    shop.works("user", "disable", "ada")
    assert "is disabled, not waiting" in shop.refused("user", "approve", "ada")


def test_lists_and_ends_log_ins(shop: Terminal) -> None:
    logged_in(shop, 1, "phone", "laptop")
    told = shop.works("user", "sessions", "list", "admin")
    assert re.search(r"2 +1970-01-01 00:00 +\S+ \S+ +10\.0\.0\.1 +laptop", told)
    assert "2 sessions" in told
    assert shop.works("user", "sessions", "end", "admin", "--id", "1") == "1 ended.\n"
    assert "There is no session 1." in shop.refused("user", "sessions", "end", "admin", "--id", "1")
    assert "1 session\n" in shop.works("user", "sessions", "list", "admin")
    assert shop.works("user", "sessions", "end", "admin") == "1 ended.\n"
    assert shop.rows("SELECT count(*) FROM sessions WHERE ended_us IS NULL") == [(0,)]
    assert shop.rows("SELECT action FROM admin_log ORDER BY id DESC LIMIT 1") == [("user.sessions",)]
    assert shop.works("user", "sessions", "end", "admin") == "0 ended.\n"


def test_closes_an_account_and_frees_the_name(shop: Terminal) -> None:
    shop.works("user", "add", "ada")
    assert shop.works("user", "close", "ada") == "ada is closed, and the name is available.\n"
    assert shop.rows("SELECT username, password_hash FROM users WHERE state = 'closed'") == [
        (f"closed user {shop.rows('SELECT max(id) FROM users')[0][0]}", "")
    ]
    assert shop.refused("user", "close", "ada") == "There is no user ada. See `tuckshop user list`."
    shop.works("user", "add", "ada")
    assert "needs at least one admin" in shop.refused("user", "close", "admin")
    shop.works("audit")


def test_refuses_a_name_that_reads_like_anothers(open_terminal: Terminal) -> None:
    open_terminal.works("user", "add", "Paul")
    assert "looks like another user's" in open_terminal.refused("user", "add", "PauI")
