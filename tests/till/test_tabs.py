"""Buying on account: limits, settlements, and what sellers are paid of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.shop import Shop, open_shop
from tests.till.reading import balances, coin_box, post, refuse
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.domain.field_problems import AmountTooSmall, ChangeOnTab, WrongLength
from tuckshop.domain.ledger import AccountKind, AccountRef, wallet_of
from tuckshop.domain.orders import Change, Fulfil, Payment
from tuckshop.domain.refusals import (
    CoinNotAccepted,
    CoinsCapReached,
    ExternalRefTaken,
    InvalidField,
    RoleMissing,
    SettlementExceedsTab,
    TabLimitExceeded,
    UnknownMachine,
    UnknownUser,
)
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Command
from tuckshop.till.commands.orders import CancelOrder, Dispense, OrderPlaced, PlaceOrder
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.tabs import SettleTab, TabSettled
from tuckshop.till.commands.wallet import Deposit
from tuckshop.till.policy import Policy


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """A shop where everybody may owe 5.00 and declare coins worth 3.00 a day."""
    async with open_shop(
        database_url, coins=CoinsPolicy.SELF, tab_limit_cents=500, coins_daily_cap_cents=300
    ) as opened:
        yield opened


def on_tab(buyer: SessionCaller, *lines: tuple[int, int], fulfil: Fulfil | None = None) -> PlaceOrder:
    return PlaceOrder(buyer, wallet_of(buyer.user_id), lines, payment=Payment.TAB, fulfil=fulfil)


async def put_on_tab(shop: Shop, command: PlaceOrder) -> OrderPlaced:
    receipt = await shop.do(command)
    assert isinstance(receipt, OrderPlaced)
    return receipt


async def test_a_tab_pays_up_to_its_limit_and_not_a_cent_more(shop: Shop) -> None:
    ada, sam = await shop.buyer("ada"), await shop.person("sam", Role.SELLER)
    cola = (await shop.product(price_cents=150, seller=sam)).product_id
    gum = (await shop.product("gum", price_cents=51)).product_id
    first = await post(shop, on_tab(ada, (cola, 2)))
    assert first.transfers == [("sale", "ada's tab", "sam's earnings", 300)]
    assert isinstance(first.receipt, OrderPlaced)
    assert (first.receipt.status, first.receipt.payment, first.receipt.owed_cents) == ("placed", "tab", 300)
    await put_on_tab(shop, on_tab(ada, (cola, 1)))
    await refuse(shop, on_tab(ada, (gum, 1)), TabLimitExceeded(500, 450, 51))
    await shop.execute("UPDATE users SET tab_limit_cents = 501 WHERE username = 'ada'")
    assert (await put_on_tab(shop, on_tab(ada, (gum, 1)))).owed_cents == 501
    await shop.assert_clean()


async def test_a_limit_of_ones_own_goes_before_the_shops(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=1000)
    cola = (await shop.product()).product_id
    await shop.execute("UPDATE users SET tab_limit_cents = 0 WHERE username = 'ada'")
    await refuse(shop, on_tab(ada, (cola, 1)), TabLimitExceeded(0, 0, 150))
    assert (await shop.buy(ada, (cola, 1))).status == "dispensed"


async def test_a_guest_and_a_tab_pay_no_change(shop: Shop) -> None:
    ada = await shop.buyer("ada")
    cola = (await shop.product()).product_id
    wallet = wallet_of(ada.user_id)
    change = PlaceOrder(ada, wallet, ((cola, 1),), Change.RETURN, payment=Payment.TAB)
    await refuse(shop, change, InvalidField("change", ChangeOnTab()))
    await shop.execute("INSERT INTO guests (name, name_key, created_us) VALUES ('door', 'door', 1)")
    guest = PlaceOrder(
        OPERATOR, AccountRef(AccountKind.WALLET, guest_id=1), ((cola, 1),), payment=Payment.TAB
    )
    await refuse(shop, guest, TabLimitExceeded(0, 0, 150))


async def test_orders_are_handed_out_when_the_call_says(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=150)
    cola = (await shop.product()).product_id
    assert (await put_on_tab(shop, on_tab(ada, (cola, 1), fulfil=Fulfil.NOW))).status == "dispensed"
    assert (await shop.buy(ada, (cola, 1), fulfil=Fulfil.LATER)).status == "placed"
    await shop.assert_clean()


async def test_coins_settle_a_tab_and_what_is_over_stays_in_the_wallet(shop: Shop) -> None:
    # 1.50 + 0.13 = 1.63 owed; 2.00 in coins: 0.37 are over.
    ada, cas = await shop.buyer("ada"), await shop.person("cas", Role.CASHIER)
    cola, gum = await shop.product(), await shop.product("gum", price_cents=13)
    await put_on_tab(shop, on_tab(ada, (cola.product_id, 1), (gum.product_id, 1)))
    settled = await post(shop, SettleTab(cas, ada.user_id, coins={100: 1, 50: 2}))
    assert settled.transfers == [
        ("deposit", "coin box", "ada's wallet", 200),
        ("settlement", "ada's wallet", "ada's tab", 163),
    ]
    assert isinstance(settled.receipt, TabSettled)
    assert (settled.receipt.amount_cents, settled.receipt.owed_cents, settled.receipt.balance_cents) == (
        163,
        0,
        37,
    )
    assert await coin_box(shop) == {100: 1, 50: 2}
    await shop.assert_clean()


async def test_too_few_coins_settle_a_part(shop: Shop) -> None:
    ada = await shop.buyer("ada")
    cola = (await shop.product()).product_id
    await put_on_tab(shop, on_tab(ada, (cola, 1)))
    settled = await shop.do(SettleTab(OPERATOR, ada.user_id, coins={50: 1}))
    assert isinstance(settled, TabSettled)
    assert (settled.amount_cents, settled.owed_cents, settled.balance_cents) == (50, 100, 0)
    await shop.assert_clean()


async def test_the_banks_money_settles_once_for_each_reference(shop: Shop) -> None:
    ada = await shop.buyer("ada")
    user = ada.user_id
    cola = (await shop.product()).product_id
    await put_on_tab(shop, on_tab(ada, (cola, 2)))
    paid = SettleTab(OPERATOR, user, amount_cents=100, external_ref="bank-1")
    posted = await post(shop, paid)
    assert posted.transfers == [("settlement", "bank", "ada's tab", 100)]
    assert isinstance(posted.receipt, TabSettled)
    await refuse(shop, paid, ExternalRefTaken("bank-1", posted.receipt.transfer_id))
    much = SettleTab(OPERATOR, user, amount_cents=201, external_ref="bank-2")
    await refuse(shop, much, SettlementExceedsTab(200, 201))
    assert (await post(shop, SettleTab(OPERATOR, user, amount_cents=200, external_ref="bank-2"))).coins == []
    assert (await balances(shop))["ada's tab"] == 0
    await shop.assert_clean()


async def test_refuses_settlements_that_make_no_sense(shop: Shop) -> None:
    ada, sam = await shop.buyer("ada"), await shop.person("sam", Role.SELLER)
    user = ada.user_id
    bad_ref = InvalidField("external_ref", WrongLength(1, 128))
    cases: list[tuple[Command, Exception]] = [
        (SettleTab(ada, user, coins={50: 1}), RoleMissing(("cashier", "admin"))),
        (SettleTab(sam, user, coins={50: 1}), RoleMissing(("cashier", "admin"))),
        (SettleTab(OPERATOR, 99, coins={50: 1}), UnknownUser(99)),
        (SettleTab(OPERATOR, user, coins={50: 1}, machine_id=9), UnknownMachine(9)),
        (SettleTab(OPERATOR, user, coins={7: 1}), CoinNotAccepted(7, (5, 10, 20, 50, 100))),
        (SettleTab(OPERATOR, user, coins={50: 1}), SettlementExceedsTab(0, 50)),
        (SettleTab(OPERATOR, user, amount_cents=5), bad_ref),
        (SettleTab(OPERATOR, user, amount_cents=5, external_ref=""), bad_ref),
        (SettleTab(OPERATOR, user, amount_cents=5, external_ref="x" * 129), bad_ref),
        (
            SettleTab(OPERATOR, user, amount_cents=0, external_ref="x"),
            InvalidField("amount", AmountTooSmall(1)),
        ),
    ]
    for command, refusal in cases:
        await refuse(shop, command, refusal)  # type: ignore[arg-type]


async def test_a_cancelled_tab_order_is_owed_no_more(shop: Shop) -> None:
    ada, sam = await shop.buyer("ada"), await shop.person("sam", Role.SELLER)
    cola = (await shop.product(seller=sam)).product_id
    order = await put_on_tab(shop, on_tab(ada, (cola, 2)))
    posted = await post(shop, CancelOrder(ada, order.order_id))
    assert posted.transfers == [("refund", "sam's earnings", "ada's tab", 300)]
    assert posted.stock == [("refund", "cola", 2)]
    assert (await balances(shop))["ada's tab"] == 0
    await shop.assert_clean()


async def test_a_refund_goes_off_the_tab_first_and_then_into_the_wallet(shop: Shop) -> None:
    # 3.00 owed, 2.00 settled, all given back: 1.00 off the tab, 2.00 into the wallet.
    ada, sam = await shop.buyer("ada"), await shop.person("sam", Role.SELLER)
    cola = (await shop.product(seller=sam)).product_id
    order = await put_on_tab(shop, on_tab(ada, (cola, 2), fulfil=Fulfil.NOW))
    await shop.do(SettleTab(OPERATOR, ada.user_id, coins={100: 2}))
    posted = await post(shop, Refund(ada, order.order_id))
    assert posted.transfers == [
        ("refund", "sam's earnings", "ada's tab", 100),
        ("refund", "sam's earnings", "ada's wallet", 200),
    ]
    await shop.assert_clean()


async def test_of_several_sellers_no_more_comes_off_the_tab_than_is_owed(shop: Shop) -> None:
    # 2.00 + 1.00 owed, 1.50 settled, all given back: 1.50 off the tab, 0.50 and 1.00 into the wallet.
    ada = await shop.buyer("ada")
    sam, eva = await shop.person("sam", Role.SELLER), await shop.person("eva", Role.SELLER)
    cola = (await shop.product("cola", price_cents=200, seller=sam)).product_id
    nuts = (await shop.product("nuts", price_cents=100, seller=eva)).product_id
    order = await put_on_tab(shop, on_tab(ada, (cola, 1), (nuts, 1), fulfil=Fulfil.NOW))
    await shop.do(SettleTab(OPERATOR, ada.user_id, amount_cents=150, external_ref="bank 1"))
    posted = await post(shop, Refund(ada, order.order_id))
    assert posted.transfers == [
        ("refund", "sam's earnings", "ada's tab", 150),
        ("refund", "sam's earnings", "ada's wallet", 50),
        ("refund", "eva's earnings", "ada's wallet", 100),
    ]
    assert (await balances(shop))["ada's tab"] == 0
    await shop.assert_clean()


async def test_buyers_declare_so_many_coins_within_a_day(shop: Shop) -> None:
    ada = await shop.person("ada", Role.BUYER)
    wallet = wallet_of(ada.user_id)
    await shop.do(Deposit(ada, wallet, {100: 2}))
    shop.clock.forward(DAY_SECONDS / 2)
    await shop.do(Deposit(OPERATOR, wallet, {100: 5}))  # Somebody has seen these.
    await refuse(shop, Deposit(ada, wallet, {100: 1, 5: 1}), CoinsCapReached(300, 100))
    await shop.do(Deposit(ada, wallet, {100: 1}))
    await refuse(shop, Deposit(ada, wallet, {5: 1}), CoinsCapReached(300, 0))
    shop.clock.forward(DAY_SECONDS / 2)
    await shop.do(Deposit(ada, wallet, {100: 2}))
    await shop.assert_clean()


async def test_no_cap_holds_for_the_coins_of_cashiers(shop: Shop) -> None:
    cas = await shop.person("cas", Role.CASHIER, Role.BUYER)
    for _ in range(2):
        await shop.do(Deposit(cas, wallet_of(cas.user_id), {100: 2}))


async def test_two_at_once_do_not_pass_the_limits_together(shop: Shop) -> None:
    ada = await shop.person("ada", Role.BUYER)
    cola = (await shop.product(price_cents=250)).product_id
    from tuckshop.till.commands.base import Envelope

    orders = await shop.till.execute_together([Envelope(on_tab(ada, (cola, 1))) for _ in range(3)])
    assert [type(one.answer) for one in orders] == [OrderPlaced, OrderPlaced, TabLimitExceeded]
    coins = [Envelope(Deposit(ada, wallet_of(ada.user_id), {100: 2})) for _ in range(2)]
    assert isinstance((await shop.till.execute_together(coins))[1].answer, CoinsCapReached)
    await shop.assert_clean()


async def test_sellers_hand_out_and_the_window_begins_then(shop: Shop) -> None:
    ada, sam = await shop.buyer("ada"), await shop.person("sam", Role.SELLER)
    cola = (await shop.product(seller=sam)).product_id
    order = await put_on_tab(shop, on_tab(ada, (cola, 1)))
    shop.clock.forward(3600)
    await shop.do(Dispense(sam, order.order_id))
    shop.clock.forward(300)
    await shop.do(Refund(ada, order.order_id))
    await shop.assert_clean()


def test_by_default_nobody_buys_on_account() -> None:
    from tuckshop.domain.money import EURO

    assert Policy(currency=EURO).tab_limit_cents == 0
