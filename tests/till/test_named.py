"""Buying by a product's name: whose it is when the sale is decided."""

from __future__ import annotations

import pytest

from tests.shop import Shop
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.refusals import InvalidField, OutOfStock, UnknownProduct
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.products import ChangeProduct, RemoveProduct


def order(buyer: SessionCaller, name: str, quantity: int = 1) -> PlaceOrder:
    return PlaceOrder(buyer, wallet_of(buyer.user_id), (), named=((name, quantity),))


async def test_sells_the_product_of_that_name(shop: Shop) -> None:
    ada = await shop.buyer(cents=500)
    cola = await shop.product("Crème Cola", price_cents=150, stock=2)
    placed = await shop.do(order(ada, "CRÈME COLA", 2))
    assert isinstance(placed, OrderPlaced)
    assert [(line.product_id, line.name, line.quantity) for line in placed.lines] == [
        (cola.product_id, "Crème Cola", 2)
    ]
    await shop.assert_clean()


@pytest.mark.parametrize("name", ["tea", "", "a/b", "x" * 10_000, "\0", "col"])
async def test_refuses_a_name_that_nothing_bears(shop: Shop, name: str) -> None:
    ada = await shop.buyer(cents=500)
    await shop.product("cola")
    before = await shop.books()
    with pytest.raises(UnknownProduct) as refused:
        await shop.do(order(ada, name))
    assert refused.value.product == name
    assert await shop.books() == before


async def test_refuses_more_than_there_is_and_one_product_twice(shop: Shop) -> None:
    ada = await shop.buyer(cents=500)
    cola = await shop.product("cola", price_cents=5, stock=1)
    with pytest.raises(OutOfStock):
        await shop.do(order(ada, "cola", 2))
    twice = PlaceOrder(ada, wallet_of(ada.user_id), ((cola.product_id, 1),), named=(("cola", 1),))
    with pytest.raises(InvalidField):
        await shop.do(twice)
    await shop.assert_clean()


async def test_a_name_given_away_in_the_same_batch_is_another_product(shop: Shop) -> None:
    ada = await shop.buyer(cents=500)
    cola = await shop.product("cola", price_cents=5, stock=1)
    tea = await shop.product("tea", price_cents=10, stock=1)
    steps = (
        RemoveProduct(OPERATOR, cola.product_id),
        order(ada, "cola"),
        ChangeProduct(OPERATOR, tea.product_id, name="cola"),
        order(ada, "cola"),
        order(ada, "tea"),
    )
    outcomes = [one.answer for one in await shop.till.execute_together([Envelope(step) for step in steps])]
    assert isinstance(outcomes[1], UnknownProduct)
    sold = outcomes[3]
    assert isinstance(sold, OrderPlaced)
    assert (sold.lines[0].product_id, sold.total_cents) == (tea.product_id, 10)
    assert isinstance(outcomes[4], UnknownProduct)
    await shop.assert_clean()


async def test_a_name_that_nothing_bears_is_not_what_a_neighbour_buys(shop: Shop) -> None:
    ada = await shop.buyer(cents=500)
    assert (await shop.product("cola")).product_id == 1
    outcomes = await shop.till.execute_together([Envelope(order(ada, name)) for name in ("cola", "tea")])
    assert [type(outcome.answer) for outcome in outcomes] == [OrderPlaced, UnknownProduct]
