"""What people owe and may owe."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.shop import Clock
from tests.shop import Shop as Books
from tests.shop import open_shop as open_books
from tuckshop.context import Shop
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.money import PRICE_CENTS_MAX
from tuckshop.domain.orders import Payment
from tuckshop.domain.refusals import InvalidField, RoleMissing, SelfService, TabLimitExceeded, UnknownUser
from tuckshop.domain.users import OPERATOR, Actor, Role
from tuckshop.operations import tabs
from tuckshop.queries import tabs as tab_queries
from tuckshop.queries.tabs import Tab
from tuckshop.till.callers import SessionCaller
from tuckshop.till.commands.orders import PlaceOrder


@pytest.fixture
async def books(database_url: str, clock: Clock) -> AsyncIterator[Books]:
    """The same shop, with a till of its own."""
    async with open_books(database_url, clock=clock) as shop:
        yield shop


async def on_tab(books: Books, buyer: SessionCaller, product_id: int) -> None:
    await books.do(PlaceOrder(buyer, wallet_of(buyer.user_id), ((product_id, 1),), payment=Payment.TAB))


async def test_a_limit_counts_from_the_next_order_on(open_for_business: Shop, books: Books) -> None:
    ada = await books.buyer("ada")
    await books.buyer("bob")
    cola = (await books.product(price_cents=150)).product_id
    user_id = ada.user_id
    assert await tab_queries.find(open_for_business, user_id=user_id) == Tab(
        user_id, "ada", 0, 0, False, approved=False
    )
    with pytest.raises(TabLimitExceeded):
        await on_tab(books, ada, cola)
    set_to = await tabs.set_limit(open_for_business, actor=OPERATOR, user_id=user_id, limit_cents=200)
    assert set_to == Tab(user_id, "ada", 0, 200, True, approved=True)
    await on_tab(books, ada, cola)
    assert await tab_queries.page(open_for_business) == [Tab(user_id, "ada", 150, 200, True, approved=True)]
    assert await tab_queries.page(open_for_business, after_id=user_id) == []
    # What is owed stays owed, above the limit too.
    set_to = await tabs.set_limit(open_for_business, actor=OPERATOR, user_id=user_id, limit_cents=None)
    assert set_to == Tab(user_id, "ada", 150, 0, False, approved=True)
    await books.assert_clean()


async def test_wrong_limits_change_nothing(open_for_business: Shop, books: Books) -> None:
    ada = await books.buyer("ada")
    cashier = Actor(user_id=None, roles=frozenset({Role.CASHIER}))
    before = await books.books()
    for actor, user_id, limit, refusal in (
        (cashier, ada.user_id, 5, RoleMissing),
        (OPERATOR, 99, 5, UnknownUser),
        (OPERATOR, ada.user_id, -1, InvalidField),
        (OPERATOR, ada.user_id, PRICE_CENTS_MAX + 1, InvalidField),
    ):
        with pytest.raises(refusal):
            await tabs.set_limit(open_for_business, actor=actor, user_id=user_id or 0, limit_cents=limit)
    with pytest.raises(UnknownUser):
        await tab_queries.find(open_for_business, user_id=99)
    assert await books.books() == before


async def test_nobody_lends_to_themselves_but_who_is_alone(open_for_business: Shop, books: Books) -> None:
    root = await books.person("root", Role.ADMIN, Role.BUYER)
    actor = Actor(root.user_id, frozenset({Role.ADMIN, Role.BUYER}))
    await tabs.set_limit(open_for_business, actor=actor, user_id=root.user_id, limit_cents=100)
    assert json.loads((await books.rows("admin_log"))[-1]["after"]) == {
        "tab_limit_cents": 100,
        "tab_approved": True,
        "for_self": True,
    }
    await books.person("cas", Role.CASHIER)
    before = await books.books()
    with pytest.raises(SelfService):
        await tabs.set_limit(open_for_business, actor=actor, user_id=root.user_id, limit_cents=200)
    assert await books.books() == before
    await tabs.set_limit(open_for_business, actor=OPERATOR, user_id=root.user_id, limit_cents=200)
