"""`tuckshop user selling`."""

from __future__ import annotations

import re

import pytest

from tests.cli.conftest import Terminal


def test_shows_and_changes_what_a_seller_may_have(open_terminal: Terminal) -> None:
    shop = open_terminal
    shop.works("user", "add", "sam", "--role", "seller")
    shop.works("machine", "add", "hall")
    told = shop.works("user", "selling", "sam")
    assert re.search(r"Products on sale +0 of 200 \(default\)", told)
    assert re.search(r"Other machines +none", told)
    told = shop.works("user", "selling", "sam", "--products", "300", "--invite", "hall")
    assert re.search(r"Products on sale +0 of 300 +\n", told)
    assert re.search(r"Pieces on shelves +0 of 10,000 \(default\)", told)
    assert re.search(r"Other machines +hall", told)
    told = shop.works("user", "selling", "sam", "--products", "default", "--uninvite", "hall")
    assert re.search(r"Products on sale +0 of 200 \(default\)", told)
    assert re.search(r"Other machines +none", told)
    assert shop.rows("SELECT count(*) FROM admin_log WHERE action = 'user.selling'") == [(2,)]


@pytest.mark.parametrize(
    "words",
    [
        ("nobody",),
        ("sam", "--pieces", "-1"),
        ("sam", "--pieces", "many"),
        ("sam", "--pieces", "٣"),
        ("sam", "--pieces", "9" * 18),
        ("sam", "--pieces", "9" * 40),
        ("sam", "--invite", "nowhere"),
        ("sam", "--pieces", "5", "--uninvite", "77"),
    ],
    ids=" ".join,
)
def test_refuses_what_is_no_quota_or_machine(open_terminal: Terminal, words: tuple[str, ...]) -> None:
    open_terminal.works("user", "add", "sam", "--role", "seller")
    open_terminal.refused("user", "selling", *words)
