"""The way back: orders cancelled, reduced and failed, and the limits of refunds."""

from __future__ import annotations

import pytest

from tests.shop import Shop
from tests.till.reading import balances, post, refuse, shelf
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.domain.field_problems import MoreThanOrdered, OutOfRange
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Fulfil
from tuckshop.domain.refusals import (
    InvalidField,
    RefundExceedsSale,
    RefundsExhausted,
    Refusal,
    RoleMissing,
    UnknownOrder,
    WrongStatus,
)
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Command, Envelope
from tuckshop.till.commands.orders import CancelOrder, Dispense, OrderChanged, PlaceOrder, ReduceOrder
from tuckshop.till.commands.products import RemoveProduct
from tuckshop.till.commands.refunds import Refund, Refunded
from tuckshop.till.commands.wallet import Deposit


class Scene:
    """Ada has ordered 3 cola of Sam's and 2 gum of the house, to be handed out later: 3.00 + 0.20."""

    def __init__(
        self, shop: Shop, ada: SessionCaller, sam: SessionCaller, cola: int, gum: int, order: int
    ) -> None:
        self.shop, self.ada, self.sam, self.cola, self.gum, self.order = shop, ada, sam, cola, gum, order


@pytest.fixture
async def scene(shop: Shop) -> Scene:
    ada, sam = await shop.buyer("ada", cents=500), await shop.person("sam", Role.SELLER)
    cola = (await shop.product("cola", price_cents=100, stock=5, seller=sam)).product_id
    gum = (await shop.product("gum", price_cents=10, stock=5)).product_id
    placed = await shop.buy(ada, (cola, 3), (gum, 2), fulfil=Fulfil.LATER)
    assert (placed.status, placed.balance_cents) == ("placed", 180)
    return Scene(shop, ada, sam, cola, gum, placed.order_id)


def left(receipt: object) -> list[int]:
    assert isinstance(receipt, OrderChanged)
    return [line.quantity - line.refunded_quantity for line in receipt.lines]


async def test_a_cancelled_order_gives_all_back(scene: Scene) -> None:
    posted = await post(scene.shop, CancelOrder(scene.ada, scene.order, "changed my mind"))
    assert posted.transfers == [
        ("refund", "sam's earnings", "ada's wallet", 300),
        ("refund", "house", "ada's wallet", 20),
    ]
    assert posted.stock == [("refund", "cola", 3), ("refund", "gum", 2)]
    assert isinstance(posted.receipt, OrderChanged)
    assert (posted.receipt.status, left(posted.receipt)) == ("cancelled", [0, 0])
    assert (await scene.shop.rows("refunds"))[0]["kind"] == "cancellation"
    await scene.shop.assert_clean()
    for command in (
        CancelOrder(scene.ada, scene.order),
        ReduceOrder(scene.ada, scene.order, {scene.cola: 1}),
        Dispense(scene.sam, scene.order),
        Dispense(OPERATOR, scene.order),
        Dispense(OPERATOR, scene.order, failed=True),
    ):
        refusal: Refusal = WrongStatus(scene.order, "cancelled")
        if command == Dispense(scene.sam, scene.order):
            refusal = RoleMissing(roles=("seller", "cashier", "admin"))  # The gum is not his.
        await refuse(scene.shop, command, refusal)
    await refuse(scene.shop, Refund(OPERATOR, scene.order), RefundExceedsSale(scene.cola, 0))


async def test_a_reduced_order_gives_the_rest_back_and_can_be_reduced_again(scene: Scene) -> None:
    first = await post(scene.shop, ReduceOrder(scene.ada, scene.order, {scene.cola: 2, scene.gum: 2}))
    assert first.transfers == [("refund", "sam's earnings", "ada's wallet", 100)]
    assert isinstance(first.receipt, OrderChanged)
    assert (first.receipt.status, left(first.receipt)) == ("placed", [2, 2])
    second = await post(scene.shop, ReduceOrder(OPERATOR, scene.order, {scene.cola: 2}))  # No gum named: 0.
    assert second.transfers == [("refund", "house", "ada's wallet", 20)]
    assert left(second.receipt) == [2, 0]
    await scene.shop.assert_clean()
    handed = await scene.shop.do(Dispense(OPERATOR, scene.order))
    assert isinstance(handed, OrderChanged)
    assert handed.status == "dispensed"
    await scene.shop.assert_clean()
    back = await scene.shop.do(Refund(scene.ada, scene.order))
    assert isinstance(back, Refunded)
    assert (back.status, back.quantities, back.amount_cents) == ("refunded", {scene.cola: 2}, 200)
    await scene.shop.assert_clean()


