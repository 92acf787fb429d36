"""What each command does to the books, with the rows counted by hand; and that a refusal does nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from tests.shop import Shop, open_shop
from tests.till.reading import balances, coin_box, post, refuse, shelf
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.domain.field_problems import (
    AmountOutOfRange,
    CoinCountTooSmall,
    ForbiddenCharacters,
    NoCoins,
    OutOfRange,
    ProductTwice,
    SpaceAtEnds,
    TaxOutOfRange,
    TooManyCoins,
    TooSmall,
    WrongLength,
    WrongLineCount,
)
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.money import BALANCE_CENTS_MAX, PRICE_CENTS_MAX
from tuckshop.domain.orders import Change, OrderStatus, Payment
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    ChangeUnpayable,
    ClientRefTaken,
    CoinNotAccepted,
    CoinsNotAttested,
    InsufficientFunds,
    InvalidField,
    NameTaken,
    NothingToPayOut,
    NotOwner,
    NotRefundable,
    OutOfStock,
    RefundExceedsSale,
    RefundWindowOver,
    RoleMissing,
    SessionEnded,
    StockTooLarge,
    UnknownMachine,
    UnknownOrder,
    UnknownProduct,
    UnknownUser,
    VersionChanged,
)
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Command, Envelope
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder, SoldLine
from tuckshop.till.commands.products import (
    AddProduct,
    ChangeProduct,
    ProductRecord,
    ProductRemoved,
    RemoveProduct,
    Restock,
)
from tuckshop.till.commands.refunds import Refund, Refunded
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut

NOBODY = 999


def wallet(caller: SessionCaller) -> AccountRef:
    assert caller.user_id is not None
    return wallet_of(caller.user_id)


async def count_coins(shop: Shop, coins: dict[int, int]) -> None:
    """Makes the default machine's box a counted one that holds these; the books say where they came from."""
    await shop.execute("UPDATE machines SET box_kind = 'counted' WHERE id = 1")
    if coins:
        filler = await shop.person("filler", Role.BUYER)
        await shop.do(Deposit(OPERATOR, wallet(filler), coins))


@pytest.fixture
async def self_service(database_url: str) -> AsyncIterator[Shop]:
    """A shop in which buyers say themselves what coins they put in."""
    async with open_shop(database_url, coins=CoinsPolicy.SELF) as shop:
        yield shop


# --- Deposit


async def test_a_deposit_puts_coins_in_the_box_and_their_worth_in_the_wallet(shop: Shop) -> None:
    ada = await shop.buyer()
    cashier = await shop.person("cashier", Role.CASHIER)
    posted = await post(shop, Deposit(cashier, wallet(ada), {20: 3, 100: 2}))
    assert posted.transfers == [("deposit", "coin box", "ada's wallet", 260)]
    assert posted.coins == [(100, 2), (20, 3)]
    assert posted.stock == []
    assert isinstance(posted.receipt, CoinsDeposited)
    assert (posted.receipt.amount_cents, posted.receipt.balance_cents) == (260, 260)
    assert await balances(shop) == {"ada's wallet": 260, "coin box": -260}
    assert await coin_box(shop) == {100: 2, 20: 3}
    (transfer,) = await shop.rows("transfers")
    assert (transfer["actor_id"], transfer["machine_id"]) == (cashier.user_id, 1)
    assert transfer["created_us"] == shop.clock.now_us
    await shop.assert_clean()


async def test_deposits_add_up(shop: Shop) -> None:
    ada = await shop.buyer(cents=100)
    posted = await post(shop, Deposit(OPERATOR, wallet(ada), {50: 1}))
    assert isinstance(posted.receipt, CoinsDeposited)
    assert posted.receipt.balance_cents == 150
    assert await balances(shop) == {"ada's wallet": 150, "coin box": -150}


async def test_a_buyer_declares_coins_only_where_the_shop_lets_them(self_service: Shop) -> None:
    ada = await self_service.buyer()
    posted = await post(self_service, Deposit(ada, wallet(ada), {5: 1}))
    assert posted.transfers == [("deposit", "coin box", "ada's wallet", 5)]


@pytest.mark.parametrize(
    ("coins", "refusal"),
    [
        ({7: 1}, CoinNotAccepted(7, (5, 10, 20, 50, 100))),
        ({50: 1, 200: 1}, CoinNotAccepted(200, (5, 10, 20, 50, 100))),
        ({}, InvalidField("coins", NoCoins())),
        ({50: 0}, InvalidField("coins", CoinCountTooSmall(50))),
        ({50: 2, 20: -1}, InvalidField("coins", CoinCountTooSmall(20))),
        ({50: 10_001}, InvalidField("coins", TooManyCoins(10_000))),
    ],
)
async def test_refuses_coins_that_are_none(shop: Shop, coins: dict[int, int], refusal: Any) -> None:
    ada = await shop.buyer(cents=100)
    await refuse(shop, Deposit(OPERATOR, wallet(ada), coins), refusal)


async def test_refuses_a_deposit_that_nobody_trusted_has_seen(shop: Shop) -> None:
    ada = await shop.buyer()
    await refuse(shop, Deposit(ada, wallet(ada), {50: 1}), CoinsNotAttested())


async def test_refuses_a_deposit_into_somebody_elses_wallet(self_service: Shop) -> None:
    ada, bob = await self_service.buyer("ada"), await self_service.buyer("bob")
    await refuse(
        self_service, Deposit(ada, wallet(bob), {50: 1}), RoleMissing((str(Role.CASHIER), str(Role.ADMIN)))
    )


