"""Closing a user: what is left goes where nobody claims it, what must be settled first is told."""

from __future__ import annotations

import pytest

from tests.shop import Shop
from tests.till.reading import balances, post, refuse
from tests.till.registering import register
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Fulfil, Payment
from tuckshop.domain.refusals import LastAdmin, RoleMissing, SessionEnded, StillHoldsValue, UnknownUser
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR, Caller, SessionCaller
from tuckshop.till.commands.base import Command, Envelope
from tuckshop.till.commands.orders import CancelOrder, OrderPlaced, PlaceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, Restock
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import PaySeller, SendMoney, TopUp
from tuckshop.till.commands.users import CloseUser, UserClosed
from tuckshop.till.commands.wallet import Deposit


async def state(shop: Shop, user_id: int | None) -> str:
    return str(next(row["state"] for row in await shop.rows("users") if row["id"] == user_id))


async def test_the_rest_goes_to_what_nobody_claims_and_everything_ends(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=65)
    posted = await post(shop, CloseUser(ada, ada.user_id))
    assert posted.receipt == UserClosed(ada.user_id, 65)
    assert posted.transfers == [("close", "ada's wallet", "unclaimed", 65)]
    assert await state(shop, ada.user_id) == "closed"
    assert all(row["ended_us"] is not None for row in await shop.rows("sessions"))
    await refuse(shop, SendMoney(ada, wallet_of(ada.user_id), wallet_of(9), 5), SessionEnded())
    await shop.do(register("ada"))  # The name is free.
    await shop.assert_clean()


async def test_what_comes_back_to_somebody_gone_is_not_lost(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=300)
    cola = (await shop.product(price_cents=100, stock=4)).product_id
    placed = await shop.buy(ada, (cola, 1), fulfil=Fulfil.LATER)
    bought = await shop.buy(ada, (cola, 2))
    await shop.do(CloseUser(ada, ada.user_id))
    cancelled = await post(shop, CancelOrder(OPERATOR, placed.order_id))
    assert cancelled.transfers[-1] == ("close", f"closed user {ada.user_id}'s wallet", "unclaimed", 100)
    refunded = await post(shop, Refund(OPERATOR, bought.order_id, {cola: 1}))
    assert refunded.transfers[-1] == ("close", f"closed user {ada.user_id}'s wallet", "unclaimed", 100)
    assert (await balances(shop))[f"closed user {ada.user_id}'s wallet"] == 0
    await shop.assert_clean()


async def test_a_seller_is_told_what_to_settle_first(shop: Shop) -> None:
    root = await shop.person("root", Role.ADMIN)
    sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=300)
    sam_id = sam.user_id
    cola = (await shop.product(price_cents=100, stock=4, seller=sam)).product_id
    await shop.buy(ada, (cola, 3))
    close = CloseUser(sam, sam_id)
    await refuse(shop, close, StillHoldsValue(earned_cents=300, owed_cents=0, stock=1))
    await shop.do(ChangeProduct(sam, cola, stock=0))
    await refuse(shop, close, StillHoldsValue(earned_cents=300, owed_cents=0, stock=0))
    shop.clock.forward(3600)
    await shop.do(PaySeller(root, sam_id, "pay 1"))
    await shop.do(close)
    assert all(row["removed_us"] is not None for row in await shop.rows("products"))
    await shop.product("cola")  # The product's name is free, too.
    await shop.assert_clean()


async def test_a_tab_is_to_be_settled_first(shop: Shop) -> None:
    await shop.person("root", Role.ADMIN)
    ada = await shop.buyer("ada")
    cola = (await shop.product(price_cents=100)).product_id
    await shop.execute("UPDATE users SET tab_limit_cents = 500 WHERE username = 'ada'")
    await shop.buy(ada, (cola, 1), payment=Payment.TAB)
    close = CloseUser(ada, ada.user_id)
    await refuse(shop, close, StillHoldsValue(earned_cents=0, owed_cents=100, stock=0))
    await shop.do(SettleTab(OPERATOR, ada.user_id, amount_cents=100, external_ref="bank 1"))
    await shop.do(close)
    await shop.assert_clean()


async def test_only_oneself_or_an_admin_and_never_the_last(shop: Shop) -> None:
    root, cas = await shop.person("root", Role.ADMIN), await shop.person("cas", Role.CASHIER)
    ada, bob = await shop.buyer("ada"), await shop.buyer("bob")
    for caller in (cas, bob):
        await refuse(shop, CloseUser(caller, ada.user_id), RoleMissing((Role.ADMIN,)))
    either: tuple[Caller, ...] = (root, OPERATOR)
    for by in either:
        await refuse(shop, CloseUser(by, root.user_id), LastAdmin())
        await refuse(shop, CloseUser(by, 999), UnknownUser(999))
    await shop.do(CloseUser(root, ada.user_id))
    await refuse(shop, CloseUser(root, ada.user_id), UnknownUser(ada.user_id))
    boss = await shop.person("boss", Role.ADMIN)
    answers = await shop.till.execute_together(
        [Envelope(CloseUser(root, boss.user_id)), Envelope(CloseUser(boss, root.user_id))]
    )
    assert [type(one.answer) for one in answers] == [UserClosed, SessionEnded]