async def test_nothing_but_zeroes_cancels(scene: Scene) -> None:
    receipt = await scene.shop.do(ReduceOrder(scene.ada, scene.order, {scene.cola: 0}))
    assert isinstance(receipt, OrderChanged)
    assert receipt.status == "cancelled"
    assert await shelf(scene.shop, "cola") == 5
    await scene.shop.assert_clean()


async def test_the_same_quantities_change_nothing(scene: Scene) -> None:
    before = await scene.shop.books()
    receipt = await scene.shop.do(ReduceOrder(scene.ada, scene.order, {scene.cola: 3, scene.gum: 2}))
    assert left(receipt) == [3, 2]
    assert await scene.shop.books() == before


async def test_refuses_to_make_an_order_larger(scene: Scene) -> None:
    def more(most: int, product: int) -> InvalidField:
        return InvalidField("quantity", MoreThanOrdered(product, most))

    reduce = ReduceOrder(scene.ada, scene.order, {scene.cola: 4})
    await refuse(scene.shop, reduce, more(3, scene.cola))
    await refuse(scene.shop, ReduceOrder(scene.ada, scene.order, {99: 1}), more(0, 99))
    await scene.shop.do(ReduceOrder(scene.ada, scene.order, {scene.cola: 1}))
    await refuse(scene.shop, ReduceOrder(scene.ada, scene.order, {scene.gum: 1}), more(0, scene.gum))
    negative = ReduceOrder(scene.ada, scene.order, {scene.cola: -1})
    await refuse(scene.shop, negative, InvalidField("quantity", OutOfRange(0, 1_000_000)))


async def test_each_does_what_is_theirs_and_strangers_learn_nothing(scene: Scene) -> None:
    bob = await scene.shop.person("bob", Role.BUYER, Role.SELLER)
    cas = await scene.shop.person("cas", Role.CASHIER)
    reduced = {scene.cola: 1}
    everything: list[Command] = [
        CancelOrder(bob, scene.order),
        ReduceOrder(bob, scene.order, reduced),
        Dispense(bob, scene.order),
        Dispense(bob, scene.order, failed=True),
        Refund(bob, scene.order),
    ]
    for command in everything:
        await refuse(scene.shop, command, UnknownOrder(scene.order))
    for failed in (False, True):
        handed = Dispense(scene.ada, scene.order, failed)
        await refuse(scene.shop, handed, RoleMissing(("seller", "cashier", "admin")))
    own = await scene.shop.buy(scene.ada, (scene.cola, 1), fulfil=Fulfil.LATER)
    await refuse(scene.shop, CancelOrder(scene.sam, own.order_id), RoleMissing(("buyer", "cashier", "admin")))
    await refuse(scene.shop, Refund(scene.sam, own.order_id), WrongStatus(own.order_id, "placed"))
    await scene.shop.do(Dispense(scene.sam, own.order_id))
    await scene.shop.do(ReduceOrder(cas, scene.order, reduced))
    await scene.shop.do(CancelOrder(cas, scene.order))
    await scene.shop.assert_clean()


async def test_what_cannot_be_handed_out_comes_back(scene: Scene) -> None:
    order = (await scene.shop.buy(scene.ada, (scene.cola, 1), fulfil=Fulfil.LATER)).order_id
    posted = await post(scene.shop, Dispense(scene.sam, order, failed=True, reason="jammed"))
    assert posted.transfers == [("refund", "sam's earnings", "ada's wallet", 100)]
    assert isinstance(posted.receipt, OrderChanged)
    assert posted.receipt.status == "failed"
    await scene.shop.assert_clean()


async def test_what_comes_back_off_sale_is_written_off(scene: Scene) -> None:
    await scene.shop.do(RemoveProduct(scene.sam, scene.cola))
    posted = await post(scene.shop, CancelOrder(scene.ada, scene.order))
    assert posted.stock == [("refund", "cola", 3), ("write_off", "cola", -3), ("refund", "gum", 2)]
    await scene.shop.assert_clean()


