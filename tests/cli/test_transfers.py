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
    assert "reference bank 1 was used for transfer" in shop.refused("topup", "ada", "20", "--ref", "bank 1")
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
    assert "was used for transfer" in shop.refused("payout", "sam", "--ref", "march")
    assert shop.refused("payout", "sam", "--ref", "april", "--amount", "17.51") == (
        "17.50 of the 17.50 earned is available for payout."
    )
    assert "17.50 EUR paid to sam; 0.00 EUR left" in shop.works("payout", "sam", "--ref", "april")
    assert shop.refused("payout", "sam", "--ref", "may") == "0.00 of the 0.00 earned is available for payout."


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
        ("payout ada --ref x", "0.00 of the 0.00 earned is available for payout."),
    ],
    ids=lambda text: text[:40],
)
def test_wrong_words_change_nothing(shop: Terminal, words: str, told: str) -> None:
    if "9999999999999" in words:
        shop.works("topup", "ada", "9999999999999.99", "--ref", "rich")
    assert told in shop.refused(*words.split())


def test_reverses_a_transfer_once(shop: Terminal) -> None:
    shop.works("topup", "ada", "20", "--ref", "bank 1")
    ((number,),) = shop.rows("SELECT id FROM transfers")
    told = shop.works("transfer", "reverse", str(number), "--reason", "was for sam")
    assert told.splitlines()[0].startswith(f"Transfer {number} (topup, 20.00 EUR) is reversed by transfer ")
    assert "The wallet has 0.00 EUR now." in told
    assert "was already reversed" in shop.refused("transfer", "reverse", str(number), "--reason", "again")
    assert shop.rows("SELECT kind, reason FROM transfers ORDER BY id") == [
        ("topup", None),
        ("reversal", "was for sam"),
    ]
    assert "There is no transfer 999" in shop.refused("transfer", "reverse", "999", "--reason", "wrong")
    assert "Missing option '--reason'" in shop.refused("transfer", "reverse", str(number))
    shop.works("audit")


def test_puts_what_is_spent_on_the_tab_when_told(shop: Terminal) -> None:
    shop.works("topup", "ada", "20", "--ref", "bank 1")
    ((number,),) = shop.rows("SELECT id FROM transfers")
    shop.works("product", "add", "cola", "15", "--stock", "1")
    shop.tamper("UPDATE accounts SET balance_cents = 500 WHERE kind = 'wallet'")  # As if 15.00 were spent.
    reverse = ("transfer", "reverse", str(number), "--reason", "was for sam")
    assert shop.refused(*reverse) == (
        "20.00 must be taken back, but the wallet has only 5.00. Add --owe to put the rest on the user's tab."
    )
    told = shop.works(*reverse, "--owe")
    assert "15.00 EUR went on the tab." in told
    assert "The tab owes 15.00 EUR now." in told
