"""Lists of products from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tuckshop.cli.imports import SHOWN_MAX

LIST = "name;price;stock\nCola;1.75;9\nTea;1;2\n"


@pytest.fixture
def shop(open_terminal: Terminal) -> Terminal:
    open_terminal.works("product", "add", "Cola", "1.50", "--stock", "5")
    return open_terminal


def fails(shop: Terminal, *words: str, given: str | None = None) -> list[str]:
    """The lines that tell what is wrong with a file, which has changed nothing."""
    before = shop.books()
    answer = shop(*words, given=given)
    assert (answer.code, answer.out) == (2, "")
    assert shop.books() == before
    return answer.error.splitlines()


def test_takes_a_list_and_then_finds_nothing_to_do(shop: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "goods.csv"
    file.write_text(LIST)
    before = shop.books()
    told = shop.works("import", "products", str(file), "--dry-run")
    assert told.splitlines() == [
        "Line 2, Cola: price, stock",
        "Line 3, Tea: new",
        "Dry run: 1 added, 1 changed (1 with new stock), 0 unchanged.",
        "An import can be undone for 30 days.",
    ]
    assert shop.books() == before
    told = shop.works("import", "products", str(file), "--reason", "counted on Friday")
    assert told.splitlines()[0] == "1 added, 1 changed (1 with new stock), 0 unchanged."
    assert shop.rows("SELECT kind, quantity, reason FROM stock_movements") == [
        ("initial", 5, None),
        ("correction", 4, "counted on Friday"),
        ("initial", 2, None),
    ]
    before = shop.books()
    told = shop.works("import", "products", "-", given=LIST)
    assert told == "0 added, 0 changed (0 with new stock), 2 unchanged.\n"
    assert shop.books() == before
    shop.works("audit")


def test_what_was_exported_changes_nothing(shop: Terminal, tmp_path: Path) -> None:
    for name in ("=1+1", "+1", "-1", "@x", "'=x", 'say "cheese"', "a,b;c"):
        shop.works("product", "add", "--", name, "1")
    file = str(tmp_path / "goods.csv")
    shop.works("export", "products", "--output", file)
    before = shop.books()
    assert "0 added, 0 changed (0 with new stock), 8 unchanged." in shop.works("import", "products", file)
    assert shop.books() == before


def test_stock_is_that_of_the_machine(shop: Terminal) -> None:
    shop.works("machine", "add", "Hall")
    shop.works("import", "products", "-", "--machine", "hall", given=LIST)
    assert shop.rows("SELECT machine_id, product_id, quantity FROM shelves ORDER BY 1, 2") == [
        (1, 1, 5),
        (2, 1, 9),
        (2, 2, 2),
    ]


def test_every_wrong_line_is_told(shop: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "goods.csv"
    file.write_text("name,price,stock\nCola,1,5\nTea,,x\n,1,\n")
    assert fails(shop, "import", "products", str(file)) == [
        "Line 3, stock: 'x' is not a whole number. Write it as 12.",
        "Line 4: The name is missing.",
        f"Error: {file} has errors. Nothing was changed. Correct these lines and import it again.",
    ]


def test_only_so_many_are_shown(shop: Terminal) -> None:
    told = fails(shop, "import", "products", "-", given="name\n" + "a/b\n" * 1_000)
    assert len(told) == SHOWN_MAX + 2
    assert told[-2] == f"... and {1_000 - SHOWN_MAX} more."
    many = "name,price\n" + "".join(f"product {number},1\n" for number in range(100))
    assert "... and 80 more." in shop.works("import", "products", "-", "--dry-run", given=many)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "The file is empty"),
        (b"Cola,1.50\n", "Line 1: The column 'cola' is unknown"),
        (b"name\n\xff\n", "Line 2: The file is not UTF-8"),
        ("name\nCola\n".encode("utf-16"), "The file is UTF-16"),
        (b"name\nCo\0la\n", "Line 2: The file has a NUL character"),
        (b'name\n"Cola\n', "Line 2: A quotation mark in this row is not closed"),
        (b"name\n" + b"x" * 8 * 1024**2, "The file is larger than 8 MiB"),
        (b"name\n" + b"x\n" * 10_001, "The file has more than 10,000 rows"),
    ],
    ids=lambda content: str(content[:20]),
)
def test_a_file_that_is_no_list_changes_nothing(
    shop: Terminal, tmp_path: Path, content: bytes, told: str
) -> None:
    file = tmp_path / "goods.csv"
    file.write_bytes(content)
    assert any(line.startswith(told) for line in fails(shop, "import", "products", str(file)))


def test_a_file_that_is_not_there(shop: Terminal, tmp_path: Path) -> None:
    assert "No such file" in shop.refused("import", "products", str(tmp_path / "nope.csv"))
    assert "directory" in shop.refused("import", "products", str(tmp_path))
    assert "Missing argument" in shop.refused("import", "products")
    assert "no machine attic" in shop.refused("import", "products", "-", "--machine", "attic", given=LIST)


def test_a_list_goes_on_with_its_key_and_does_no_row_twice(shop: Terminal) -> None:
    rows = "".join(f"product {number},1,3\n" for number in range(250))
    answer = shop("import", "products", "-", "--resume", "k1", given=f"name,price,stock\n{rows}")
    assert (answer.code, answer.out.splitlines()) == (
        0,
        [
            "250 added, 0 changed (0 with new stock), 0 unchanged.",
            "To undo it, use: tuckshop import undo k1",
        ],
    )
    assert "go on with --resume k1" in answer.error
    shop.works("stock", "add", "product 0", "5")
    answer = shop("import", "products", "-", "--resume", "k1", given=f"name,price,stock\n{rows}")
    assert (answer.code, answer.out) == (0, "0 added, 0 changed (0 with new stock), 0 unchanged.\n")
    held = shop.rows("SELECT quantity FROM shelves JOIN products ON id = product_id WHERE name = 'product 0'")
    assert held == [(8,)]
    assert "more pieces" not in shop.refused("import", "products", "-", "--resume", "", given=rows)


def undo_command(told: str) -> list[str]:
    """The words of the command that an import told."""
    return told.splitlines()[-1].partition(": tuckshop ")[2].split()


def test_an_import_is_undone_by_the_key_that_it_told(shop: Terminal) -> None:
    undo = undo_command(shop.works("import", "products", "-", given="name,price,stock\nCola,9,9\nTea,1,2\n"))
    shop.works("stock", "add", "Cola", "1")
    told = shop.works(*undo)
    assert told.splitlines() == [
        "1 undone.",
        "Changed since the import, so they or their stock stay as they are:",
        "  Cola",
    ]
    held = "SELECT name, p.price_cents, quantity, removed_us IS NULL FROM shelves JOIN products p"
    assert shop.rows(f"{held} ON id = product_id") == [("Cola", 150, 10, 1), ("Tea", 100, 0, 0)]
    before = shop.books()
    assert "already undone" in shop.refused(*undo)
    assert "already undone" in shop.refused("import", "products", "-", "--resume", undo[-1], given=LIST)
    for key in ("", "nobody's", undo[-1] + "x", undo[-1].swapcase(), "x" * 10_000):
        assert shop(*undo[:-1], "--", key).code == 2
    assert shop.books() == before
    shop.works("audit")


def test_only_so_many_that_stay_are_listed(shop: Terminal) -> None:
    rows = "".join(f"product {number},1\n" for number in range(SHOWN_MAX + 1))
    undo = undo_command(shop.works("import", "products", "-", given="name,price\n" + rows))
    shop.works("import", "products", "-", given="name,price\n" + rows.replace(",1", ",2"))
    lines = shop.works(*undo).splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("0 undone.", "... and 1 more.", SHOWN_MAX + 3)
