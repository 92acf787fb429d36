"""Products of the house, and their shelf."""

import re

import pytest

from tests.cli.conftest import Terminal

LONG = "x" * 101


@pytest.fixture
def shop(open_terminal: Terminal) -> Terminal:
    open_terminal.works("product", "add", "Cola", "1.50", "--stock", "5", "--cost", "0.7", "--tax", "19")
    return open_terminal


def test_adds_a_product_of_the_house(shop: Terminal) -> None:
    assert shop.rows(
        "SELECT name, price_cents, seller_id, refundable, tax_basis_points, cost_cents FROM products"
    ) == [("Cola", 150, None, 1, 1900, 70)]
    assert shop.rows("SELECT kind, quantity FROM stock_movements") == [("initial", 5)]
    told = shop.works("product", "add", "Tea", "2", "--not-refundable")
    assert told == "Added product 2: Tea, 2.00 EUR, 0 on the shelf.\n"
    shop.works("audit")


def test_lists_and_shows_by_number_and_name(shop: Terminal) -> None:
    assert re.search(r"1 +Cola +1\.50 +5 +the shop +yes", shop.works("product", "list"))
    shown = shop.works("product", "show", "cOLA")
    assert shown == shop.works("product", "show", "1")
    assert re.search(r"Cost +0\.70 EUR", shown)
    assert re.search(r"Tax +19 %", shown)


def test_no_name_stands_in_the_way_of_a_number(shop: Terminal) -> None:
    shop.works("product", "add", "1", "9.99")  # Whoever says 1 means cola, whatever a seller calls a sweet.
    assert re.search(r"Name +Cola", shop.works("product", "show", "1"))


def test_changes_figures(shop: Terminal) -> None:
    told = shop.works("product", "change", "cola", "--price", "1.75", "--name", "Cola Zero", "--cost", "0")
    assert told == "Changed product 1: Cola Zero, 1.75 EUR, 5 on the shelf.\n"
    shop.works("product", "change", "1", "--not-refundable", "--tax", "5.5")
    assert shop.rows(
        "SELECT price_cents, cost_cents, refundable, tax_basis_points, version FROM products"
    ) == [(175, 0, 0, 550, 3)]


def test_takes_off_sale(shop: Terminal) -> None:
    assert shop.works("product", "remove", "cola") == "Cola is off sale. Its stock of 5 is written off.\n"
    assert "0 products" in shop.works("product", "list")
    assert "No product 'cola' is on sale" in shop.refused("product", "remove", "cola")
    shop.works("product", "add", "Cola", "1")
    shop.works("audit")


def test_samples_have_pictures_and_come_once(shop: Terminal) -> None:
    told = shop.works("product", "samples")
    assert "Skipped: there is already a product Cola." in told
    assert "Added 11 sample products" in told
    assert shop.rows("SELECT count(*) FROM products WHERE image_id IS NOT NULL") == [(11,)]
    assert "Added 0 sample products" in shop.works("product", "samples")
    shop.works("audit")


def test_samples_can_be_ordered_unless_their_shelves_shall_be_empty(open_terminal: Terminal) -> None:
    open_terminal.works("product", "samples", "--stock", "0")
    assert open_terminal.rows("SELECT DISTINCT quantity FROM shelves") == [(0,)]
    for name in open_terminal.rows("SELECT name FROM products"):
        open_terminal.works("product", "remove", *name)
    open_terminal.works("product", "samples")
    assert open_terminal.rows(
        "SELECT DISTINCT quantity FROM shelves JOIN products ON id = product_id WHERE removed_us IS NULL"
    ) == [(100,)]
    for wrong in ("-1", "1.5", "x", "1000001"):
        open_terminal.refused("product", "samples", "--stock", wrong)
    open_terminal.works("audit")


def test_fills_and_counts_the_shelf(shop: Terminal) -> None:
    assert shop.works("stock", "add", "cola", "7", "--reason", "delivery") == "Cola: 12 on the shelf.\n"
    assert shop.works("stock", "set", "1", "3") == "Cola: 3 on the shelf (-9 corrected).\n"
    assert shop.works("stock", "set", "1", "3") == "Cola: 3 on the shelf (nothing to correct).\n"
    assert shop.rows("SELECT kind, quantity, reason FROM stock_movements") == [
        ("initial", 5, None),
        ("restock", 7, "delivery"),
        ("correction", -9, "counted"),
    ]
    assert re.search(r"3 +1 +Cola +the shop", shop.works("stock", "list"))
    assert "1 product\n" in shop.works("stock", "list", "--below", "4")
    assert "0 products" in shop.works("stock", "list", "--below", "3")
    shop.works("audit")


WRONG_AMOUNTS = ["", "0", "-1", "x", "1,50", "1.234", "1e3", "NaN", "10000000.01", "9" * 30, "٣", " 1"]


