"""Machines, their keys and their shelves."""

import re

import pytest

from tests.cli.conftest import Terminal
from tuckshop.identity import devices

LONG = "x" * 65


@pytest.fixture
def shop(open_terminal: Terminal) -> Terminal:
    open_terminal.works("machine", "add", "Hall", "--timezone", "Europe/Berlin")
    open_terminal.works("product", "add", "Cola", "1.50", "--stock", "5")
    open_terminal.works("product", "add", "Tea", "1")
    return open_terminal


def test_adds_a_machine_that_counts_its_coins(shop: Terminal) -> None:
    assert shop.rows("SELECT name, timezone, box_kind FROM machines WHERE id = 2") == [
        ("Hall", "Europe/Berlin", "counted")
    ]
    assert shop.works("machine", "add", "Drawer", "--box", "unlimited") == "Added machine 3: Drawer.\n"
    told = shop.works("machine", "list")
    assert re.search(r"1 +default +UTC +unlimited +no", told)
    assert re.search(r"3 +Drawer +UTC +unlimited +no", told)
    assert "3 machines" in told
    shop.works("audit")


def test_shows_by_number_and_name(shop: Terminal) -> None:
    shown = shop.works("machine", "show", "hALL")
    assert shown == shop.works("machine", "show", "2")
    assert re.search(r"Coin box +counted", shown)
    assert re.search(r"Pieces +5", shop.works("machine", "show", "default"))


def test_changes_name_timezone_and_box(shop: Terminal) -> None:
    told = shop.works(
        "machine", "change", "hall", "--name", "Foyer", "--timezone", "UTC", "--box", "unlimited"
    )
    assert told == "Changed machine 2: Foyer, UTC, unlimited box.\n"


def test_prints_a_key_once_and_keeps_only_its_hash(shop: Terminal) -> None:
    first, second = [
        re.fullmatch(r"Key   (2-\S{43}) \(shown only once\)\n", shop.works("machine", "key", "hall"))
        for _ in range(2)
    ]
    assert first
    assert second
    assert first[1] != second[1]
    assert shop.rows("SELECT key_hash FROM machines WHERE id = 2") == [(devices.caller(second[1]).key_hash,)]
    assert second[1] not in str(shop.books())
    assert re.search(r"2 +Hall .* yes", shop.works("machine", "list"))
    assert "`Authorization: Machine`" in " ".join(shop.works("machine", "key", "--help").split())


def test_plans_one_shelf_and_leaves_the_others(shop: Terminal) -> None:
    assert (
        shop.works("machine", "shelves", "set", "hall", "cola", "--slot", "A1", "--capacity", "9")
        == "Cola in slot A1: 0 in stock.\n"
    )
    shop.works("machine", "shelves", "set", "hall", "tea", "--slot", "A2", "--par", "3", "--price", "1.80")
    shop.works("machine", "shelves", "set", "hall", "cola", "--par", "4")
    query = (
        "SELECT slot, capacity, par_level, price_cents FROM shelves WHERE machine_id = 2 ORDER BY product_id"
    )
    assert shop.rows(query) == [("A1", 9, 4, None), ("A2", None, 3, 180)]
    told = shop.works("machine", "shelves", "show", "hall")
    assert re.search(r"A1 +1 +Cola +0 +9 +4", told)
    assert re.search(r"A2 +2 +Tea +0 +3 +1\.80", told)
    shop.works(
        "machine", "shelves", "set", "hall", "tea", "--clear", "slot", "--clear", "price", "--par", "2"
    )
    assert shop.rows(query) == [("A1", 9, 4, None), (None, None, 2, None)]
    shop.works("audit")


def test_moves_stock_between_machines(shop: Terminal) -> None:
    assert shop.works("stock", "move", "cola", "2", "--to", "hall") == "Cola: 3 in default, 2 in Hall.\n"
    told = shop.works("stock", "move", "cola", "1", "--from", "hall", "--to", "1", "--reason", "too many")
    assert told == "Cola: 1 in Hall, 4 in default.\n"
    assert shop.works("stock", "add", "tea", "3", "--machine", "hall") == "Tea: 3 on the shelf.\n"
    told = shop.works("stock", "set", "tea", "1", "--machine", "hall")
    assert told == "Tea: 1 on the shelf (-2 corrected).\n"
    assert re.search(r"1 +1 +Cola", shop.works("stock", "list", "--machine", "hall"))
    assert re.search(r"4 +1 +Cola", shop.works("stock", "list"))
    shop.works("audit")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("machine add hall", "The name hall is taken. Choose another one."),
        (f"machine add {LONG}", "The name must have 1 to 64 characters."),
        ("machine add a/b", "must not contain slashes"),
        ("machine add Attic --timezone Mars/Base", "must be a name such as Europe/Berlin"),
        ("machine add Attic --box leather", "is not one of"),
        ("machine show 9", "There is no machine 9. See `tuckshop machine list`."),
        ("machine show attic", "There is no machine attic"),
        ("machine key attic", "There is no machine attic"),
        ("machine change hall", "Nothing to change"),
        ("machine change hall --name DEFAULT", "The name DEFAULT is taken. Choose another one."),
        ("machine shelves show attic", "There is no machine attic"),
        ("machine shelves set hall cola", "Nothing to set"),
        ("machine shelves set hall mate --slot A1", "No product 'mate' is on sale"),
        ("machine shelves set hall cola --slot A1 --clear slot", "Either --slot or --clear slot."),
        ("machine shelves set hall cola --clear colour", "is not one of"),
        (
            "machine shelves set hall cola --capacity 3 --par 4",
            "The refill level must not be more than the capacity.",
        ),
        ("machine shelves set hall cola --capacity 0", "it must be from 1 to 1000000."),
        ("machine shelves set hall cola --price 0", "The price must be from 0.01 to 10000000.00."),
        ("machine shelves set hall cola --slot a/b", "The slot must not contain slashes"),
        ("stock move cola 6 --to hall", "Only 5 left of product 1."),
        ("stock move cola 0 --to hall", "it must be from 1 to 1000000."),
        (
            "stock move cola 1 --to default",
            "default is the machine that the pieces come from. Give another one.",
        ),
        ("stock move cola 1 --to attic", "There is no machine attic"),
        ("stock move cola 1 --from attic --to hall", "There is no machine attic"),
        ("stock move cola 1", "Missing option '--to'."),
        ("stock add cola 1 --machine attic", "There is no machine attic"),
        ("stock list --machine attic", "There is no machine attic"),
    ],
)
def test_wrong_words_change_nothing(shop: Terminal, words: str, told: str) -> None:
    assert told in shop.refused(*words.split())


def test_a_slot_is_one_products_alone(shop: Terminal) -> None:
    shop.works("machine", "shelves", "set", "hall", "cola", "--slot", "A1")
    told = shop.refused("machine", "shelves", "set", "hall", "tea", "--slot", "A1")
    assert told == "The slot must be different for each product."


def test_a_box_that_owes_coins_is_not_counted(shop: Terminal) -> None:
    shop.works("coins", "collect", "50x1")
    assert "Add change or count it first" in shop.refused("machine", "change", "default", "--box", "counted")