async def test_refuses_a_deposit_by_a_seller_who_is_no_buyer(self_service: Shop) -> None:
    sam = await self_service.person("sam", Role.SELLER)
    await refuse(self_service, Deposit(sam, wallet(sam), {50: 1}), RoleMissing(("buyer",)))


async def test_refuses_a_deposit_for_nobody_or_somebody_who_is_closed(shop: Shop) -> None:
    ada = await shop.buyer()
    await shop.execute("UPDATE users SET state = 'closed', closed_us = 1 WHERE id = :id", id=ada.user_id)
    await refuse(shop, Deposit(OPERATOR, wallet_of(NOBODY), {50: 1}), UnknownUser(NOBODY))
    await refuse(shop, Deposit(OPERATOR, wallet(ada), {50: 1}), UnknownUser(ada.user_id))


async def test_refuses_a_deposit_at_no_machine(shop: Shop) -> None:
    ada = await shop.buyer()
    await refuse(shop, Deposit(OPERATOR, wallet(ada), {50: 1}, machine_id=NOBODY), UnknownMachine(NOBODY))


async def test_refuses_a_deposit_above_what_any_wallet_may_hold(shop: Shop) -> None:
    ada = await shop.buyer(cents=100)
    await shop.execute(
        "UPDATE accounts SET balance_cents = :most WHERE kind = 'wallet'", most=BALANCE_CENTS_MAX
    )
    await refuse(shop, Deposit(OPERATOR, wallet(ada), {5: 1}), BalanceTooLarge(BALANCE_CENTS_MAX))


# --- PayOut


async def test_pays_a_wallet_out_in_the_fewest_coins(shop: Shop) -> None:  # 185 = 100 + 50 + 20 + 10 + 5
    ada = await shop.buyer(cents=185)
    posted = await post(shop, PayOut(OPERATOR, wallet(ada)))
    assert posted.transfers == [("payout", "ada's wallet", "coin box", 185)]
    assert posted.coins == [(100, -1), (50, -1), (20, -1), (10, -1), (5, -1)]
    assert isinstance(posted.receipt, PaidOut)
    assert posted.receipt.coins == {100: 1, 50: 1, 20: 1, 10: 1, 5: 1}
    assert (posted.receipt.amount_cents, posted.receipt.balance_cents) == (185, 0)
    assert await balances(shop) == {"ada's wallet": 0, "coin box": 0}
    await shop.assert_clean()


async def test_leaves_cents_that_no_coin_can_pay_in_the_wallet(shop: Shop) -> None:  # 100 - 7 = 93 = 90 + 3
    ada = await shop.buyer(cents=100)
    sweet = await shop.product("sweet", price_cents=7)
    await shop.buy(ada, (sweet.product_id, 1))
    posted = await post(shop, PayOut(OPERATOR, wallet(ada)))
    assert posted.coins == [(50, -1), (20, -2)]
    assert isinstance(posted.receipt, PaidOut)
    assert (posted.receipt.amount_cents, posted.receipt.balance_cents) == (90, 3)
    assert await balances(shop) == {"ada's wallet": 3, "coin box": -10, "house": 7}
    await refuse(shop, PayOut(OPERATOR, wallet(ada)), NothingToPayOut(3))
    await shop.assert_clean()


async def test_an_unlimited_drawer_pays_coins_that_it_does_not_hold(shop: Shop) -> None:
    ada = await shop.buyer()
    await shop.do(Deposit(OPERATOR, wallet(ada), {5: 4}))
    await shop.do(PayOut(OPERATOR, wallet(ada)))
    assert await coin_box(shop) == {5: 4, 20: -1}
    await shop.assert_clean()


async def test_refuses_to_pay_out_nothing(shop: Shop) -> None:
    ada = await shop.buyer()
    await refuse(shop, PayOut(OPERATOR, wallet(ada)), NothingToPayOut(0))


async def test_refuses_a_pay_out_that_nobody_trusted_makes(shop: Shop) -> None:
    ada, bob = await shop.buyer("ada", cents=100), await shop.buyer("bob")
    await refuse(shop, PayOut(ada, wallet(ada)), CoinsNotAttested())
    await refuse(shop, PayOut(bob, wallet(ada)), RoleMissing(("cashier", "admin")))
    await refuse(shop, PayOut(OPERATOR, wallet(ada), machine_id=NOBODY), UnknownMachine(NOBODY))
    await refuse(shop, PayOut(OPERATOR, wallet_of(NOBODY)), UnknownUser(NOBODY))


async def test_a_counted_box_pays_with_the_coins_that_it_holds(shop: Shop) -> None:  # 60 = 20 + 20 + 20
    await count_coins(shop, {50: 1, 20: 2})
    ada = await shop.buyer()
    await shop.do(Deposit(OPERATOR, wallet(ada), {20: 3}))
    posted = await post(shop, PayOut(OPERATOR, wallet(ada)))
    assert posted.coins == [(20, -3)]
    assert await coin_box(shop) == {50: 1, 20: 2}
    await shop.assert_clean()


async def test_a_counted_box_without_the_coins_pays_nothing_at_all(shop: Shop) -> None:
    await count_coins(shop, {100: 5})
    ada = await shop.buyer()
    sweet = await shop.product("sweet", price_cents=50)
    await shop.do(Deposit(OPERATOR, wallet(ada), {100: 1}))
    await shop.buy(ada, (sweet.product_id, 1))
    await refuse(shop, PayOut(OPERATOR, wallet(ada)), ChangeUnpayable(50))