async def test_an_order_is_placed_reduced_handed_out_and_given_back_in_one_batch(scene: Scene) -> None:
    commands: list[Command] = [
        ReduceOrder(scene.ada, scene.order, {scene.cola: 1}),
        Dispense(OPERATOR, scene.order),
        CancelOrder(scene.ada, scene.order),
        Refund(scene.ada, scene.order),
    ]
    outcomes = await scene.shop.till.execute_together([Envelope(command) for command in commands])
    assert outcomes[2].answer == WrongStatus(scene.order, "dispensed")
    assert isinstance(outcomes[3].answer, Refunded)
    assert (await balances(scene.shop))["ada's wallet"] == 500
    await scene.shop.assert_clean()


async def test_a_buyer_gives_back_three_times_a_day(shop: Shop) -> None:
    ada, sam = await shop.buyer("ada", cents=2000), await shop.person("sam", Role.SELLER)
    cola = (await shop.product(stock=20, seller=sam)).product_id
    order = (await shop.buy(ada, (cola, 6))).order_id
    one = Refund(ada, order, {cola: 1})
    await shop.do(one)
    shop.clock.forward(200)
    await shop.do(one)
    await shop.do(Refund(sam, order, {cola: 1}))  # Not by the buyer: does not count.
    await shop.do(one)
    await refuse(shop, one, RefundsExhausted(3))
    await shop.do(Refund(OPERATOR, order, {cola: 1}))
    shop.clock.forward(DAY_SECONDS - 200)  # The first is a day old.
    fresh = Refund(ada, (await shop.buy(ada, (cola, 3))).order_id, {cola: 1})
    await shop.do(fresh)
    await refuse(shop, fresh, RefundsExhausted(3))
    await shop.assert_clean()


async def test_the_fourth_of_a_batch_is_refused(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=2000)
    cola = (await shop.product(stock=20)).product_id
    order = (await shop.buy(ada, (cola, 4))).order_id
    outcomes = await shop.till.execute_together([Envelope(Refund(ada, order, {cola: 1}))] * 4)
    assert [type(one.answer) for one in outcomes] == [Refunded, Refunded, Refunded, RefundsExhausted]


async def test_only_the_shop_writes_off(shop: Shop) -> None:
    ada, sam = await shop.buyer("ada", cents=500), await shop.person("sam", Role.SELLER)
    cola = (await shop.product(stock=5, seller=sam)).product_id
    order = (await shop.buy(ada, (cola, 2))).order_id
    roles = ("seller", "cashier", "admin")
    await refuse(shop, Refund(ada, order, write_off=True), RoleMissing(roles))
    posted = await post(shop, Refund(sam, order, {cola: 1}, "burst", write_off=True))
    assert posted.transfers == [("refund", "sam's earnings", "ada's wallet", 150)]
    assert posted.stock == [("refund", "cola", 1), ("write_off", "cola", -1)]
    assert await shelf(shop, "cola") == 3
    await shop.assert_clean()


async def test_what_a_cashier_gives_back_goes_to_the_buyer(shop: Shop) -> None:
    """Even where the cashier buys too, and is served in the same batch."""
    ada, cas = await shop.buyer("ada", cents=300), await shop.person("cas", Role.CASHIER, Role.BUYER)
    await shop.do(Deposit(OPERATOR, wallet_of(cas.user_id), {100: 2}))
    cola = (await shop.product(price_cents=100)).product_id
    order = await shop.buy(ada, (cola, 2))
    own = PlaceOrder(cas, wallet_of(cas.user_id), ((cola, 1),))
    later = await shop.buy(ada, (cola, 1), fulfil=Fulfil.LATER)
    for command in (
        Refund(cas, order.order_id, {cola: 1}),
        Refund(cas, order.order_id),
        CancelOrder(cas, later.order_id),
    ):
        before = await balances(shop)
        for outcome in await shop.till.execute_together([Envelope(own), Envelope(command)]):
            outcome.receipt()
        after = await balances(shop)
        assert after["ada's wallet"] == before["ada's wallet"] + 100
        assert after["cas's wallet"] == before["cas's wallet"] - 100
        await shop.do(Deposit(OPERATOR, wallet_of(cas.user_id), {100: 1}))
    await shop.assert_clean()
