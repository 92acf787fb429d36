"""Tabs: what buyers owe, their limits and settlements."""

import json
import re

import pytest

from tests.cli.conftest import Environment, Terminal


@pytest.fixture
def shop(open_terminal: Terminal) -> Terminal:
    """Ada owes nothing yet, and may owe five euros."""
    open_terminal.works("user", "add", "ada")
    open_terminal.works("user", "add", "bob")
    open_terminal.works("tab", "limit", "ada", "5")
    return open_terminal


def owe(shop: Terminal, cents: int) -> None:
    """As if Ada had bought so much of the house on her tab."""
    shop.tamper(f"INSERT INTO accounts (kind, user_id, balance_cents) VALUES ('tab', 1, -{cents})")


def test_lets_people_owe_and_logs_it(shop: Terminal) -> None:
    told = shop.works("tab", "limit", "ada", "12.50")
    assert told == "ada may owe up to 12.50 EUR.\n"
    ((action, subject, before, after),) = shop.rows(
        "SELECT action, subject, before, after FROM admin_log ORDER BY id DESC LIMIT 1"
    )
    assert (action, subject) == ("user.tab_limit", "user:1")
    assert json.loads(before) == {"tab_limit_cents": 500, "tab_approved": True}
    assert json.loads(after) == {"tab_limit_cents": 1250, "tab_approved": True}


def test_default_means_the_setting(shop: Terminal, environment: Environment) -> None:
    environment(tab_limit_cents="300")
    assert shop.works("tab", "limit", "ada", "default") == "ada may owe up to 3.00 EUR.\n"
    assert shop.rows("SELECT tab_limit_cents FROM users WHERE username = 'ada'") == [(None,)]
    assert re.search(r"Limit +3\.00 EUR \(default\)", shop.works("tab", "show", "ada"))
    assert re.search(r"Limit +0\.00 EUR \(not approved\)", shop.works("tab", "show", "bob"))
    assert "up to 0.00 EUR" in shop.works("tab", "limit", "ada", "none")
    assert "up to 0.00 EUR" in shop.works("tab", "limit", "bob", "0")


def test_lists_who_owes_or_may(shop: Terminal) -> None:
    owe(shop, 320)
    told = shop.works("tab", "list")
    assert re.search(r"1 +ada +3\.20 +5\.00", told)
    assert "bob" not in told
    assert "1 tab, 3.20 EUR owed" in told
    assert re.search(r"Owes +3\.20 EUR", shop.works("user", "show", "ada"))


def test_settles_in_coins_and_by_bank(shop: Terminal) -> None:
    owe(shop, 320)
    assert shop.works("tab", "settle", "ada", "--amount", "1.20", "--ref", "bank 9") == (
        "1.20 EUR settled; ada owes 2.00 EUR, and has 0.00 EUR in the wallet.\n"
    )
    assert "was used for transfer" in shop.refused(
        "tab", "settle", "ada", "--amount", "1.20", "--ref", "bank 9"
    )
    assert shop.works("tab", "settle", "ada", "100x2", "50x1") == (
        "2.00 EUR settled; ada owes 0.00 EUR, and has 0.50 EUR in the wallet.\n"
    )
    assert shop.refused("tab", "settle", "ada", "50x1") == "The tab owes 0.00, so 0.50 is too much."


EITHER = "Give either the coins that were paid, or --amount and --ref of the bank transfer."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("settle ada", EITHER),
        ("settle ada --amount 1", EITHER),
        ("settle ada --ref x", EITHER),
        ("settle ada 50x2 --ref x", EITHER),
        ("settle ada 50x2 --amount 1 --ref x", EITHER),
        ("settle ada --amount 1 --ref x --machine default", EITHER),
        ("settle ada --amount 4 --ref x", "The tab owes 3.20, so 4.00 is too much."),
        ("settle ada --amount 0 --ref x", "The amount must be at least 0.01."),
        ("settle ada 3x1", "This shop has no coin of 3"),
        ("settle ada 50", "is not valid. Write it as 50x2"),
        ("settle ada 50x1 --machine attic", "There is no machine attic"),
        ("settle nobody 50x1", "There is no user nobody"),
        ("limit ada", "Missing argument 'AMOUNT'."),
        ("limit ada x", "The limit must be a decimal number"),
        ("limit ada 10000000.01", "The limit must be from 0.00 to 10000000.00."),
        ("limit nobody 1", "There is no user nobody"),
        ("show nobody", "There is no user nobody"),
    ],
    ids=lambda text: text[:40],
)
def test_wrong_words_change_nothing(shop: Terminal, words: str, told: str) -> None:
    owe(shop, 320)
    assert told in shop.refused("tab", *words.split())