# --- PlaceOrder


async def test_an_order_of_several_lines_pays_each_seller_and_the_house_once(shop: Shop) -> None:
    sam, sue = await shop.person("sam", Role.SELLER), await shop.person("sue", Role.SELLER)
    ada = await shop.buyer(cents=1000)
    cola = await shop.product(
        "cola", price_cents=150, stock=5, seller=sam, tax_basis_points=1900, cost_cents=90
    )
    tea = await shop.product("tea", price_cents=100, stock=5, seller=sam, refundable=False)
    crisps = await shop.product("crisps", price_cents=80, stock=1, seller=sue)
    gum = await shop.product("gum", price_cents=13, stock=5)
    lines = ((crisps.product_id, 1), (cola.product_id, 2), (gum.product_id, 3), (tea.product_id, 1))
    posted = await post(shop, PlaceOrder(ada, wallet(ada), lines, client_ref="lunch"))
    assert posted.transfers == [
        ("sale", "ada's wallet", "sue's earnings", 80),
        ("sale", "ada's wallet", "sam's earnings", 400),  # 2 x 150 + 100
        ("sale", "ada's wallet", "house", 39),  # 3 x 13
    ]
    assert posted.stock == [
        ("sale", "crisps", -1),
        ("sale", "cola", -2),
        ("sale", "gum", -3),
        ("sale", "tea", -1),
    ]
    assert posted.coins == []
    receipt = posted.receipt
    assert isinstance(receipt, OrderPlaced)
    assert receipt == OrderPlaced(
        order_id=receipt.order_id,
        client_ref="lunch",
        status=OrderStatus.DISPENSED,
        payment=Payment.WALLET,
        machine_id=1,
        lines=(
            SoldLine(crisps.product_id, "crisps", 1, 80),
            SoldLine(cola.product_id, "cola", 2, 150),
            SoldLine(gum.product_id, "gum", 3, 13),
            SoldLine(tea.product_id, "tea", 1, 100),
        ),
        total_cents=519,
        balance_cents=481,
        change={},
        created_us=shop.clock.now_us,
    )
    assert await balances(shop) == {
        "ada's wallet": 481,
        "sam's earnings": 400,
        "sue's earnings": 80,
        "house": 39,
        "coin box": -1000,
    }
    sold = {row["name"]: row for row in await shop.rows("order_lines")}["cola"]
    assert (sold["tax_basis_points"], sold["cost_cents"], sold["seller_id"]) == (1900, 90, sam.user_id)
    assert [await shelf(shop, name) for name in ("cola", "tea", "crisps", "gum")] == [3, 4, 0, 2]
    await shop.assert_clean()


async def test_the_exact_money_buys_the_last_can(shop: Shop) -> None:
    ada = await shop.buyer(cents=150)
    cola = await shop.product(stock=1)
    order = await shop.buy(ada, (cola.product_id, 1))
    assert order.balance_cents == 0
    assert await shelf(shop, "cola") == 0
    await refuse(shop, PlaceOrder(ada, wallet(ada), ((cola.product_id, 1),)), OutOfStock(cola.product_id, 0))


async def test_change_comes_back_in_coins_but_for_three_cents(shop: Shop) -> None:
    # 200 in, 127 out: 73 left, of which coins pay 50 + 20.
    ada = await shop.buyer(cents=200)
    cola = await shop.product(price_cents=127)
    command = PlaceOrder(OPERATOR, wallet(ada), ((cola.product_id, 1),), Change.RETURN)
    posted = await post(shop, command)
    assert posted.transfers == [
        ("sale", "ada's wallet", "house", 127),
        ("payout", "ada's wallet", "coin box", 70),
    ]
    assert posted.coins == [(50, -1), (20, -1)]
    assert isinstance(posted.receipt, OrderPlaced)
    assert (posted.receipt.change, posted.receipt.balance_cents) == ({50: 1, 20: 1}, 3)
    assert await balances(shop) == {"ada's wallet": 3, "house": 127, "coin box": -130}
    payout = (await shop.rows("transfers"))[-1]
    assert payout["order_id"] == posted.receipt.order_id
    await shop.assert_clean()


async def test_no_change_is_paid_where_nothing_or_less_than_a_coin_is_left(shop: Shop) -> None:
    ada = await shop.buyer(cents=200)
    cola, tea = await shop.product(price_cents=97), await shop.product("tea", price_cents=100)
    order = PlaceOrder(OPERATOR, wallet(ada), ((cola.product_id, 1), (tea.product_id, 1)), Change.RETURN)
    posted = await post(shop, order)  # 3 are left
    assert posted.transfers == [("sale", "ada's wallet", "house", 197)]
    assert posted.coins == []
    await shop.assert_clean()


async def test_a_buyer_takes_change_only_where_the_shop_lets_them(shop: Shop) -> None:
    ada = await shop.buyer(cents=200)
    cola = await shop.product()
    await refuse(
        shop, PlaceOrder(ada, wallet(ada), ((cola.product_id, 1),), Change.RETURN), CoinsNotAttested()
    )
    async with open_shop(shop.url, coins=CoinsPolicy.SELF) as self_service:
        posted = await post(
            self_service, PlaceOrder(ada, wallet(ada), ((cola.product_id, 1),), Change.RETURN)
        )
    assert posted.coins == [(50, -1)]


