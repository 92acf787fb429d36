"""Coins carried into and out of a box, and counted."""

import re

import pytest

from tests.cli.conftest import Terminal


@pytest.fixture
def shop(open_terminal: Terminal) -> Terminal:
    open_terminal.works("machine", "add", "Hall")
    open_terminal.works("coins", "fill", "50x20", "20x10", "--machine", "hall")
    return open_terminal


def test_fills_counts_and_collects(shop: Terminal) -> None:
    told = shop.works("coins", "count", "100x0", "50x19", "20x10", "10x2", "5x0", "--machine", "2")
    assert re.search(r"50 +20 +19 +-1", told)
    assert re.search(r"10 +0 +2 +\+2", told)
    assert told.endswith("\n0.30 EUR short\n")
    told = shop.works("coins", "collect", "50x9", "--machine", "hall", "--reason", "to the bank")
    assert told == "4.50 EUR collected from the coin box of Hall.\n"
    told = shop.works("coins", "show", "--machine", "hall")
    assert re.search(r"50 +10 +5\.00", told)
    assert told.endswith("\n7.20 EUR\n")
    assert shop.rows("SELECT DISTINCT reason FROM coin_movements WHERE reason IS NOT NULL") == [
        ("to the bank",)
    ]
    shop.works("audit")


def test_a_right_count_books_nothing(shop: Terminal) -> None:
    before = shop.books()
    told = shop.works("coins", "count", "100x0", "50x20", "20x10", "10x0", "5x0", "--machine", "hall")
    assert told.endswith("\nAs expected\n")
    after = shop.books()
    for table in ("admin_log", "counters"):  # That somebody counted is written down all the same.
        before.pop(table)
        after.pop(table)
    assert after == before


def test_without_a_machine_it_is_the_first(shop: Terminal) -> None:
    assert shop.works("coins", "fill", "100x3") == "3.00 EUR added to the coin box of default.\n"
    assert shop.works("coins", "show").endswith("\n3.00 EUR\n")


NOT_COINS = ["50", "50x", "x2", "50x-1", "50*2", "50=2", "0.50x2", "50x2x3", "50X2", "٥x2", "", " 50x2"]


@pytest.mark.parametrize("coin", [*NOT_COINS, "50x99999999", "9" * 20 + "x1"])
@pytest.mark.parametrize("act", ["fill", "collect", "count"])
def test_only_one_way_to_write_coins(shop: Terminal, act: str, coin: str) -> None:
    assert "is not valid. Write it as 50x2" in shop.refused("coins", act, "--machine", "hall", "--", coin)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("fill", "Missing argument 'COIN...'."),
        ("fill 3x2", "This shop has no coin of 3. Use one of 100, 50, 20, 10, 5."),
        ("fill 50x2 50x2", "The coin 50 is named twice."),
        ("fill 50x0", "must include at least one coin of 0.50"),
        ("fill 50x10001", "must include at most 10000 coins"),
        ("fill 50x1 --machine attic", "There is no machine attic"),
        ("collect 50x21 --machine hall", "The coin box has only 20 of 0.50."),
        ("count 50x20 --machine hall", "The count has no coin of 100. Add it, or write 100x0 for none."),
        (
            "count 100x0 50x1000001 20x0 10x0 5x0 --machine hall",
            "must include from 0 to 1000000 coins of 0.50",
        ),
        ("show --machine attic", "There is no machine attic"),
        (f"fill 50x1 --reason {'x' * 201}", "A reason has at most 200 characters."),
    ],
    ids=lambda text: text[:40],
)
def test_wrong_words_change_nothing(shop: Terminal, words: str, told: str) -> None:
    assert told in shop.refused("coins", *words.split())
