"""Money from the bank and to it."""

import pytest

from tests.cli.conftest import Terminal


@pytest.fixture
def shop(open_terminal: Terminal) -> Terminal:
    open_terminal.works("user", "add", "sam", "--role", "seller")
    open_terminal.works("user", "add", "ada")
    return open_terminal


def earn(shop: Terminal, cents: int) -> None:
    """As if it had been sold long ago."""
    shop.tamper(f"INSERT INTO accounts (kind, user_id, balance_cents) VALUES ('earnings', 1, {cents})")


def test_tops_a_wallet_up_once_per_reference(shop: Terminal) -> None:
    told = shop.works("topup", "ada", "20", "--ref", "bank 1", "--reason", "by letter")
    assert told == "20.00 EUR added; ada has 20.00 EUR now.\n"
    assert "The reference bank 1 stands for transfer" in shop.refused("topup", "ada", "20", "--ref", "bank 1")
    assert shop.works("topup", "ADA", "0.05", "--ref", "bank 2").endswith("has 20.05 EUR now.\n")
    assert shop.rows("SELECT kind, external_ref, reason FROM transfers") == [
        ("topup", "bank 1", "by letter"),
        ("topup", "bank 2", None),
    ]
    shop.works("audit")


def test_pays_a_seller_all_or_a_part(shop: Terminal) -> None:
    earn(shop, 3000)
    told = shop.works("payout", "sam", "--ref", "march", "--amount", "12.50")
    assert told == "12.50 EUR paid to sam; 17.50 EUR left, of which 17.50 EUR payable.\n"
    assert "stands for transfer" in shop.refused("payout", "sam", "--ref", "march")
    assert shop.refused("payout", "sam", "--ref", "april", "--amount", "17.51") == (
        "Of 17.50 earned, 17.50 can be paid out now."
    )
    assert "17.50 EUR paid to sam; 0.00 EUR left" in shop.works("payout", "sam", "--ref", "april")
    assert shop.refused("payout", "sam", "--ref", "may") == "Of 0.00 earned, 0.00 can be paid out now."


AMOUNTS = ["", "0", "x", "1,50", "1.234", "1e3", "NaN", "9" * 30, "٣", " 1"]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_wrong_amounts_change_nothing(shop: Terminal, amount: str) -> None:
    earn(shop, 3000)
    shop.refused("topup", "ada", amount, "--ref", "x")
    shop.refused("payout", "sam", "--amount", amount, "--ref", "x")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("topup ada 5", "Missing option '--ref'."),
        ("topup ada --ref x", "Missing argument 'AMOUNT'."),
        ("topup nobody 5 --ref x", "There is no user nobody"),
        ("topup ada 9999999999999.99 --ref x", ""),
        ("topup ada 5 --ref x --ref y", "--ref can be given only once."),
        (f"topup ada 5 --ref {'x' * 129}", "The external ref must have 1 to 128 characters."),
        ("payout sam", "Missing option '--ref'."),
        ("payout nobody --ref x", "There is no user nobody"),
        ("payout ada --ref x", "Of 0.00 earned, 0.00 can be paid out now."),
    ],
    ids=lambda text: text[:40],
)
def test_wrong_words_change_nothing(shop: Terminal, words: str, told: str) -> None:
    if "9999999999999" in words:
        shop.works("topup", "ada", "9999999999999.99", "--ref", "rich")
    assert told in shop.refused(*words.split())