async def test_a_counted_box_refuses_the_sale_whose_change_it_cannot_pay(shop: Shop) -> None:
    await count_coins(shop, {100: 1, 20: 1})
    ada = await shop.buyer(cents=200)  # two more of 100
    cola = await shop.product(price_cents=150)
    order = PlaceOrder(OPERATOR, wallet(ada), ((cola.product_id, 1),), Change.RETURN)
    await refuse(shop, order, ChangeUnpayable(50))
    kept = await post(shop, replace(order, change=Change.KEEP))
    assert kept.transfers == [("sale", "ada's wallet", "house", 150)]
    await shop.do(Deposit(OPERATOR, wallet(ada), {50: 1}))  # 100 left, and the machine has 50s now
    tea = await shop.product("tea", price_cents=50)
    paid = await post(shop, replace(order, lines=((tea.product_id, 1),)))
    assert paid.coins == [(50, -1)]
    assert await coin_box(shop) == {100: 3, 20: 1}
    await shop.assert_clean()


async def test_a_shelf_with_a_price_of_its_own_sells_at_that(shop: Shop) -> None:
    ada = await shop.buyer(cents=200)
    cola = await shop.product(price_cents=150)
    await shop.execute("UPDATE shelves SET price_cents = 120")
    order = await shop.buy(ada, (cola.product_id, 1))
    assert (order.total_cents, order.lines[0].price_cents) == (120, 120)
    await shop.assert_clean()


async def test_a_cashier_sells_from_anybodys_wallet(shop: Shop) -> None:
    ada, cashier = await shop.buyer(cents=150), await shop.person("cashier", Role.CASHIER)
    cola = await shop.product()
    posted = await post(shop, PlaceOrder(cashier, wallet(ada), ((cola.product_id, 1),)))
    assert posted.transfers == [("sale", "ada's wallet", "house", 150)]
    (order,) = await shop.rows("orders")
    assert order["buyer_id"] == ada.user_id


async def test_refuses_orders_that_make_no_sense(shop: Shop) -> None:
    ada = await shop.buyer(cents=1000)
    cola, tea = await shop.product(stock=5), await shop.product("tea", stock=5)
    await refuse(shop, PlaceOrder(ada, wallet(ada), ()), InvalidField("lines", WrongLineCount(100)))
    for quantity in (0, -1):
        lines = ((tea.product_id, 3), (cola.product_id, quantity))
        await refuse(shop, PlaceOrder(ada, wallet(ada), lines), InvalidField("quantity", TooSmall(1)))
    await refuse(
        shop,
        PlaceOrder(ada, wallet(ada), ((cola.product_id, 3), (cola.product_id, 3))),
        InvalidField("lines", ProductTwice()),
    )


async def test_refuses_all_lines_if_one_is_refused(shop: Shop) -> None:
    ada = await shop.buyer(cents=1000)
    cola, tea = await shop.product(stock=5), await shop.product("tea", stock=1)
    for line, refusal in (
        ((tea.product_id, 2), OutOfStock(tea.product_id, 1)),
        ((NOBODY, 1), UnknownProduct(NOBODY)),
    ):
        await refuse(shop, PlaceOrder(ada, wallet(ada), ((cola.product_id, 1), line)), refusal)
    dear = ((cola.product_id, 5), (tea.product_id, 1))
    bob = await shop.buyer("bob", cents=895)
    await refuse(shop, PlaceOrder(bob, wallet(bob), dear), InsufficientFunds(900, 895))
    await refuse(shop, PlaceOrder(ada, wallet(ada), dear, machine_id=NOBODY), UnknownMachine(NOBODY))


async def test_refuses_to_sell_what_is_off_sale_or_on_another_machine(shop: Shop) -> None:
    ada = await shop.buyer(cents=1000)
    cola = await shop.product()
    await shop.execute(
        "INSERT INTO machines (name, name_key, timezone, box_kind, created_us)"
        " VALUES ('attic', 'attic', 'UTC', 'unlimited', 1)"
    )
    attic = next(row["id"] for row in await shop.rows("machines") if row["name"] == "attic")
    order = PlaceOrder(ada, wallet(ada), ((cola.product_id, 1),))
    await refuse(shop, replace(order, machine_id=attic), OutOfStock(cola.product_id, 0))
    await shop.do(RemoveProduct(OPERATOR, cola.product_id))
    await refuse(shop, order, UnknownProduct(cola.product_id))


async def test_refuses_an_order_from_somebody_elses_wallet(shop: Shop) -> None:
    ada, bob = await shop.buyer("ada", cents=500), await shop.buyer("bob", cents=500)
    sam = await shop.person("sam", Role.SELLER)
    cola = await shop.product()
    line = ((cola.product_id, 1),)
    await refuse(shop, PlaceOrder(bob, wallet(ada), line), RoleMissing(("cashier", "admin")))
    await refuse(shop, PlaceOrder(sam, wallet(sam), line), RoleMissing(("buyer",)))
    await refuse(shop, PlaceOrder(OPERATOR, wallet_of(NOBODY), line), UnknownUser(NOBODY))


