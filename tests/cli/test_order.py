"""Orders as the operator sees them, hands them out and takes them back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest

from tests.cli.conftest import Terminal
from tests.shop import open_shop
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Fulfil
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.wallet import Deposit

Buy = Callable[..., int]


@pytest.fixture
def shop(open_terminal: Terminal) -> Terminal:
    """Ada has five euros; there is cola (1) and tea (2)."""
    open_terminal.works("user", "add", "ada")
    open_terminal.works("product", "add", "Cola", "1.50", "--stock", "5")
    open_terminal.works("product", "add", "Tea", "0.50", "--stock", "5")
    return open_terminal


@pytest.fixture
def buy(shop: Terminal) -> Buy:
    """Ada buys; the order's number."""

    async def bought(*lines: tuple[int, int], fulfil: Fulfil | None = None) -> int:
        async with open_shop(f"sqlite:///{shop.database}") as till:
            await till.execute(
                "INSERT INTO sessions (user_id, generation, created_us, expires_us)"
                " VALUES (1, 1, 1, 9000000000000000)"
            )
            ada = SessionCaller((await till.rows("sessions"))[-1]["id"], 1)
            await till.do(Deposit(OPERATOR, wallet_of(1), {100: 5}))
            receipt = await till.do(PlaceOrder(ada, wallet_of(1), lines, fulfil=fulfil))
            assert isinstance(receipt, OrderPlaced)
            return receipt.order_id

    return lambda *lines, **more: asyncio.run(bought(*lines, **more))


def test_lists_and_shows(shop: Terminal, buy: Buy) -> None:
    buy((1, 2), (2, 1))
    buy((2, 1))
    told = shop.works("order", "list")
    assert re.search(r"1 +2025-10-09 08:53 +ada +2 Cola, 1 Tea +wallet +dispensed +3\.50", told)
    assert told.index(" 0.50") < told.index(" 3.50")  # The newest first.
    assert "2 orders" in told
    assert "1 order\n" in shop.works("order", "list", "--limit", "1")
    assert "2 orders" in shop.works("order", "list", "--buyer", "ADA")
    shop.works("user", "add", "bob")
    assert "0 orders" in shop.works("order", "list", "--buyer", "bob")
    shown = shop.works("order", "show", "1")
    assert re.search(r"Total +3\.50 EUR", shown)
    assert re.search(r"1 +Cola +2 +0 +1\.50", shown)


def test_gives_back_a_part_then_the_rest(shop: Terminal, buy: Buy) -> None:
    buy((1, 2), (2, 1))
    told = shop.works("order", "refund", "1", "1x1", "--write-off", "--reason", "warm")
    assert told == "1.50 EUR given back; order 1 is partly refunded.\n"
    assert shop.works("order", "refund", "1") == "2.00 EUR given back; order 1 is refunded.\n"
    assert shop.refused("order", "refund", "1") == "Only 0 of product 1 can still come back."
    shop.works("audit")


def test_hands_out_calls_off_and_fails(shop: Terminal, buy: Buy) -> None:
    first, second, third = [buy((2, 1), fulfil=Fulfil.LATER) for _ in range(3)]
    assert shop.works("order", "dispense", str(first)) == f"Order {first} is dispensed.\n"
    assert shop.works("order", "cancel", str(second)) == f"Order {second} is cancelled.\n"
    told = shop.works("order", "dispense", str(third), "--failed", "--reason", "jammed")
    assert told == f"Order {third} is failed.\n"
    assert shop.refused("order", "cancel", str(first)) == f"Order {first} is dispensed."
    shop.works("audit")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("show 9", "There is no order 9."),
        ("show x", "'x' is not a whole number."),
        (f"show {'9' * 19}", "is not a whole number"),
        ("show 0", "it must be from 1"),
        ("refund 9", "There is no order 9."),
        ("refund 1 3x1", "product 3"),
        ("refund 1 1x3", "Only 2 of product 1 can still come back."),
        ("refund 1 1x1 1x1", "A product can be named only once."),
        ("refund 1 1", "'1' is not like 3x2: the product's number, an x, and how many."),
        ("refund 1 1x0", "The"),
        ("dispense 1", "Order 1 is dispensed."),
        ("cancel 1", "Order 1 is dispensed."),
        ("cancel 9", "There is no order 9."),
        ("list --buyer nobody", "There is no user nobody"),
        ("list --limit 0", "it must be from 1 to 10000."),
        (f"refund 1 --reason {'x' * 201}", "A reason has at most 200 characters."),
    ],
    ids=lambda text: text[:40],
)
def test_wrong_words_change_nothing(shop: Terminal, buy: Buy, words: str, told: str) -> None:
    buy((1, 2))
    assert told in shop.refused("order", *words.split())