async def test_nothing_reaches_who_is_gone_not_even_in_the_same_batch(shop: Shop) -> None:
    root, cas = await shop.person("root", Role.ADMIN), await shop.person("cas", Role.CASHIER)
    ida, ada = await shop.person("ida", Role.BUYER, Role.SELLER), await shop.buyer("ada", cents=100)
    wallet, ida_id = wallet_of(ida.user_id), ida.user_id
    after: list[Command] = [
        Deposit(cas, wallet, {100: 1}),
        TopUp(root, wallet, 5, "bank 1"),
        SendMoney(ada, wallet_of(ada.user_id), wallet, 5),
        SettleTab(cas, ida_id, coins={100: 1}),
        PaySeller(root, ida_id, "pay 1"),
        AddProduct(root, "tea", 5, 1, seller_id=ida_id),
        CloseUser(root, ida_id),
    ]
    own: list[Command] = [AddProduct(ida, "cola", 5, 1), PlaceOrder(ida, wallet, ((1, 1),))]
    envelopes = [Envelope(one) for one in (CloseUser(ida, ida_id), *after, *own, register("ida"))]
    closed, *answers, newcomer = await shop.till.execute_together(envelopes)
    closed.receipt()
    newcomer.receipt()
    assert [one.answer for one in answers] == [UnknownUser(ida_id)] * len(after) + [SessionEnded()] * len(own)
    left = {name for name, cents in (await balances(shop)).items() if cents}
    assert f"closed user {ida_id}'s wallet" not in left
    await shop.assert_clean()


@pytest.mark.parametrize("who", ["seller", "admin"])
async def test_a_product_added_in_the_same_batch_counts(shop: Shop, who: str) -> None:
    root, sam = await shop.person("root", Role.ADMIN), await shop.person("sam", Role.SELLER)
    adding = AddProduct(sam, "cola", 5, 3)
    if who == "admin":
        adding = AddProduct(root, "cola", 5, 3, seller_id=sam.user_id)
    added, closed = await shop.till.execute_together(
        [Envelope(adding), Envelope(CloseUser(sam, sam.user_id))]
    )
    added.receipt()
    assert closed.answer == StillHoldsValue(earned_cents=0, owed_cents=0, stock=3)
    await shop.assert_clean()


async def test_what_is_sold_in_the_same_batch_counts(shop: Shop) -> None:
    await shop.person("root", Role.ADMIN)
    sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=300)
    cola = (await shop.product(price_cents=100, stock=1, seller=sam)).product_id
    outcomes = await shop.till.execute_together(
        [
            Envelope(PlaceOrder(ada, wallet_of(ada.user_id), ((cola, 1),))),
            Envelope(CloseUser(sam, sam.user_id)),
        ]
    )
    assert outcomes[1].answer == StillHoldsValue(earned_cents=100, owed_cents=0, stock=0)


async def test_what_others_have_on_their_shelves_is_theirs(shop: Shop) -> None:
    await shop.person("root", Role.ADMIN)
    sam, sue = await shop.person("sam", Role.SELLER), await shop.person("sue", Role.SELLER)
    cola = (await shop.product(stock=1, seller=sue)).product_id
    outcomes = await shop.till.execute_together(
        [Envelope(Restock(sue, cola, 1)), Envelope(CloseUser(sam, sam.user_id))]
    )
    assert outcomes[1].answer == UserClosed(sam.user_id, 0)


async def test_whoever_else_is_looked_at_in_the_batch_is_no_admin(shop: Shop) -> None:
    root, boss = await shop.person("root", Role.ADMIN), await shop.person("boss", Role.ADMIN)
    ada = await shop.buyer("ada")
    close = [Envelope(CloseUser(root, one.user_id)) for one in (boss, root, ada)]
    answers = [one.answer for one in await shop.till.execute_together(close)]
    assert answers == [UserClosed(boss.user_id, 0), LastAdmin(), UserClosed(ada.user_id, 0)]


async def test_the_address_is_free_and_what_comes_back_is_not_lost_in_the_same_batch(shop: Shop) -> None:
    await shop.do(register("ada", "ada@example.org"))
    ada = next(row["id"] for row in await shop.rows("users"))
    await shop.do(Deposit(OPERATOR, wallet_of(ada), {100: 2}))
    cola = (await shop.product(price_cents=100, stock=1)).product_id
    placed = await shop.do(PlaceOrder(OPERATOR, wallet_of(ada), ((cola, 1),)))
    assert isinstance(placed, OrderPlaced)
    await shop.person("root", Role.ADMIN)
    batch = CloseUser(OPERATOR, ada), Refund(OPERATOR, placed.order_id), register("bob", "ada@example.org")
    for outcome in await shop.till.execute_together([Envelope(one) for one in batch]):
        outcome.receipt()
    assert (await balances(shop))["unclaimed"] == 200
    await shop.assert_clean()


async def test_the_audit_finds_what_somebody_left_behind(shop: Shop) -> None:
    sam: SessionCaller = await shop.person("sam", Role.SELLER)
    await shop.product(seller=sam)
    await shop.execute("UPDATE users SET state = 'closed', closed_us = 1 WHERE username = 'sam'")
    with pytest.raises(AssertionError):
        await shop.assert_clean()