async def test_a_reference_stands_for_one_order_of_its_buyer_for_ever(shop: Shop) -> None:
    ada, bob = await shop.buyer("ada", cents=500), await shop.buyer("bob", cents=500)
    cola = await shop.product()
    order = await shop.buy(ada, (cola.product_id, 1), client_ref="lunch")
    again = PlaceOrder(ada, wallet(ada), ((cola.product_id, 1),), client_ref="lunch")
    await refuse(shop, again, ClientRefTaken("lunch", order.order_id))
    assert (await shop.buy(bob, (cola.product_id, 1), client_ref="lunch")).client_ref == "lunch"


async def test_a_reference_stands_for_one_order_in_one_batch_too(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=900)
    line = (((await shop.product()).product_id, 1),)
    lunch = PlaceOrder(ada, wallet(ada), line, client_ref="lunch")
    nameless = PlaceOrder(ada, wallet(ada), line)
    batches = shop.till.tally.batches
    batch = [Envelope(one) for one in (lunch, lunch, nameless, nameless)]
    outcomes = await asyncio.gather(*map(shop.till.execute, batch))
    assert shop.till.tally.batches == batches + 1  # Nor did the database have to say so.
    first, second, *others = [one.answer for one in outcomes]
    assert isinstance(first, OrderPlaced)
    assert second == ClientRefTaken("lunch", first.order_id)
    assert all(isinstance(one, OrderPlaced) for one in others)


# --- Refund


async def a_sale(shop: Shop) -> tuple[SessionCaller, SessionCaller, SessionCaller, OrderPlaced]:
    """Ada buys 2 cola of Sam's at 150 and 1 crisps of Sue's at 80 for 380, and has 120 left."""
    sam, sue = await shop.person("sam", Role.SELLER), await shop.person("sue", Role.SELLER)
    ada = await shop.buyer(cents=500)
    cola = await shop.product("cola", price_cents=150, stock=2, seller=sam)
    crisps = await shop.product("crisps", price_cents=80, stock=5, seller=sue)
    return ada, sam, sue, await shop.buy(ada, (cola.product_id, 2), (crisps.product_id, 1))


async def test_a_whole_refund_undoes_the_sale(shop: Shop) -> None:
    ada, _, _, order = await a_sale(shop)
    cola, crisps = (line.product_id for line in order.lines)
    shop.clock.forward(300)  # The last moment.
    posted = await post(shop, Refund(ada, order.order_id, reason="warm"))
    assert posted.transfers == [
        ("refund", "sam's earnings", "ada's wallet", 300),
        ("refund", "sue's earnings", "ada's wallet", 80),
    ]
    assert posted.stock == [("refund", "cola", 2), ("refund", "crisps", 1)]
    receipt = posted.receipt
    assert isinstance(receipt, Refunded)
    assert (receipt.status, receipt.amount_cents, receipt.balance_cents) == ("refunded", 380, 500)
    assert receipt.quantities == {cola: 2, crisps: 1}
    assert await balances(shop) == {
        "ada's wallet": 500,
        "sam's earnings": 0,
        "sue's earnings": 0,
        "coin box": -500,
    }
    (refund,) = await shop.rows("refunds")
    assert (refund["amount_cents"], refund["actor_id"], refund["reason"]) == (380, ada.user_id, "warm")
    await refuse(shop, Refund(ada, order.order_id), RefundExceedsSale(cola, 0))
    await shop.assert_clean()


async def test_a_refund_by_line_leaves_the_rest_to_be_refunded(shop: Shop) -> None:
    ada, _, _, order = await a_sale(shop)
    cola, crisps = (line.product_id for line in order.lines)
    posted = await post(shop, Refund(ada, order.order_id, {cola: 1}))
    assert posted.transfers == [("refund", "sam's earnings", "ada's wallet", 150)]
    assert posted.stock == [("refund", "cola", 1)]
    assert isinstance(posted.receipt, Refunded)
    assert (posted.receipt.status, posted.receipt.balance_cents) == ("partly_refunded", 270)
    await refuse(shop, Refund(ada, order.order_id, {cola: 2}), RefundExceedsSale(cola, 1))
    await refuse(shop, Refund(ada, order.order_id, {crisps: 1, NOBODY: 1}), RefundExceedsSale(NOBODY, 0))
    rest = await post(shop, Refund(ada, order.order_id))
    assert rest.stock == [("refund", "cola", 1), ("refund", "crisps", 1)]
    assert (await shop.rows("orders"))[0]["status"] == "refunded"
    await shop.assert_clean()


@pytest.mark.parametrize("quantities", [{}, {1: 0}, {1: 1, 2: -1}])
async def test_refuses_a_refund_of_no_pieces(shop: Shop, quantities: dict[int, int]) -> None:
    _, _, _, order = await a_sale(shop)
    ids = [line.product_id for line in order.lines]
    chosen = {ids[place - 1]: quantity for place, quantity in quantities.items()}
    before = await shop.books()
    with pytest.raises(InvalidField):
        await shop.do(Refund(OPERATOR, order.order_id, chosen))
    assert await shop.books() == before


async def test_a_seller_gives_back_the_own_lines_at_any_time_and_sees_no_balance(shop: Shop) -> None:
    _, sam, sue, order = await a_sale(shop)
    cola, crisps = (line.product_id for line in order.lines)
    shop.clock.forward(30 * DAY_SECONDS)
    posted = await post(shop, Refund(sam, order.order_id, {cola: 2}))
    assert posted.transfers == [("refund", "sam's earnings", "ada's wallet", 300)]
    assert isinstance(posted.receipt, Refunded)
    assert posted.receipt.balance_cents is None
    await refuse(shop, Refund(sam, order.order_id, {crisps: 1}), UnknownOrder(order.order_id))
    await refuse(shop, Refund(sue, order.order_id, {crisps: 1, cola: 1}), UnknownOrder(order.order_id))
    await shop.assert_clean()


