"""Guests at machines: known by a name, served by a machine's key, with refunds of their own."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from tests.shop import Shop, open_shop
from tests.till.reading import refuse
from tuckshop.domain.ledger import AccountKind, AccountRef, wallet_of
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.orders import Change, Fulfil
from tuckshop.domain.refusals import (
    ChangeUnpayable,
    ClientRefTaken,
    NotOwner,
    NotRefundable,
    RefundExceedsSale,
    RefundsExhausted,
    RefundWindowOver,
    RoleMissing,
    SessionEnded,
    UnknownGuest,
    UnknownOrder,
    UnknownPurchase,
    WalletTouched,
)
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPEN_KIOSK, OPERATOR, MachineCaller
from tuckshop.till.commands.base import Command, Envelope
from tuckshop.till.commands.machines import CollectCoins
from tuckshop.till.commands.orders import CancelOrder, OrderPlaced, PlaceOrder
from tuckshop.till.commands.products import Restock
from tuckshop.till.commands.refunds import Refund, Refunded, RefundNewest
from tuckshop.till.commands.transfers import CloseWallet, WalletClosed
from tuckshop.till.commands.wallet import Deposit, PaidOut, PayOut

STAFF = RoleMissing(roles=("cashier", "admin"))


class Hall:
    """A machine with a counted box, a guest with 5.00 before it, and ten colas at 1.50 in it."""

    def __init__(self, shop: Shop, machine_id: int, key: MachineCaller, guest: AccountRef, cola: int) -> None:
        self.shop, self.id, self.key, self.guest, self.cola = shop, machine_id, key, guest, cola

    async def buy(self, quantity: int = 1, **more: object) -> OrderPlaced:
        command = PlaceOrder(self.key, self.guest, ((self.cola, quantity),), machine_id=self.id, **more)  # type: ignore[arg-type]
        receipt = await self.shop.do(command)
        assert isinstance(receipt, OrderPlaced)
        return receipt

    def newest(self, **more: object) -> RefundNewest:
        return RefundNewest(self.key, self.guest, self.cola, self.id, **more)  # type: ignore[arg-type]


@pytest.fixture
async def hall(shop: Shop) -> Hall:
    machine_id = await shop.machine()
    key, guest = await shop.machine_key(machine_id), await shop.guest("ada")
    cola = (await shop.product("cola", stock=0)).product_id
    await shop.do(Restock(OPERATOR, cola, 10, machine_id=machine_id))
    await shop.do(Deposit(key, guest, {100: 4, 50: 2}, machine_id))
    return Hall(shop, machine_id, key, guest, cola)


async def test_a_guest_buys_and_takes_the_change(shop: Shop, hall: Hall) -> None:
    bought = await hall.buy(change=Change.RETURN)  # 5.00 in, 1.50 out: 3.50 back
    assert (bought.balance_cents, bought.change) == (0, {100: 3, 50: 1})
    (order,) = await shop.rows("orders")
    assert (order["buyer_id"], order["guest_id"]) == (None, hall.guest.guest_id)
    await shop.assert_clean()


async def test_a_guest_takes_the_money_back(shop: Shop, hall: Hall) -> None:
    paid = await shop.do(PayOut(hall.key, hall.guest, hall.id))
    assert isinstance(paid, PaidOut)
    assert paid.coins == {100: 4, 50: 2}
    await shop.assert_clean()


async def test_change_that_the_box_cannot_pay_moves_nothing(shop: Shop, hall: Hall) -> None:
    await shop.do(CollectCoins(OPERATOR, hall.id, {50: 2}))
    command = PlaceOrder(hall.key, hall.guest, ((hall.cola, 1),), Change.RETURN, machine_id=hall.id)
    await refuse(shop, command, ChangeUnpayable(change_cents=350))
    assert (await hall.buy(2, change=Change.RETURN)).change == {100: 2}
    await shop.assert_clean()


async def test_a_guest_is_nobody_of_the_same_name(shop: Shop, hall: Hall) -> None:
    ada = await shop.buyer("ada", cents=500)
    order = await hall.buy()
    for command in (
        Deposit(ada, hall.guest, {50: 1}),
        PayOut(ada, hall.guest),
        PlaceOrder(ada, hall.guest, ((hall.cola, 1),)),
        RefundNewest(ada, hall.guest, hall.cola, hall.id),
        CloseWallet(ada, hall.guest),
    ):
        await refuse(
            shop, command, RoleMissing(roles=("admin",)) if isinstance(command, CloseWallet) else STAFF
        )
    await refuse(shop, Refund(ada, order.order_id), UnknownOrder(order=order.order_id))


async def test_an_open_kiosk_is_the_first_machine_and_no_other(database_url: str) -> None:
    async with open_shop(database_url) as shop:
        guest = await shop.guest()
        await refuse(shop, Deposit(OPEN_KIOSK, guest, {50: 1}), SessionEnded())
    async with open_shop(database_url, kiosk_open=True) as shop:
        await shop.do(Deposit(OPEN_KIOSK, guest, {50: 1}))
        hall = await shop.machine()
        forged = replace(OPEN_KIOSK, machine_id=hall)
        await refuse(shop, Deposit(forged, guest, {50: 1}, hall), SessionEnded())
        await refuse(shop, Deposit(OPEN_KIOSK, guest, {50: 1}, hall), NotOwner(thing="machine"))
        await refuse(shop, Restock(OPEN_KIOSK, 1, 1), RoleMissing(roles=tuple(Role)))
        await shop.machine_key(DEFAULT_MACHINE_ID)
        stale = replace(OPEN_KIOSK, key_hash=b"x" * 32)
        await refuse(shop, Deposit(stale, guest, {50: 1}), SessionEnded())
        await shop.assert_clean()


async def test_only_its_own_machine_staff_and_nobody_else_serve_a_guest(shop: Shop, hall: Hall) -> None:
    attic = await shop.machine("attic")
    other = await shop.machine_key(attic)
    order = await hall.buy()
    elsewhere = NotOwner(thing="machine")
    await refuse(shop, Deposit(other, hall.guest, {50: 1}, hall.id), elsewhere)
    await refuse(shop, PayOut(other, hall.guest, hall.id), elsewhere)
    await refuse(shop, PlaceOrder(other, hall.guest, ((hall.cola, 1),), machine_id=hall.id), elsewhere)
    await refuse(shop, RefundNewest(other, hall.guest, hall.cola, hall.id), elsewhere)
    await refuse(shop, RefundNewest(other, hall.guest, hall.cola, attic), UnknownPurchase(product=hall.cola))
    await refuse(shop, Refund(other, order.order_id), UnknownOrder(order=order.order_id))
    stranger = replace(hall.key, key_hash=b"x" * 32)
    await refuse(shop, RefundNewest(stranger, hall.guest, hall.cola, hall.id), SessionEnded())
    for role in (Role.SELLER, Role.BUYER):
        person = await shop.person(f"a {role}", role)
        await refuse(shop, PayOut(person, hall.guest, hall.id), STAFF)
    cashier = await shop.person("cas", Role.CASHIER)
    await shop.do(PlaceOrder(cashier, hall.guest, ((hall.cola, 1),), machine_id=hall.id))
    await shop.do(Refund(cashier, order.order_id))
    await shop.do(RefundNewest(cashier, hall.guest, hall.cola, hall.id))
    await shop.do(PayOut(cashier, hall.guest, hall.id))
    await shop.assert_clean()


async def test_a_machine_buys_for_no_user(shop: Shop, hall: Hall) -> None:
    bob = wallet_of((await shop.buyer("bob", cents=500)).user_id or 0)
    command = PlaceOrder(hall.key, bob, ((hall.cola, 1),), machine_id=hall.id)
    await refuse(shop, command, NotOwner(thing="wallet"))
    newest = RefundNewest(OPERATOR, bob, hall.cola, hall.id)
    buying = PlaceOrder(OPERATOR, bob, ((hall.cola, 1),), machine_id=hall.id)
    # Also when they come together: a user's order is given back by its number.
    outcomes = await asyncio.gather(*(shop.till.execute(Envelope(one)) for one in (buying, newest)))
    assert outcomes[1].answer == UnknownPurchase(product=hall.cola)


async def test_a_machine_calls_nothing_off_and_gives_nothing_back_of_users(shop: Shop, hall: Hall) -> None:
    bob = await shop.buyer("bob", cents=500)
    theirs = await shop.buy(bob, (hall.cola, 1), machine_id=hall.id)
    await refuse(shop, Refund(hall.key, theirs.order_id), UnknownOrder(order=theirs.order_id))
    later = await hall.buy(fulfil=Fulfil.LATER)
    nobody = RoleMissing(roles=("buyer", "seller", "cashier", "admin"))
    await refuse(shop, CancelOrder(hall.key, later.order_id), nobody)


async def test_a_guest_who_never_was_is_unknown(shop: Shop, hall: Hall) -> None:
    nobody = AccountRef(AccountKind.WALLET, None, 99)
    for command in (
        Deposit(hall.key, nobody, {50: 1}, hall.id),
        PayOut(hall.key, nobody, hall.id),
        PlaceOrder(hall.key, nobody, ((hall.cola, 1),), machine_id=hall.id),
        RefundNewest(hall.key, nobody, hall.cola, hall.id),
        CloseWallet(OPERATOR, nobody),
    ):
        await refuse(shop, command, UnknownGuest(guest="99"))


async def test_a_reference_stands_for_one_order_of_one_guest(shop: Shop, hall: Hall) -> None:
    first = await hall.buy(client_ref="r1")
    again = PlaceOrder(hall.key, hall.guest, ((hall.cola, 1),), client_ref="r1", machine_id=hall.id)
    await refuse(shop, again, ClientRefTaken(client_ref="r1", order=first.order_id))
    hall.guest = await shop.guest("bob")
    await shop.do(Deposit(hall.key, hall.guest, {100: 2}, hall.id))
    assert (await hall.buy(client_ref="r1")).order_id != first.order_id


async def test_a_key_is_the_guests_at_any_machine_and_no_other_guests(shop: Shop, hall: Hall) -> None:
    bob = await shop.guest("bob")
    for guest, replayed in ((hall.guest, False), (bob, False), (hall.guest, True)):
        caller = replace(hall.key, guest_id=guest.guest_id)
        outcome = await shop.till.execute(Envelope(Deposit(caller, guest, {50: 1}, hall.id), "one", b"f"))
        outcome.receipt()
        assert outcome.replayed == replayed
    scopes = {row["scope"] for row in await shop.rows("idempotency")}
    assert scopes == {f"guest:{hall.guest.guest_id}", f"guest:{bob.guest_id}"}
    await shop.assert_clean()


class TestGivingBack:
    async def test_takes_the_newest_purchase_that_has_a_piece_left(self, shop: Shop, hall: Hall) -> None:
        first, second = await hall.buy(), await hall.buy()
        one, two = await shop.do(hall.newest()), await shop.do(hall.newest())
        assert isinstance(one, Refunded)
        assert isinstance(two, Refunded)
        assert [one.order_id, two.order_id] == [second.order_id, first.order_id]
        assert two.balance_cents == 500
        await refuse(shop, hall.newest(), UnknownPurchase(product=hall.cola))
        await shop.assert_clean()

    async def test_takes_one_piece_at_a_time(self, shop: Shop, hall: Hall) -> None:
        order = await hall.buy(2)
        for status in ("partly_refunded", "refunded"):
            back = await shop.do(hall.newest())
            assert isinstance(back, Refunded)
            assert (back.order_id, back.status, back.quantities) == (order.order_id, status, {hall.cola: 1})
        await shop.assert_clean()

    async def test_in_one_batch_each_finds_the_next(self, shop: Shop, hall: Hall) -> None:

        orders = [await hall.buy() for _ in range(3)]
        commands: list[Command] = [
            hall.newest(),
            Refund(OPERATOR, orders[2].order_id),
            hall.newest(),
            hall.newest(),
        ]
        outcomes = await asyncio.gather(*(shop.till.execute(Envelope(one)) for one in commands))
        found = [getattr(one.answer, "order_id", None) for one in outcomes]
        assert found == [orders[2].order_id, None, orders[1].order_id, orders[0].order_id]
        assert outcomes[1].answer == RefundExceedsSale(product=hall.cola, refundable_quantity=0)
        await shop.assert_clean()

    async def test_a_replay_gives_the_same_order_back_once(self, shop: Shop, hall: Hall) -> None:
        await hall.buy()
        await hall.buy()
        first = await shop.do(hall.newest(), key="k")
        assert await shop.do(hall.newest(), key="k") == first
        assert len(await shop.rows("refunds")) == 1

    async def test_ends_with_the_window(self, shop: Shop, hall: Hall) -> None:
        order = await hall.buy()
        shop.clock.forward(301)
        over = RefundWindowOver(window_seconds=300)
        await refuse(shop, hall.newest(), over)
        await refuse(shop, Refund(hall.key, order.order_id), over)
        cashier = await shop.person("cas", Role.CASHIER)
        await shop.do(RefundNewest(cashier, hall.guest, hall.cola, hall.id))
        await shop.assert_clean()

    async def test_is_thrice_a_day_for_each_guest(self, shop: Shop, hall: Hall) -> None:
        for _ in range(3):
            await hall.buy()
            await shop.do(hall.newest())
        order = await hall.buy()
        enough = RefundsExhausted(refunds_max=3)
        await refuse(shop, hall.newest(), enough)
        await refuse(shop, Refund(hall.key, order.order_id), enough)
        hall.guest = await shop.guest("bob")
        await shop.do(Deposit(hall.key, hall.guest, {100: 2}, hall.id))
        await hall.buy()
        await shop.do(hall.newest())
        await shop.assert_clean()

    async def test_counts_what_comes_back_by_number_too(self, shop: Shop, hall: Hall) -> None:
        for _ in range(3):
            order = await hall.buy()
            await shop.do(Refund(hall.key, order.order_id))
        await hall.buy()
        await refuse(shop, hall.newest(), RefundsExhausted(refunds_max=3))
        shop.clock.forward(86_401)
        await hall.buy()
        await shop.do(hall.newest())

    async def test_is_not_for_what_was_sold_without_a_way_back(self, shop: Shop, hall: Hall) -> None:
        cake = (await shop.product("cake", stock=0, refundable=False)).product_id
        await shop.do(Restock(OPERATOR, cake, 1, machine_id=hall.id))
        await shop.do(PlaceOrder(hall.key, hall.guest, ((cake, 1),), machine_id=hall.id))
        await refuse(shop, RefundNewest(hall.key, hall.guest, cake, hall.id), NotRefundable(product=cake))

    async def test_is_not_for_what_was_not_handed_out(self, shop: Shop, hall: Hall) -> None:
        await hall.buy(fulfil=Fulfil.LATER)
        await refuse(shop, hall.newest(), UnknownPurchase(product=hall.cola))


async def test_a_wallet_that_was_used_meanwhile_stays(shop: Shop, hall: Hall) -> None:
    await refuse(shop, CloseWallet(OPERATOR, hall.guest, None, 400), WalletTouched(balance_cents=500))
    closed = await shop.do(CloseWallet(OPERATOR, hall.guest, None, 500))
    assert isinstance(closed, WalletClosed)
    assert closed.amount_cents == 500
    await shop.assert_clean()


async def test_neither_what_waits_nor_another_product_is_the_newest_in_one_batch(
    shop: Shop, hall: Hall
) -> None:
    older, tea = await hall.buy(), (await shop.product("tea", price_cents=10, stock=0)).product_id
    await shop.do(Restock(OPERATOR, tea, 1, machine_id=hall.id))
    commands = [
        PlaceOrder(hall.key, hall.guest, ((hall.cola, 1),), machine_id=hall.id, fulfil=Fulfil.LATER),
        PlaceOrder(hall.key, hall.guest, ((tea, 1),), machine_id=hall.id),
        hall.newest(),
    ]
    *_, back = await shop.till.execute_together([Envelope(command) for command in commands])
    assert getattr(back.answer, "order_id", back.answer) == older.order_id


async def test_each_gets_the_newest_of_their_own_back_in_one_batch(shop: Shop, hall: Hall) -> None:
    bob, attic = await shop.guest("bob"), await shop.machine("attic")
    key = await shop.machine_key(attic)
    await shop.do(Restock(OPERATOR, hall.cola, 1, machine_id=attic))
    await shop.do(Deposit(hall.key, bob, {100: 2}, hall.id))
    in_hall = await hall.buy()
    in_attic = await shop.do(PlaceOrder(key, hall.guest, ((hall.cola, 1),), machine_id=attic))
    of_bob = await shop.do(PlaceOrder(hall.key, bob, ((hall.cola, 1),), machine_id=hall.id))
    commands = [
        hall.newest(),
        RefundNewest(key, hall.guest, hall.cola, attic),
        RefundNewest(hall.key, bob, hall.cola, hall.id),
    ]
    outcomes = await shop.till.execute_together([Envelope(command) for command in commands])
    assert isinstance(in_attic, OrderPlaced)
    assert isinstance(of_bob, OrderPlaced)
    assert [getattr(outcome.answer, "order_id", outcome.answer) for outcome in outcomes] == [
        in_hall.order_id,
        in_attic.order_id,
        of_bob.order_id,
    ]
    await shop.assert_clean()
