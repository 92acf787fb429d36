"""What the shop owes its sellers, and what of it can be paid out now."""

from __future__ import annotations

import pytest

from tests.queries.test_tabs import books
from tests.shop import Clock
from tests.shop import Shop as Books
from tuckshop.context import Shop
from tuckshop.domain.orders import Payment
from tuckshop.domain.refusals import RoleMissing, UnknownUser
from tuckshop.domain.users import OPERATOR, Actor, Role
from tuckshop.queries import earnings
from tuckshop.queries.earnings import Payable
from tuckshop.till.callers import OPERATOR as CLI
from tuckshop.till.commands.transfers import PaySeller

__all__ = ["books"]  # A fixture.


async def test_what_is_payable_is_what_the_till_pays(
    open_for_business: Shop, books: Books, clock: Clock
) -> None:
    shop = open_for_business
    sam, sue = await books.person("sam", Role.SELLER), await books.person("sue", Role.SELLER)
    ids = [one.user_id for one in (sam, sue)]
    cola = await books.product("cola", price_cents=150, seller=sam)
    tea = await books.product("tea", price_cents=80, seller=sue)
    kept = await books.product("ice", price_cents=10, seller=sue, refundable=False)
    ada = await books.buyer("ada", cents=2_000)
    await books.execute("UPDATE users SET payout_delay_days = 0")
    await books.execute("UPDATE users SET tab_limit_cents = 1000 WHERE id = :id", id=ada.user_id)
    assert await earnings.payables(shop, actor=OPERATOR, limit=9) == []
    await books.buy(ada, (cola.product_id, 2))  # 300, past being given back soon.
    clock.forward(301)
    await books.buy(ada, (cola.product_id, 1))  # 150, which may still come back.
    await books.buy(ada, (tea.product_id, 1), payment=Payment.TAB)  # 80, not paid yet.
    await books.buy(ada, (kept.product_id, 1))  # 10, for good.
    of_sam, of_sue = (
        Payable(ids[0], "sam", 450, 300),
        await earnings.payable(shop, actor=OPERATOR, seller_id=ids[1]),
    )
    assert await earnings.payables(shop, actor=OPERATOR, limit=9) == [of_sam, of_sue]
    assert await earnings.payables(shop, actor=OPERATOR, after_id=ids[0], limit=9) == [of_sue]
    assert (of_sam.held_back_cents, of_sue.payable_cents) == (150, 10)
    for one in (of_sam, of_sue):  # And so says the page of each seller.
        earned = await earnings.earnings(shop, seller_id=one.seller_id)
        assert (earned.balance_cents, earned.payable_cents) == (one.balance_cents, one.payable_cents)
        await books.do(PaySeller(CLI, one.seller_id, f"bank {one.seller_id}", one.payable_cents))
    assert await earnings.payable(shop, actor=OPERATOR, seller_id=ids[0]) == Payable(ids[0], "sam", 150, 0)
    await books.assert_clean()


async def test_only_the_office_sees_who_is_owed_what(open_for_business: Shop, books: Books) -> None:
    sam = await books.person("sam", Role.SELLER)
    seller = Actor(sam.user_id, frozenset({Role.SELLER, Role.BUYER}))
    with pytest.raises(RoleMissing):
        await earnings.payables(open_for_business, actor=seller, limit=9)
    with pytest.raises(RoleMissing):
        await earnings.payable(open_for_business, actor=seller, seller_id=sam.user_id)
    with pytest.raises(UnknownUser):  # Nothing was ever sold.
        await earnings.payable(open_for_business, actor=OPERATOR, seller_id=sam.user_id)