async def test_a_cashier_refunds_what_a_buyer_may_not(shop: Shop) -> None:
    ada, cashier = await shop.buyer(cents=100), await shop.person("cashier", Role.CASHIER)
    gum = await shop.product("gum", price_cents=30, refundable=False)
    order = await shop.buy(ada, (gum.product_id, 1))
    await refuse(shop, Refund(ada, order.order_id), NotRefundable(gum.product_id))
    shop.clock.forward(DAY_SECONDS)
    posted = await post(shop, Refund(cashier, order.order_id))
    assert posted.transfers == [("refund", "house", "ada's wallet", 30)]
    assert isinstance(posted.receipt, Refunded)
    assert posted.receipt.balance_cents == 100


async def test_refuses_a_buyers_refund_after_the_window(shop: Shop) -> None:
    ada, _, _, order = await a_sale(shop)
    shop.clock.forward(300.000001)
    await refuse(shop, Refund(ada, order.order_id), RefundWindowOver(300))


async def test_refuses_to_tell_others_of_an_order(shop: Shop) -> None:
    _, _, _, order = await a_sale(shop)
    bob, tom = await shop.buyer("bob", cents=500), await shop.person("tom", Role.SELLER)
    for caller in (bob, tom):
        await refuse(shop, Refund(caller, order.order_id), UnknownOrder(order.order_id))
    await refuse(shop, Refund(OPERATOR, NOBODY), UnknownOrder(NOBODY))


async def test_a_buyer_is_made_whole_though_the_seller_owes_it(shop: Shop) -> None:
    ada, sam, _, order = await a_sale(shop)
    cola = order.lines[0].product_id
    await shop.do(ChangeProduct(sam, cola, price_cents=1, stock=5, name="flat cola", refundable=False))
    posted = await post(shop, Refund(ada, order.order_id, {cola: 2}))  # as sold: at 150, refundable
    assert posted.transfers == [("refund", "sam's earnings", "ada's wallet", 300)]
    assert await shelf(shop, "flat cola") == 7


async def test_what_comes_back_after_removal_is_written_off(shop: Shop) -> None:
    ada, sam, _, order = await a_sale(shop)
    cola = order.lines[0].product_id
    await shop.do(RemoveProduct(sam, cola))
    posted = await post(shop, Refund(ada, order.order_id, {cola: 1}))
    assert posted.transfers == [("refund", "sam's earnings", "ada's wallet", 150)]
    assert posted.stock == [("refund", "cola", 1), ("write_off", "cola", -1)]
    assert await shelf(shop, "cola") == 0
    await shop.assert_clean()


async def test_what_was_sold_comes_back_onto_a_full_shelf(shop: Shop) -> None:
    ada, sam, _, order = await a_sale(shop)
    cola = order.lines[0].product_id
    await shop.execute("UPDATE shelves SET capacity = 2")
    await shop.do(Restock(sam, cola, 2))
    await shop.do(Refund(ada, order.order_id, {cola: 2}))
    assert await shelf(shop, "cola") == 4
    await shop.assert_clean()


async def test_refuses_a_refund_above_what_any_wallet_may_hold(shop: Shop) -> None:
    ada, _, _, order = await a_sale(shop)
    await shop.execute(
        "UPDATE accounts SET balance_cents = :most WHERE kind = 'wallet'", most=BALANCE_CENTS_MAX
    )
    await refuse(shop, Refund(ada, order.order_id), BalanceTooLarge(BALANCE_CENTS_MAX))


# --- AddProduct, ChangeProduct, Restock, RemoveProduct


async def test_a_new_product_comes_with_its_first_stock(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    posted = await post(shop, AddProduct(sam, "cola", 150, 3, tax_basis_points=1900, cost_cents=90))
    assert posted.transfers == []
    assert posted.stock == [("initial", "cola", 3)]
    receipt = posted.receipt
    assert isinstance(receipt, ProductRecord)
    assert receipt == ProductRecord(
        receipt.product_id, "cola", 150, 3, sam.user_id, "sam", True, 1900, 90, None, 1, None, None
    )
    await shop.assert_clean()


async def test_a_new_product_without_stock_has_an_empty_shelf(shop: Shop) -> None:
    posted = await post(shop, AddProduct(OPERATOR, "cola", 150, 0, for_house=True))
    assert posted.stock == []
    assert await shelf(shop, "cola") == 0
    assert isinstance(posted.receipt, ProductRecord)
    assert (posted.receipt.seller_id, posted.receipt.seller) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"name": ""}, InvalidField("name", WrongLength(1, 100))),
        ({"name": "x" * 101}, InvalidField("name", WrongLength(1, 100))),
        ({"name": " cola"}, InvalidField("name", SpaceAtEnds())),
        ({"name": "co\0la"}, InvalidField("name", ForbiddenCharacters())),
        ({"name": "co/la"}, InvalidField("name", ForbiddenCharacters())),
        ({"name": "co\ud800la"}, InvalidField("name", ForbiddenCharacters())),
        ({"price_cents": 0}, InvalidField("price", AmountOutOfRange(1, PRICE_CENTS_MAX))),
        ({"price_cents": -5}, InvalidField("price", AmountOutOfRange(1, PRICE_CENTS_MAX))),
        ({"price_cents": PRICE_CENTS_MAX + 1}, InvalidField("price", AmountOutOfRange(1, PRICE_CENTS_MAX))),
        ({"cost_cents": -1}, InvalidField("cost", AmountOutOfRange(1, PRICE_CENTS_MAX))),
        ({"stock": -1}, InvalidField("stock", OutOfRange(0, 1_000_000))),
        ({"stock": 1_000_001}, InvalidField("stock", OutOfRange(0, 1_000_000))),
        ({"tax_basis_points": 10_001}, InvalidField("tax", TaxOutOfRange(10_000))),
        ({"tax_basis_points": -1}, InvalidField("tax", TaxOutOfRange(10_000))),
        ({"name": "COLA"}, NameTaken("COLA")),
        ({"machine_id": NOBODY}, UnknownMachine(NOBODY)),
    ],
)
async def test_refuses_products_that_cannot_be(shop: Shop, wrong: dict[str, Any], refusal: Any) -> None:
    sam = await shop.person("sam", Role.SELLER)
    await shop.product("cola", seller=sam)
    tea = await shop.product("tea", seller=sam)
    await refuse(shop, replace(AddProduct(sam, "mate", 150, 3), **wrong), refusal)
    if "name" in wrong or "machine_id" in wrong or "stock" in wrong or "price_cents" in wrong:
        await refuse(shop, ChangeProduct(sam, tea.product_id, **wrong), refusal)


