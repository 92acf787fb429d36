"""The way back before anything is dispensed, and off a tab: exact limits, several sellers in one order."""

from __future__ import annotations

import pytest

from tuckshop.domain.field_problems import MoreThanOrdered, OutOfRange
from tuckshop.domain.ledger import HOUSE, Transfer, TransferKind, earnings_of, tab_of, wallet_of
from tuckshop.domain.orders import Line, Order, OrderStatus, Payment
from tuckshop.domain.products import QUANTITY_MAX, Product, Shelf
from tuckshop.domain.refunds import (
    REFUNDS_PER_DAY,
    BuyerBalances,
    Inventory,
    ReturnLimits,
    Reversal,
    cancel,
    reduce,
    refund,
)
from tuckshop.domain.refusals import InvalidField, RefundExceedsSale, RefundsExhausted, WrongStatus
from tuckshop.domain.users import OPERATOR, Actor, Role

ADA, SAM, SUE = 1, 7, 8
WALLET, TAB = wallet_of(ADA), tab_of(ADA)
BUYER = Actor(user_id=ADA, roles=frozenset({Role.BUYER}))
COLA, TEA, GUM = 1, 2, 3
LIMITS = ReturnLimits(window_seconds=0, today=0, now_us=0)


def line(product_id: int, quantity: int = 1, *, seller_id: int | None = SAM, cents: int = 100) -> Line:
    return Line(product_id, quantity, "thing", cents, seller_id, True, 0, 0)


def order(*lines: Line, status: OrderStatus = OrderStatus.PLACED, payment: Payment = Payment.WALLET) -> Order:
    return Order(
        id=41,
        wallet=WALLET,
        machine_id=1,
        status=status,
        client_ref=None,
        total_cents=0,
        lines=lines,
        created_us=0,
        payment=payment,
        fulfilled_us=None if status is OrderStatus.PLACED else 0,
    )


def inventory(of: Order) -> Inventory:
    ids = [one.product_id for one in of.lines]
    return Inventory(
        {one: Shelf(1, one, 0, None, None) for one in ids},
        {one: Product(one, "thing", 100, None, True, 0, 0, 1, True) for one in ids},
    )


def reduced(of: Order, quantities: dict[int, int]) -> Reversal | None:
    return reduce(
        order=of,
        quantities=quantities,
        actor=BUYER,
        balances=BuyerBalances(0),
        inventory=inventory(of),
        limits=LIMITS,
    )


def refunded(of: Order, *, actor: Actor = OPERATOR, owed_cents: int = 0, refunds_today: int = 0) -> Reversal:
    return refund(
        order=of,
        quantities=None,
        actor=actor,
        balances=BuyerBalances(0, owed_cents),
        inventory=inventory(of),
        write_off=False,
        limits=LIMITS._replace(today=refunds_today),
    )


def test_an_order_is_made_smaller_by_what_is_no_longer_wanted() -> None:
    back = reduced(order(line(COLA, 3), line(TEA, 2)), {COLA: 1, TEA: 2})
    assert back is not None
    assert (back.quantities, back.order.status) == ({COLA: 2}, OrderStatus.PLACED)


@pytest.mark.parametrize("quantity", [-1, QUANTITY_MAX + 1])
def test_refuses_to_want_less_than_nothing_or_more_than_any_shop_stores(quantity: int) -> None:
    with pytest.raises(InvalidField) as refused:
        reduced(order(line(COLA, QUANTITY_MAX)), {COLA: quantity})
    assert refused.value == InvalidField(field="quantity", problem=OutOfRange(0, QUANTITY_MAX))


def test_what_is_wanted_may_be_as_much_as_was_ordered_and_no_more() -> None:
    assert reduced(order(line(COLA, QUANTITY_MAX)), {COLA: QUANTITY_MAX}) is None
    with pytest.raises(InvalidField) as refused:
        reduced(order(line(COLA, 2)), {COLA: 3})
    assert refused.value == InvalidField(field="quantity", problem=MoreThanOrdered(COLA, 2))
    with pytest.raises(InvalidField) as refused:
        reduced(order(line(COLA, 2)), {TEA: 1})
    assert refused.value == InvalidField(field="quantity", problem=MoreThanOrdered(TEA, 0))


