"""Orders from a wallet that are dispensed later: where they are offered, how many, and for how long."""

from __future__ import annotations

from typing import cast

from tests.shop import Shop
from tests.till.reading import balances, refuse
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import PLACED_PIECES_MAX, Fulfil, Payment
from tuckshop.domain.refusals import (
    FulfilNotOffered,
    NotRefundable,
    RefundsExhausted,
    RefundWindowOver,
    TooManyPlaced,
)
from tuckshop.operations import orders as order_operations
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.orders import (
    CancelOrder,
    Dispense,
    OrderChanged,
    OrderPlaced,
    PlaceOrder,
    ReduceOrder,
)
from tuckshop.till.commands.refunds import Refund

DAY_HOURS = 24


async def test_a_machine_dispenses_when_its_admin_says(shop: Shop) -> None:
    ada, cola = await shop.buyer("ada", cents=1_000), (await shop.product(price_cents=100)).product_id
    for mode, offered, status in (("now", Fulfil.NOW, "dispensed"), ("later", Fulfil.LATER, "placed")):
        await shop.execute("UPDATE machines SET fulfil = :mode", mode=mode)
        assert (await shop.buy(ada, (cola, 1))).status == status
        assert (await shop.buy(ada, (cola, 1), fulfil=offered)).status == status
        (other,) = {Fulfil.NOW, Fulfil.LATER} - {offered}
        order = PlaceOrder(ada, wallet_of(ada.user_id), ((cola, 1),), fulfil=other)
        await refuse(shop, order, FulfilNotOffered(machine=1, offered=offered))
    await shop.execute("UPDATE machines SET fulfil = 'either'")
    assert (await shop.buy(ada, (cola, 1))).status == "dispensed"
    await shop.assert_clean()


async def test_20_pieces_wait_for_a_buyer_and_not_one_more(shop: Shop) -> None:
    # One order held the whole shelf for ever.
    ada, bob = await shop.buyer("ada", cents=5_000), await shop.buyer("bob", cents=5_000)
    cola = (await shop.product(price_cents=10, stock=100)).product_id

    def later(buyer: object, pieces: int) -> PlaceOrder:
        return PlaceOrder(buyer, wallet_of(buyer.user_id), ((cola, pieces),), fulfil=Fulfil.LATER)  # type: ignore[arg-type, attr-defined]

    await refuse(shop, later(ada, PLACED_PIECES_MAX + 1), TooManyPlaced(pieces_max=20, placed=0))
    first = await shop.do(later(ada, 18))
    await refuse(shop, later(ada, 3), TooManyPlaced(pieces_max=20, placed=18))
    together = [later(ada, 1), later(ada, 1), later(ada, 1), later(bob, 20)]
    outcomes = await shop.till.execute_together([Envelope(one) for one in together])
    assert [type(one.answer) for one in outcomes] == [OrderPlaced, OrderPlaced, TooManyPlaced, OrderPlaced]
    # Room again once pieces are dispensed, cancelled or called off; in the same batch too.
    assert isinstance(first, OrderPlaced)
    more = [
        Envelope(ReduceOrder(ada, first.order_id, {cola: 16})),
        Envelope(later(ada, 2)),
        Envelope(later(ada, 1)),
        Envelope(Dispense(OPERATOR, first.order_id)),
        Envelope(later(ada, 16)),
        Envelope(later(ada, 1)),
    ]
    answers = [type(one.answer) for one in await shop.till.execute_together(more)]
    assert answers == [OrderChanged, OrderPlaced, TooManyPlaced, OrderChanged, OrderPlaced, TooManyPlaced]
    await shop.assert_clean()


async def test_what_a_buyer_has_paid_is_called_off_as_it_would_be_returned(shop: Shop) -> None:
    # Orders for what nobody takes back were called off 10 of 10 times.
    ada = await shop.buyer("ada", cents=2_000)
    cola = (await shop.product(price_cents=100)).product_id
    cake = (await shop.product("cake", price_cents=100, refundable=False)).product_id

    async def placed(*lines: tuple[int, int]) -> int:
        return (await shop.buy(ada, *lines, fulfil=Fulfil.LATER)).order_id

    mixed = await placed((cola, 2), (cake, 1))
    await refuse(shop, CancelOrder(ada, mixed), NotRefundable(product=cake))
    await refuse(shop, ReduceOrder(ada, mixed, {cola: 2}), NotRefundable(product=cake))
    await shop.do(ReduceOrder(ada, mixed, {cola: 1, cake: 1}))
    late = await placed((cola, 1))
    shop.clock.forward(301)
    await refuse(shop, CancelOrder(ada, late), RefundWindowOver(window_seconds=300))
    for _ in range(2):
        await shop.do(CancelOrder(ada, await placed((cola, 1))))
    once_more = await placed((cola, 1))
    await refuse(shop, CancelOrder(ada, once_more), RefundsExhausted(refunds_max=3))
    bought = await shop.buy(ada, (cola, 1))
    await refuse(shop, Refund(ada, bought.order_id), RefundsExhausted(refunds_max=3))
    for order_id in (mixed, late, once_more):
        await shop.do(CancelOrder(OPERATOR, order_id))
    await shop.assert_clean()


async def test_what_goes_on_a_tab_is_called_off_as_ever(shop: Shop) -> None:
    ada = await shop.buyer("ada")
    await shop.execute("UPDATE users SET tab_limit_cents = 1000")
    cake = (await shop.product("cake", price_cents=100, refundable=False)).product_id
    for _ in range(5):
        order = await shop.buy(ada, (cake, 1), payment=Payment.TAB)
        shop.clock.forward(3_600)
        await shop.do(CancelOrder(ada, order.order_id))
    await shop.assert_clean()


async def test_what_nobody_dispensed_in_a_day_comes_back(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=500)
    await shop.execute("UPDATE users SET tab_limit_cents = 1000")
    cola = (await shop.product(price_cents=100, refundable=False)).product_id
    order = await shop.buy(ada, (cola, 2), fulfil=Fulfil.LATER)
    await shop.buy(ada, (cola, 1), payment=Payment.TAB)
    running = cast(RunningShop, shop)
    shop.clock.forward(DAY_HOURS * 3_600)
    assert await order_operations.expire_placed(running, hours=DAY_HOURS) == 0
    shop.clock.forward(0.000001)
    assert await order_operations.expire_placed(running, hours=DAY_HOURS) == 1
    assert await order_operations.expire_placed(running, hours=DAY_HOURS) == 0
    statuses = {row["id"]: row["status"] for row in await shop.rows("orders")}
    assert statuses == {order.order_id: "cancelled", order.order_id + 1: "placed"}
    assert (await balances(shop))["ada's wallet"] == 500
    (line,) = [row for row in await shop.rows("admin_log") if row["action"] == "order.cancel"]
    assert line["actor_id"] is None
    await shop.assert_clean()