async def test_refuses_products_of_people_who_sell_nothing(shop: Shop) -> None:
    ada, sam = await shop.buyer(), await shop.person("sam", Role.SELLER)
    await refuse(shop, AddProduct(ada, "cola", 150, 3), RoleMissing(("seller",)))
    await refuse(shop, AddProduct(OPERATOR, "cola", 150, 3), RoleMissing(("seller",)))
    await refuse(shop, AddProduct(sam, "cola", 150, 3, for_house=True), RoleMissing(("admin",)))


async def test_a_change_of_attributes_makes_a_new_version_and_moves_nothing(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    cola = await shop.product(seller=sam, stock=3)
    posted = await post(
        shop,
        ChangeProduct(
            sam,
            cola.product_id,
            version=1,
            name="Cola Zero",
            price_cents=3,
            refundable=False,
            tax_basis_points=700,
            cost_cents=1,
        ),
    )
    assert (posted.transfers, posted.stock, posted.coins) == ([], [], [])
    assert posted.receipt == ProductRecord(
        cola.product_id, "Cola Zero", 3, 3, sam.user_id, "sam", False, 700, 1, None, 2, None, None
    )
    await refuse(shop, ChangeProduct(sam, cola.product_id, version=1, price_cents=5), VersionChanged(2))
    await refuse(shop, RemoveProduct(sam, cola.product_id, version=1), VersionChanged(2))
    taken = await shop.product("cola")  # The name is free again, and only the old one.
    assert taken.name == "cola"
    await refuse(shop, ChangeProduct(sam, cola.product_id, name="COLA"), NameTaken("COLA"))


async def test_a_change_of_nothing_keeps_the_version(shop: Shop) -> None:
    cola = await shop.product()
    before = await shop.books()
    receipt = await shop.do(ChangeProduct(OPERATOR, cola.product_id, name="cola", price_cents=150, stock=10))
    assert receipt == cola
    assert await shop.books() == before


async def test_a_product_may_change_how_its_own_name_is_written(shop: Shop) -> None:
    cola = await shop.product("cola")
    receipt = await shop.do(ChangeProduct(OPERATOR, cola.product_id, name="COLA"))
    assert isinstance(receipt, ProductRecord)
    assert (receipt.name, receipt.version) == ("COLA", 2)


async def test_a_count_corrects_the_stock_and_keeps_the_version(shop: Shop) -> None:  # 10 -> 7 -> 9
    cola = await shop.product(stock=10)
    down = await post(shop, ChangeProduct(OPERATOR, cola.product_id, stock=7, reason="counted"))
    assert down.stock == [("correction", "cola", -3)]
    up = await post(shop, ChangeProduct(OPERATOR, cola.product_id, stock=9))
    assert up.stock == [("correction", "cola", 2)]
    assert isinstance(up.receipt, ProductRecord)
    assert (up.receipt.stock, up.receipt.version) == (9, 1)
    movements = await shop.rows("stock_movements")
    assert [row["reason"] for row in movements] == [None, "counted", None]
    await shop.assert_clean()


async def test_a_restock_adds_pieces_on_any_machine(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    cola = await shop.product(seller=sam, stock=3)
    posted = await post(shop, Restock(sam, cola.product_id, 4, "delivery"))
    assert posted.stock == [("restock", "cola", 4)]
    assert posted.receipt == replace(cola, stock=7)
    attic = await shop.machine("attic", box_kind="unlimited")
    posted = await post(shop, Restock(sam, cola.product_id, 2, machine_id=attic))
    assert posted.receipt == replace(cola, stock=2)
    assert await shelf(shop, "cola") == 7
    removed = await post(shop, RemoveProduct(sam, cola.product_id))
    assert sorted(removed.stock) == [("correction", "cola", -7), ("correction", "cola", -2)]
    await shop.assert_clean()


async def test_refuses_more_than_a_shelf_holds(shop: Shop) -> None:
    cola = await shop.product(stock=3)
    for quantity in (0, -1, 1_000_001):
        await refuse(
            shop,
            Restock(OPERATOR, cola.product_id, quantity),
            InvalidField("quantity", OutOfRange(1, 1_000_000)),
        )
    await refuse(
        shop, Restock(OPERATOR, cola.product_id, 1_000_000), StockTooLarge(cola.product_id, 1_000_000)
    )
    await shop.execute("UPDATE shelves SET capacity = 5")
    await refuse(shop, Restock(OPERATOR, cola.product_id, 3), StockTooLarge(cola.product_id, 5))
    await refuse(shop, ChangeProduct(OPERATOR, cola.product_id, stock=6), StockTooLarge(cola.product_id, 5))
    await shop.do(Restock(OPERATOR, cola.product_id, 2))


async def test_a_removed_product_leaves_an_empty_shelf_and_a_free_name(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    cola = await shop.product(seller=sam, stock=3)
    posted = await post(shop, RemoveProduct(sam, cola.product_id, version=1))
    assert posted.stock == [("correction", "cola", -3)]
    assert posted.receipt == ProductRemoved(cola.product_id)
    (row,) = await shop.rows("products")
    assert (row["removed_us"], row["name"], row["name_key"]) == (shop.clock.now_us, "cola", "cola")
    unknown = UnknownProduct(cola.product_id)
    await refuse(shop, RemoveProduct(sam, cola.product_id), unknown)
    await refuse(shop, ChangeProduct(sam, cola.product_id, price_cents=1), unknown)
    await refuse(shop, Restock(sam, cola.product_id, 1), unknown)
    assert (await shop.product("cola")).name == "cola"
    await shop.assert_clean()


async def test_refuses_to_touch_the_products_of_others(shop: Shop) -> None:
    sam, sue, ada = (
        await shop.person("sam", Role.SELLER),
        await shop.person("sue", Role.SELLER),
        await shop.buyer(),
    )
    cashier = await shop.person("cashier", Role.CASHIER)
    cola, gum = await shop.product(seller=sam), await shop.product("gum")
    for caller in (sue, ada, cashier):
        for product in (cola.product_id, gum.product_id):
            for command in (
                ChangeProduct(caller, product, price_cents=1),
                Restock(caller, product, 1),
                RemoveProduct(caller, product),
            ):
                await refuse(shop, command, NotOwner("product"))
    admin = await shop.person("admin", Role.ADMIN)
    assert isinstance(await shop.do(Restock(admin, cola.product_id, 1)), ProductRecord)


async def test_refuses_what_is_nowhere(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    cola = await shop.product(seller=sam)
    for command in (Restock(sam, NOBODY, 1), ChangeProduct(sam, NOBODY), RemoveProduct(sam, NOBODY)):
        await refuse(shop, command, UnknownProduct(NOBODY))
    for command in (
        Restock(sam, cola.product_id, 1, machine_id=NOBODY),
        ChangeProduct(sam, cola.product_id, machine_id=NOBODY),
    ):
        await refuse(shop, command, UnknownMachine(NOBODY))


# --- Sessions


async def test_no_command_of_a_session_that_is_over_does_anything(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=500)
    sam = await shop.person("sam", Role.SELLER, Role.BUYER, Role.CASHIER, Role.ADMIN)
    cola = await shop.product(seller=sam)
    order = await shop.buy(ada, (cola.product_id, 1))
    session, user = sam.session_id, sam.user_id
    commands: list[Command] = [
        Deposit(sam, wallet(ada), {50: 1}),
        PayOut(sam, wallet(ada)),
        PlaceOrder(sam, wallet(ada), ((cola.product_id, 1),)),
        Refund(sam, order.order_id),
        AddProduct(sam, "tea", 100, 1),
        ChangeProduct(sam, cola.product_id, price_cents=1),
        Restock(sam, cola.product_id, 1),
        RemoveProduct(sam, cola.product_id),
    ]

    async def all_end() -> None:
        for command in commands:
            await refuse(shop, command, SessionEnded())
            await refuse(shop, command, SessionEnded(), key="its key stays free")

    for state in ("pending", "disabled", "closed"):
        await shop.execute(
            "UPDATE users SET state = :state, closed_us = :closed WHERE id = :id",
            state=state,
            closed=1 if state == "closed" else None,
            id=user,
        )
        await all_end()
    await shop.execute("UPDATE users SET state = 'active', closed_us = NULL WHERE id = :id", id=user)
    await shop.execute("UPDATE sessions SET ended_us = 1 WHERE id = :id", id=session)
    await all_end()
    await shop.execute("UPDATE sessions SET ended_us = NULL WHERE id = :id", id=session)
    commands = [replace(command, caller=SessionCaller(session, ada.user_id)) for command in commands]
    await all_end()  # Sam's session with Ada's name
    commands = [replace(command, caller=SessionCaller(NOBODY, user)) for command in commands]
    await all_end()
    commands = [replace(command, caller=sam) for command in commands]
    shop.clock.forward(365 * DAY_SECONDS)
    await all_end()


async def test_a_session_is_good_until_the_moment_it_expires(shop: Shop) -> None:
    ada = await shop.buyer(cents=300)
    cola = await shop.product()
    shop.clock.forward(365 * DAY_SECONDS - 0.000001)
    await shop.buy(ada, (cola.product_id, 1))
    shop.clock.forward(0.000002)
    await refuse(shop, PlaceOrder(ada, wallet(ada), ((cola.product_id, 1),)), SessionEnded())
