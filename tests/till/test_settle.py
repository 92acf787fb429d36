"""What each command does to the books, and that a refusal does nothing."""

from __future__ import annotations

import pytest

from tests.shop import Shop
from tuckshop.domain.accounts import Role
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.refusals import InsufficientFunds, OutOfStock
from tuckshop.till.commands import OPERATOR, Deposit, PayOut, Refund, Restock, ChangeProduct, RemoveProduct


async def test_smoke(shop: Shop) -> None:
    seller = await shop.person("sam", Role.SELLER)
    ada = await shop.buyer(cents=500)
    cola = await shop.product(seller=seller, stock=3)
    order = await shop.buy(ada, (cola.product_id, 2))
    assert order.balance_cents == 200
    with pytest.raises(OutOfStock):
        await shop.buy(ada, (cola.product_id, 2))
    with pytest.raises(InsufficientFunds):
        water = await shop.product("water", price_cents=201)
        await shop.buy(ada, (water.product_id, 1))
    back = await shop.do(Refund(ada, order.order_id, {cola.product_id: 1}), key="k")
    again = await shop.do(Refund(ada, order.order_id, {cola.product_id: 1}), key="k")
    assert back == again
    print(back)
    print(await shop.do(PayOut(OPERATOR, wallet_of(ada.user_id))))
    print(await shop.do(Restock(seller, cola.product_id, 4)))
    print(await shop.do(ChangeProduct(seller, cola.product_id, name="Cola Zero", price_cents=3, stock=1)))
    print(await shop.do(RemoveProduct(seller, cola.product_id)))
