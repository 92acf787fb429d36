"""What is held back of earnings: one rule, whoever asks."""

from __future__ import annotations

from typing import Any

import pytest

from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Line, Order, OrderStatus, Payment
from tuckshop.domain.payables import held_back_cents, unpaid_cents, young_cents, young_since_us

SAM, SUE, ADA = 7, 8, 3
DISPENSED_US = 1_000


def order(order_id: int, *lines: Line, status: OrderStatus = OrderStatus.DISPENSED, **more: Any) -> Order:
    return Order(
        id=order_id,
        wallet=wallet_of(ADA),
        machine_id=1,
        status=status,
        client_ref=None,
        total_cents=0,
        lines=lines,
        created_us=DISPENSED_US,
        payment=more.get("payment", Payment.WALLET),
        fulfilled_us=None if status is OrderStatus.PLACED else DISPENSED_US,
    )


def line(cents: int, *, seller_id: int | None = SAM, refundable: bool = True, back: int = 0) -> Line:
    return Line(
        product_id=1,
        quantity=2,
        name="cola",
        price_cents=cents,
        seller_id=seller_id,
        refundable=refundable,
        tax_basis_points=0,
        cost_cents=0,
        refunded_quantity=back,
    )


def held(
    *orders: Order, owed: int = 0, since_us: int = DISPENSED_US + 1, young_us: dict[int, int] | None = None
) -> dict[int, int]:
    by_id = {one.id: one for one in orders}
    found = held_back_cents(
        by_id, owed_cents={ADA: owed}, returnable_since_us=since_us, young_since_us=young_us
    )
    return dict(+found)


def test_what_is_not_dispensed_is_held_back_whole_but_for_what_went_back() -> None:
    waiting = order(
        1, line(100, refundable=False, back=1), line(30, seller_id=SUE), status=OrderStatus.PLACED
    )
    assert held(waiting) == {SAM: 100, SUE: 60}


@pytest.mark.parametrize(("since_us", "cents"), [(DISPENSED_US, 200), (DISPENSED_US + 1, 0)])
def test_what_may_be_refunded_is_held_back_until_the_window_is_over(since_us: int, cents: int) -> None:
    dispensed = order(1, line(100), line(50, refundable=False), line(9, seller_id=None))
    assert held(dispensed, since_us=since_us) == ({SAM: cents} if cents else {})


@pytest.mark.parametrize(("since_us", "cents"), [(DISPENSED_US, 300), (DISPENSED_US + 1, 0)])
def test_what_is_too_young_is_held_back_refundable_or_not(since_us: int, cents: int) -> None:
    dispensed = order(1, line(100), line(50, refundable=False), line(9, seller_id=SUE))
    assert held(dispensed, young_us={SAM: since_us}) == ({SAM: cents} if cents else {})
    assert young_cents(dispensed, seller_id=SAM, since_us=since_us) == cents


def test_a_seller_without_a_delay_waits_for_nothing() -> None:
    assert young_since_us(delay_days=0, shop_delay_days=7, now_us=0) is None
    assert young_since_us(delay_days=None, shop_delay_days=7, now_us=0) == -7 * 86_400 * 10**6
    assert young_since_us(delay_days=2, shop_delay_days=0, now_us=0) == -2 * 86_400 * 10**6


@pytest.mark.parametrize(
    ("owed", "cents"),
    [(0, 0), (1, 200), (200, 200), (201, 800)],  # The newest cost 200, the one before it 600.
)
def test_of_a_tab_the_newest_orders_are_owed(owed: int, cents: int) -> None:
    tab = [order(one, line(price), payment=Payment.TAB) for one, price in ((1, 500), (2, 300), (3, 100))]
    assert held(*tab, owed=owed).get(SAM, 0) == cents


def test_what_others_sold_on_the_tab_counts_for_which_orders_are_owed() -> None:
    older, newer = (
        order(1, line(100), payment=Payment.TAB),
        order(2, line(100, seller_id=SUE), payment=Payment.TAB),
    )
    assert held(older, newer, owed=200) == {SUE: 200}


def test_what_a_wallet_paid_for_says_nothing_of_the_tab() -> None:
    on_tab = order(1, line(100), payment=Payment.TAB)
    assert held(on_tab, order(2, line(10)), owed=200) == {SAM: 200}


def test_of_what_a_tab_owes_each_order_owes_its_part_from_the_newest_up() -> None:
    assert unpaid_cents({1: 100, 2: 300, 3: 50}, owed_cents=200) == {3: 50, 2: 150, 1: 0}
    assert unpaid_cents({1: 100}, owed_cents=0) == {1: 0}