def test_to_want_nothing_cancels() -> None:
    back = reduced(order(line(COLA, 2), line(TEA)), {COLA: 0})
    assert back is not None
    assert (back.quantities, back.order.status) == ({COLA: 2, TEA: 1}, OrderStatus.CANCELLED)


def test_what_was_dispensed_is_neither_made_smaller_nor_cancelled() -> None:
    dispensed = order(line(COLA, 2), status=OrderStatus.DISPENSED)
    with pytest.raises(WrongStatus):
        reduced(dispensed, {COLA: 1})
    with pytest.raises(WrongStatus):
        cancel(
            order=dispensed,
            actor=BUYER,
            balances=BuyerBalances(0),
            inventory=inventory(dispensed),
            limits=LIMITS,
        )


def test_a_buyer_refunds_three_times_a_day_and_the_office_as_often_as_need_be() -> None:
    dispensed = order(line(COLA), status=OrderStatus.DISPENSED)
    assert refunded(dispensed, actor=BUYER, refunds_today=REFUNDS_PER_DAY - 1).amount_cents == 100
    with pytest.raises(RefundsExhausted):
        refunded(dispensed, actor=BUYER, refunds_today=REFUNDS_PER_DAY)
    assert refunded(dispensed, actor=OPERATOR, refunds_today=REFUNDS_PER_DAY).amount_cents == 100


def test_of_what_was_cancelled_nothing_is_left_for_its_buyer_to_refund() -> None:
    gone = order(line(COLA)._replace(refunded_quantity=1), status=OrderStatus.CANCELLED)
    with pytest.raises(RefundExceedsSale) as refused:
        refunded(gone._replace(fulfilled_us=None), actor=BUYER)
    assert refused.value == RefundExceedsSale(product=COLA, refundable_quantity=0)


@pytest.mark.parametrize(
    ("owed", "transfers"),
    [
        (0, [(SAM, WALLET, 100), (SUE, WALLET, 50), (None, WALLET, 20)]),
        (99, [(SAM, TAB, 99), (SAM, WALLET, 1), (SUE, WALLET, 50), (None, WALLET, 20)]),
        (100, [(SAM, TAB, 100), (SUE, WALLET, 50), (None, WALLET, 20)]),
        (101, [(SAM, TAB, 100), (SUE, TAB, 1), (SUE, WALLET, 49), (None, WALLET, 20)]),
        (500, [(SAM, TAB, 100), (SUE, TAB, 50), (None, TAB, 20)]),
    ],
)
def test_what_was_bought_on_the_tab_comes_off_what_is_owed_and_the_rest_into_the_wallet(
    owed: int, transfers: list[tuple[int | None, object, int]]
) -> None:
    lines = line(COLA), line(TEA, seller_id=SUE, cents=50), line(GUM, seller_id=None, cents=20)
    bought = order(*lines, status=OrderStatus.DISPENSED, payment=Payment.TAB)
    back = refunded(bought, owed_cents=owed)
    assert [
        (None if one.source == HOUSE else one.source.user_id, one.target, one.amount_cents)
        for one in back.transfers
    ] == transfers
    assert {one.kind for one in back.transfers} == {TransferKind.REFUND}


def test_of_what_a_wallet_paid_nothing_comes_off_the_tab() -> None:
    back = cancel(
        order=(bought := order(line(COLA))),
        actor=BUYER,
        balances=BuyerBalances(0, unpaid_cents=500),
        inventory=inventory(bought),
        limits=LIMITS,
    )
    assert back.transfers == [Transfer(TransferKind.REFUND, earnings_of(SAM), WALLET, 100)]
