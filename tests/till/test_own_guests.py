"""A guest who was recognised asks for themselves: their own wallet, and nothing else in the shop."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.shop import Shop, open_shop
from tests.till.reading import refuse
from tuckshop.domain.coins import Coins
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.orders import Change
from tuckshop.domain.refusals import (
    CoinsCapReached,
    CoinsNotAttested,
    KeyReused,
    RefundWindowOver,
    Refusal,
    RoleMissing,
    UnknownOrder,
)
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.callers import GuestCaller
from tuckshop.till.commands.base import Command
from tuckshop.till.commands.machines import CollectCoins, CountCoins, FillCoins, MoveStock, SetShelves
from tuckshop.till.commands.orders import CancelOrder, Dispense, OrderPlaced, PlaceOrder, ReduceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, RemoveProduct, Restock
from tuckshop.till.commands.refunds import Refund, Refunded, RefundNewest
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import CloseWallet, PaySeller, SendMoney, TopUp
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut

COINS: Coins = {100: 1}


@pytest.fixture
async def trusting(database_url: str) -> AsyncIterator[Shop]:
    """A shop that takes its guests' word for coins."""
    async with open_shop(database_url, coins=CoinsPolicy.SELF) as opened:
        yield opened


async def known(shop: Shop, name: str = "door") -> tuple[GuestCaller, AccountRef]:
    ref = await shop.guest(name)
    assert ref.guest_id is not None
    return GuestCaller(ref.guest_id), ref


async def test_puts_coins_in_buys_and_gets_them_back(trusting: Shop) -> None:
    cola = await trusting.product("cola", price_cents=65)
    guest, wallet = await known(trusting)
    paid = await trusting.do(Deposit(guest, wallet, {100: 2}))
    assert isinstance(paid, CoinsDeposited)
    order = await trusting.do(PlaceOrder(guest, wallet, ((cola.product_id, 1),), Change.RETURN))
    assert isinstance(order, OrderPlaced)
    assert (order.balance_cents, order.change) == (0, {100: 1, 20: 1, 10: 1, 5: 1})
    back = await trusting.do(Refund(guest, order.order_id))
    assert isinstance(back, Refunded)
    out = await trusting.do(PayOut(guest, wallet))
    assert isinstance(out, PaidOut)
    assert out.amount_cents == 65
    await trusting.assert_clean()


async def test_has_only_its_own_wallet_and_orders(trusting: Shop) -> None:
    cola = await trusting.product("cola", price_cents=50)
    (ada, ada_wallet), (eve, _) = await known(trusting, "ada"), await known(trusting, "eve")
    buyer = await trusting.buyer("bob", cents=500)
    bob_wallet = wallet_of(buyer.user_id)
    await trusting.do(Deposit(ada, ada_wallet, {100: 3}))
    order = await trusting.do(PlaceOrder(ada, ada_wallet, ((cola.product_id, 1),)))
    bought = await trusting.buy(buyer, (cola.product_id, 1))
    assert isinstance(order, OrderPlaced)
    staff = RoleMissing(roles=("cashier", "admin"))
    for wallet in (ada_wallet, bob_wallet):
        for command in (
            Deposit(eve, wallet, COINS),
            PayOut(eve, wallet),
            PlaceOrder(eve, wallet, ((cola.product_id, 1),)),
        ):
            await refuse(trusting, command, staff)
    for order_id in (order.order_id, bought.order_id):
        for way_back in (Refund(eve, order_id), CancelOrder(eve, order_id), Dispense(eve, order_id)):
            await refuse(trusting, way_back, UnknownOrder(order=order_id))


async def test_may_do_nothing_else(trusting: Shop) -> None:
    cola = await trusting.product("cola")
    seller = await trusting.person("sam", Role.SELLER)
    guest, wallet = await known(trusting)
    await trusting.do(Deposit(guest, wallet, COINS))
    bob = await trusting.buyer("bob")
    assert bob.user_id is not None
    assert seller.user_id is not None
    before = await trusting.books()
    commands: tuple[Command, ...] = (
        SendMoney(guest, wallet, wallet_of(bob.user_id), 50),
        TopUp(guest, wallet, 500, "bank 1"),
        PaySeller(guest, seller.user_id, "bank 2"),
        CloseWallet(guest, wallet),
        FillCoins(guest, 1, COINS),
        CollectCoins(guest, 1, COINS),
        CountCoins(guest, 1, dict.fromkeys((5, 10, 20, 50, 100), 0)),
        MoveStock(guest, 1, 1, cola.product_id, 1),
        SetShelves(guest, 1, (ShelfPlan(cola.product_id, "A1"),)),
        ReduceOrder(guest, 1, {cola.product_id: 1}),
        RefundNewest(guest, wallet, cola.product_id),
        SettleTab(guest, bob.user_id, COINS),
        AddProduct(guest, "mine", 100, 5),
        AddProduct(guest, "ours", 100, 5, for_house=True),
        ChangeProduct(guest, cola.product_id, price_cents=1),
        Restock(guest, cola.product_id, 5),
        RemoveProduct(guest, cola.product_id),
    )
    for command in commands:
        with pytest.raises(Refusal):
            await trusting.do(command)
    assert await trusting.books() == before


async def test_is_not_believed_where_coins_need_a_witness(shop: Shop) -> None:
    guest, wallet = await known(shop)
    await refuse(shop, Deposit(guest, wallet, COINS), CoinsNotAttested())
    await refuse(shop, PayOut(guest, wallet), CoinsNotAttested())


async def test_is_believed_up_to_the_cap(trusting: Shop) -> None:
    guest, wallet = await known(trusting)
    await trusting.do(Deposit(guest, wallet, {100: 200}))
    await refuse(trusting, Deposit(guest, wallet, {5: 1}), CoinsCapReached(cap_cents=20_000, left_cents=0))


async def test_gives_back_within_the_window_alone(trusting: Shop) -> None:
    cola = await trusting.product("cola", price_cents=50)
    guest, wallet = await known(trusting)
    await trusting.do(Deposit(guest, wallet, COINS))
    order = await trusting.do(PlaceOrder(guest, wallet, ((cola.product_id, 1),)))
    assert isinstance(order, OrderPlaced)
    trusting.clock.forward(301)
    await refuse(trusting, Refund(guest, order.order_id), RefundWindowOver(window_seconds=300))


async def test_keys_of_two_guests_are_two(trusting: Shop) -> None:
    (ada, ada_wallet), (eve, eve_wallet) = await known(trusting, "ada"), await known(trusting, "eve")
    await trusting.do(Deposit(ada, ada_wallet, COINS), key="k")
    await trusting.do(Deposit(eve, eve_wallet, COINS), key="k")
    await trusting.do(Deposit(ada, ada_wallet, COINS), key="k")
    with pytest.raises(KeyReused):
        await trusting.do(Deposit(ada, ada_wallet, {5: 1}), key="k")
    assert len(await trusting.rows("transfers")) == 2


async def test_names_the_order_that_is_to_come_back(trusting: Shop) -> None:
    """Whoever only names the product is a machine or a cashier, who has the piece in hand."""
    cola = (await trusting.product("cola", price_cents=65)).product_id
    guest, wallet = await known(trusting)
    await trusting.do(Deposit(guest, wallet, COINS))
    await trusting.do(PlaceOrder(guest, wallet, ((cola, 1),)))
    staff = RoleMissing(roles=("cashier", "admin"))
    await refuse(trusting, RefundNewest(guest, wallet, cola), staff)
