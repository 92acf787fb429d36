"""Looking orders up by whatever a buyer calls them; tests/api/test_orders.py has the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.queries.query_plans import heard, plans
from tests.shop import Shop, open_shop
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import OrderStatus, Payment
from tuckshop.domain.refusals import UnknownOrder
from tuckshop.domain.users import Actor, Role
from tuckshop.queries import orders
from tuckshop.queries.orders import OrderScope
from tuckshop.till.callers import SessionCaller
from tuckshop.till.commands.orders import PlaceOrder, ReduceOrder
from tuckshop.till.commands.refunds import Refund


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url, tab_limit_cents=10_000) as opened:
        yield opened


def wanted(buyer: SessionCaller, *lines: tuple[int, int], ref: str | None = None) -> PlaceOrder:
    wallet = wallet_of(buyer.user_id)
    return PlaceOrder(buyer, wallet, lines, client_ref=ref, payment=Payment.TAB)


async def test_finds_by_the_clients_name_before_the_number(shop: Shop, running: RunningShop) -> None:
    ada, bob = await shop.buyer("ada"), await shop.buyer("bob")
    cola = await shop.product()
    assert ada.user_id is not None
    assert bob.user_id is not None
    first = await shop.buy(ada, (cola.product_id, 1), payment=Payment.TAB)
    second = await shop.buy(ada, (cola.product_id, 2), payment=Payment.TAB, client_ref=str(first.order_id))
    third = await shop.buy(bob, (cola.product_id, 3), payment=Payment.TAB, client_ref="basket")

    async def found(name: str, buyer_id: int) -> int:
        return (await orders.find_named(running, name=name, buyer_id=buyer_id)).order_id

    assert await found(str(first.order_id), ada.user_id) == second.order_id
    assert await found(str(second.order_id), ada.user_id) == second.order_id
    assert await found("basket", bob.user_id) == third.order_id
    assert await found(str(third.order_id), bob.user_id) == third.order_id
    for name in (
        "basket",
        str(third.order_id),
        "Basket",
        "0",
        f"0{second.order_id}",
        "9" * 18,
        "9" * 64,
        "²",
    ):
        with pytest.raises(UnknownOrder) as unknown:
            await found(name, ada.user_id)
        assert unknown.value.order == name


async def test_counts_and_pages_a_buyers_own(shop: Shop, running: RunningShop) -> None:
    ada, bob = await shop.buyer("ada"), await shop.buyer("bob")
    cola = await shop.product()
    made = [
        (await shop.buy(buyer, (cola.product_id, 1), payment=Payment.TAB)).order_id
        for buyer in (ada, bob, ada, ada)
    ]
    assert ada.user_id is not None
    assert await orders.count(running, buyer_id=ada.user_id) == 3
    assert await orders.count(running, buyer_id=10**9) == 0
    actor = Actor(user_id=ada.user_id, roles=frozenset({Role.BUYER}))
    page = await orders.page(running, actor=actor, limit=2, offset=1)
    assert [order.order_id for order in page] == [made[2], made[0]]


async def test_an_order_is_repeated_by_what_made_it_whatever_became_of_it(
    shop: Shop, running: RunningShop
) -> None:
    ada = await shop.buyer("ada", cents=1_000)
    cola, tea = await shop.product("cola"), await shop.product("tea")
    lines = ((cola.product_id, 2), (tea.product_id, 1))
    order = await shop.buy(ada, *lines, payment=Payment.TAB, client_ref="basket")
    await shop.do(ReduceOrder(ada, order.order_id, {cola.product_id: 1}))
    stands = await orders.find_named(running, name="basket", buyer_id=ada.user_id)
    assert orders.is_repeated(stands, wanted(ada, *lines))
    assert orders.is_repeated(stands, wanted(ada, *reversed(lines)))
    assert not orders.is_repeated(stands, wanted(ada, (cola.product_id, 1)))
    assert not orders.is_repeated(stands, wanted(ada, *lines, (tea.product_id + 1, 1)))
    assert not orders.is_repeated(stands, PlaceOrder(ada, wallet_of(ada.user_id), lines))


async def test_tells_what_a_buyer_may_still_give_back(shop: Shop, running: RunningShop) -> None:
    ada, bob = await shop.buyer("ada", cents=5_000), await shop.buyer("bob", cents=5_000)
    cola, tea = await shop.product("cola"), await shop.product("tea", refundable=False)
    whole = await shop.buy(ada, (cola.product_id, 2))
    mixed = await shop.buy(ada, (cola.product_id, 1), (tea.product_id, 1))
    kept = await shop.buy(ada, (tea.product_id, 1))
    placed = await shop.buy(ada, (cola.product_id, 1), payment=Payment.TAB)
    his = await shop.buy(bob, (cola.product_id, 1))
    ids = [one.order_id for one in (whole, mixed, kept, placed, his)]

    async def found() -> dict[int, orders.Returnable]:
        return await orders.returnable(running, buyer_id=ada.user_id, order_ids=ids)

    until_us = shop.clock.now_us + 300 * 1_000_000
    assert await found() == {
        whole.order_id: orders.Returnable(until_us, (cola.product_id,), is_whole=True),
        mixed.order_id: orders.Returnable(until_us, (cola.product_id,), is_whole=False),
    }
    await shop.do(Refund(ada, whole.order_id, {cola.product_id: 1}))
    assert (await found())[whole.order_id].is_whole  # One of two is back; the other may follow.
    await shop.do(Refund(ada, whole.order_id))
    assert list(await found()) == [mixed.order_id]
    shop.clock.now_us = until_us
    assert list(await found()) == [mixed.order_id]  # To the very end, as the till does.
    shop.clock.now_us += 1
    assert await found() == {}
    assert await orders.returnable(running, buyer_id=ada.user_id, order_ids=[]) == {}


async def test_pages_what_a_seller_sold_each_order_once(shop: Shop, running: RunningShop) -> None:
    sam, sue = await shop.person("sam", Role.SELLER), await shop.person("sue", Role.SELLER)
    cola, tea = await shop.product("cola", seller=sam), await shop.product("tea", seller=sam)
    bun = await shop.product("bun", seller=sue)
    ada = await shop.buyer(cents=3_000)
    seller = Actor(sam.user_id, frozenset({Role.SELLER}))
    both = await shop.buy(ada, (cola.product_id, 1), (tea.product_id, 1))
    waits = await shop.buy(ada, (tea.product_id, 1), (bun.product_id, 1), payment=Payment.TAB)
    await shop.buy(ada, (bun.product_id, 1))
    last = await shop.buy(ada, (cola.product_id, 1))
    await shop.do(Refund(sam, last.order_id))

    async def sold(**asked: Any) -> list[int]:
        found = await orders.page(running, actor=seller, scope=OrderScope.SOLD, limit=9, **asked)
        return [one.order_id for one in found]

    assert await sold() == [last.order_id, waits.order_id, both.order_id]
    assert await sold(offset=1) == [waits.order_id, both.order_id]
    assert await sold(before_id=waits.order_id) == [both.order_id]
    assert await sold(status=OrderStatus.PLACED) == [waits.order_id]
    assert await sold(status=OrderStatus.DISPENSED) == [both.order_id]
    assert await sold(status=OrderStatus.REFUNDED) == [last.order_id]


async def test_what_a_seller_sold_is_found_without_what_others_did(running: RunningShop) -> None:
    seller = Actor(1, frozenset({Role.SELLER}))
    with heard(running.engine) as said:
        await orders.page(running, actor=seller, scope=OrderScope.SOLD, limit=9)

    assert "ix_order_lines_seller_id_order_id" in await plans(running.engine, said)


async def test_orders_that_were_not_simply_sold_are_found_by_their_own_index(running: RunningShop) -> None:
    office = Actor(1, frozenset({Role.ADMIN}))
    with heard(running.engine) as said:
        await orders.page(running, actor=office, scope=OrderScope.ALL, status=OrderStatus.FAILED, limit=9)

    assert "ix_orders_status" in await plans(running.engine, said)
