"""Are the books right? The command that says so."""

import json

from tests.cli.conftest import Terminal


def test_says_that_the_books_are_right(open_terminal: Terminal) -> None:
    assert open_terminal.works("audit").endswith("The books are right.\n")
    report = json.loads(open_terminal.works("audit", "--json"))
    assert report["clean"] is True
    assert len(report["checks"]) > 10


def test_finds_what_is_wrong(open_terminal: Terminal) -> None:
    open_terminal.works("product", "add", "Cola", "1.50", "--stock", "5")
    open_terminal.tamper("UPDATE shelves SET quantity = 6")
    answer = open_terminal("audit")
    assert answer.code == 1
    assert "The books are WRONG" in answer.out
    assert "recorded 6" in answer.out
    as_json = open_terminal("audit", "--json")
    assert as_json.code == 1
    assert json.loads(as_json.out)["clean"] is False