@pytest.mark.parametrize("amount", WRONG_AMOUNTS)
def test_wrong_amounts_change_nothing(shop: Terminal, amount: str) -> None:
    shop.refused("product", "add", "Tea", "--", amount)
    shop.refused("product", "change", "cola", "--price", amount)
    if amount != "0":
        shop.refused("product", "change", "cola", "--cost", amount)
        shop.refused("product", "add", "Tea", "1", "--cost", amount)


@pytest.mark.parametrize("tax", ["", "-1", "x", "100.01", "19%"])
def test_wrong_taxes_change_nothing(shop: Terminal, tax: str) -> None:
    shop.refused("product", "add", "Tea", "1", "--tax", tax)
    shop.refused("product", "change", "cola", "--tax", tax)


@pytest.mark.parametrize("quantity", ["", "-1", "x", "1.5", "1_0", "1000001", "9" * 30, "٣"])
def test_wrong_quantities_change_nothing(shop: Terminal, quantity: str) -> None:
    shop.refused("stock", "add", "cola", "--", quantity)
    shop.refused("stock", "set", "cola", "--", quantity)
    shop.refused("product", "add", "Tea", "1", "--stock", quantity)
    shop.refused("stock", "list", "--below", quantity)


@pytest.mark.parametrize(
    "words",
    [
        ("product", "add"),
        ("product", "add", "Tea"),
        ("product", "add", "Tea", "1", "2"),
        ("product", "add", "cola", "1"),
        ("product", "add", "", "1"),
        ("product", "add", LONG, "1"),
        ("product", "add", "a/b", "1"),
        ("product", "add", "Tea", "1", "--stock", "1", "--stock", "2"),
        ("product", "change", "cola"),
        ("product", "change", "cola", "--price", "1", "--price", "2"),
        ("product", "change", "cola", "--refundable", "--not-refundable"),
        ("product", "change", "cola", "--name", LONG),
        ("product", "change", "99", "--price", "1"),
        ("product", "change", "--price", "1"),
        ("product", "show"),
        ("product", "show", "99"),
        ("product", "show", "9" * 30),
        ("product", "show", "tea"),
        ("product", "remove", "99"),
        ("stock", "add", "cola"),
        ("stock", "add", "cola", "0"),
        ("stock", "add", "cola", "999999"),
        ("stock", "add", "tea", "1"),
        ("stock", "set", "99", "1"),
        ("stock", "set", "cola", "1", "--reason", ""),
        ("stock", "set", "cola", "1", "--reason", "x" * 201),
    ],
    ids=lambda words: " ".join(words)[:60],
)
def test_wrong_words_change_nothing(shop: Terminal, words: tuple[str, ...]) -> None:
    shop.refused(*words)


def test_limits_are_told_as_people_type_them(shop: Terminal) -> None:
    assert shop.refused("product", "add", "Tea", "0") == "The price must be from 0.01 to 10000000.00."


def test_gives_a_category_and_a_barcode(shop: Terminal) -> None:
    shop.works("product", "add", "Tea", "2", "--category", "Drinks", "--barcode", "SHOP-0017")
    assert re.search(r"Tea +2\.00 +0 +the shop +yes +Drinks +SHOP-0017", shop.works("product", "list"))
    shown = shop.works("product", "show", "Tea")
    assert re.search(r"Category +Drinks", shown)
    assert re.search(r"Barcode +SHOP-0017", shown)
    told = shop.refused("product", "change", "Cola", "--barcode", "SHOP-0017")
    assert "Product 2 already has the barcode SHOP-0017." in told
    assert "4 to 48 letters, digits or hyphens" in shop.refused(
        "product", "change", "Cola", "--barcode", "=1"
    )
    shop.refused("product", "change", "Cola", "--category", "x" * 41)
    assert shop.rows("SELECT category, barcode FROM products") == [(None, None), ("Drinks", "SHOP-0017")]
    shop.works("product", "change", "Tea", "--category", "", "--barcode", "")
    assert shop.rows("SELECT category, barcode FROM products") == [(None, None), (None, None)]
    shop.works("audit")


def test_approves_a_product_that_waits(shop: Terminal) -> None:
    assert shop.works("product", "approve", "Cola") == "Cola is on sale.\n"  # It did not wait.
    assert shop.rows("SELECT * FROM admin_log WHERE action = 'product.approve'") == []
    shop.works("import", "products", "-", given="name,price\nTea,1\n")
    shop.tamper("INSERT INTO waiting_products SELECT id, 1 FROM products WHERE name = 'Tea'")
    assert re.search(r"Tea .* waiting\b", shop.works("product", "list"))
    for _ in range(2):
        assert shop.works("product", "approve", "tea") == "Tea is on sale.\n"
    assert "waiting" not in shop.works("product", "list")
    assert shop.rows("SELECT subject, actor_id FROM admin_log WHERE action = 'product.approve'") == [
        ("product:2", None)
    ]
    before = shop.books()
    for name in ("mate", "", LONG, "777", "-1"):
        assert shop("product", "approve", "--", name).code == 2
    assert shop.books() == before
