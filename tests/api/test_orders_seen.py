"""/v1/orders of others: what sellers, cashiers and admins see of them, and what sellers may hand out.

Sam sells cola, Sue sells tea; Ada buys both at once, Bob cola alone, to be handed out later.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, People
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Fulfil
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.wallet import Deposit


@pytest.fixture
async def sold(api: Api, people: People) -> tuple[int, int]:
    shop = api.shop
    cola = (await shop.product("cola", seller=people.sam)).product_id
    tea = (await shop.product("tea", price_cents=90, seller=people.sue)).product_id
    for buyer in (people.ada, people.bob):
        await shop.do(Deposit(OPERATOR, wallet_of(buyer.user_id), {100: 9}))
    both = await shop.buy(people.ada, (cola, 2), (tea, 1), client_ref="adas", fulfil=Fulfil.LATER)
    alone = await shop.buy(people.bob, (cola, 1), fulfil=Fulfil.LATER)
    return both.order_id, alone.order_id


async def ids(api: Api, by: SessionCaller, **query: Any) -> list[int]:
    answer = await api.get("/v1/orders", params=query, by=by)
    assert answer.status_code == 200, answer.text
    return [order["id"] for order in answer.json()["items"]]


async def test_a_seller_sees_own_lines_alone(api: Api, people: People, sold: tuple[int, int]) -> None:
    both, alone = sold
    for by, name, total in ((people.sam, "cola", 300), (people.sue, "tea", 90)):
        shown = (await api.get(f"/v1/orders/{both}", by=by)).json()
        assert [line["name"] for line in shown["lines"]] == [name]
        assert (shown["total"], shown["buyer"], shown["client_ref"]) == (total, None, None)
    assert (await api.get(f"/v1/orders/{alone}", by=people.sue)).status_code == 404
    assert (await api.get(f"/v1/orders/{both}", by=people.bob)).status_code == 404
    whole = (await api.get(f"/v1/orders/{both}", by=people.ada)).json()
    assert (whole["total"], len(whole["lines"]), whole["buyer"]) == (390, 2, people.ada.user_id)
    for by in (people.cas, people.root):
        assert (await api.get(f"/v1/orders/{both}", by=by)).json() == whole


async def test_a_seller_hands_out_what_is_own_alone(api: Api, people: People, sold: tuple[int, int]) -> None:
    both, alone = sold
    assert await ids(api, people.sam, whose="sold", status="placed") == [alone, both]
    out = {"status": "dispensed"}
    for order, by, status in (
        (both, people.sam, 403),  # Sue's tea is in it.
        (alone, people.sue, 404),
        (alone, people.bob, 403),  # The buyer says no such thing.
        (alone, people.sam, 200),
        (alone, people.sam, 409),
        (both, people.cas, 200),
    ):
        assert (await api.call("PATCH", f"/v1/orders/{order}", out, by=by)).status_code == status
    assert await ids(api, people.sam, whose="sold", status="placed") == []
    await api.shop.assert_clean()


async def test_lists_are_whose_they_say(api: Api, people: People, sold: tuple[int, int]) -> None:
    both, alone = sold
    assert await ids(api, people.ada) == [both]
    assert await ids(api, people.sam) == []
    assert await ids(api, people.sue, whose="sold") == [both]
    for by in (people.cas, people.root):
        assert await ids(api, by, whose="all") == [alone, both]
        assert await ids(api, by, whose="all", buyer=people.ada.user_id) == [both]
        assert await ids(api, by, whose="all", status="refunded") == []
    page = (await api.get("/v1/orders", params={"whose": "all", "limit": 1}, by=people.cas)).json()
    query = {"whose": "all", "limit": 1, "cursor": page["next"]}
    assert await ids(api, people.cas, **query) == [both]
    for by, query in (
        (people.ada, {"whose": "all"}),
        (people.sam, {"whose": "all"}),
        (people.ada, {"whose": "sold"}),
        (people.ada, {"buyer": people.bob.user_id}),
        (people.sam, {"whose": "sold", "buyer": people.ada.user_id}),
    ):
        assert (await api.get("/v1/orders", params=query, by=by)).status_code == 403
    assert (await api.get("/v1/orders", params={"whose": "hers"}, by=people.cas)).status_code == 422


@pytest.mark.parametrize("status", ["dispensed", "failed"])
async def test_a_seller_who_hands_out_is_not_told_what_the_buyer_calls_the_order(
    api: Api, people: People, status: str
) -> None:
    shop = api.shop
    cola = (await shop.product("cola", seller=people.sam, stock=10)).product_id
    await shop.do(Deposit(OPERATOR, wallet_of(people.ada.user_id), {100: 18}))
    orders = [
        await shop.buy(people.ada, (cola, 1), client_ref=f"for my aunt {number}", fulfil=Fulfil.LATER)
        for number in range(3)
    ]
    told = []
    for order, by in zip(orders, (people.sam, people.cas, people.root), strict=True):
        answer = await api.call("PATCH", f"/v1/orders/{order.order_id}", {"status": status}, by=by)
        assert answer.status_code == 200, answer.text
        told.append(answer.json()["client_ref"])
    assert told == [None, "for my aunt 1", "for my aunt 2"]  # Staff see whose orders they are anyway.
    for order in orders:
        seen = (await api.get(f"/v1/orders/{order.order_id}", by=people.ada)).json()
        assert seen["client_ref"].startswith("for my aunt")
    listed = (await api.get("/v1/orders", params={"whose": "sold"}, by=people.sam)).json()["items"]
    assert {one["client_ref"] for one in listed} == {None}
