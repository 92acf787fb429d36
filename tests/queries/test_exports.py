"""People and orders as tables."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.shop import Clock
from tests.shop import Shop as Books
from tests.shop import open_shop as open_books
from tuckshop.context import Shop
from tuckshop.domain.orders import Payment
from tuckshop.domain.users import Role
from tuckshop.queries import exports
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.orders import PlaceOrder
from tuckshop.till.commands.wallet import Deposit


@pytest.fixture
async def books(database_url: str, clock: Clock) -> AsyncIterator[Books]:
    """The same shop, with a till of its own, where everybody may owe five euros."""
    async with open_books(database_url, clock=clock, tab_limit_cents=500) as shop:
        yield shop


async def test_everybody_with_their_money(
    open_for_business: Shop, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    sam = await books.person("sam", Role.SELLER, Role.BUYER)
    ada = await books.buyer("ada", cents=500)
    gone = await books.buyer("gone")
    await books.buyer("bob")
    await books.execute("UPDATE users SET state = 'closed', closed_us = 1 WHERE id = :id", id=gone.user_id)
    cola = await books.product("cola", price_cents=150, seller=sam)
    await books.buy(ada, (cola.product_id, 1))
    await books.buy(ada, (cola.product_id, 2), payment=Payment.TAB)
    rows = [row async for row in exports.all_users(open_for_business)]
    assert rows[0] == exports.USERS
    assert [row[1:8] for row in rows[1:]] == [
        ("sam", None, "buyer seller", "active", "0.00", "0.00", "4.50"),
        ("ada", None, "buyer", "active", "3.50", "3.00", "0.00"),
        ("bob", None, "buyer", "active", "0.00", "0.00", "0.00"),
    ]


async def test_every_order_line_by_line(
    open_for_business: Shop, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    sam = await books.person("sam", Role.SELLER)
    ada = await books.buyer("ada", cents=2_000)
    cola = (await books.product("cola", price_cents=150, seller=sam)).product_id
    gum = (await books.product("gum", price_cents=5)).product_id
    for _ in range(3):
        await books.buy(ada, (cola, 2), (gum, 1))
    await books.execute("UPDATE products SET name = 'renamed', name_key = 'renamed' WHERE id = :id", id=gum)
    rows = [row async for row in exports.sold(open_for_business)]
    assert rows[0] == exports.ORDERS
    assert len(rows) == 7
    order, created, *rest = rows[2]
    assert (order, created) == (rows[1][0], "2025-10-09T08:53:20Z")
    assert rest == ["ada", 1, "wallet", "dispensed", gum, "gum", 1, 0, "0.05", "house"]
    assert rows[1][6:] == (cola, "cola", 2, 0, "1.50", "sam")


async def test_guests_orders_have_no_buyer(open_for_business: Shop, books: Books) -> None:
    door, cola = await books.guest("door"), await books.product("cola", price_cents=150)
    await books.do(Deposit(OPERATOR, door, {50: 3}))
    await books.do(PlaceOrder(OPERATOR, door, ((cola.product_id, 1),)))
    _, (_, _, buyer, *rest) = [row async for row in exports.sold(open_for_business)]
    assert (buyer, rest[-6:]) == (None, [cola.product_id, "cola", 1, 0, "1.50", "house"])
