"""Selling and taking back: all or nothing, and every cent and piece in one place."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuckshop.domain.coins import total_cents
from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.field_problems import ProductTwice, TooSmall, WrongLineCount
from tuckshop.domain.ledger import (
    HOUSE,
    AccountKind,
    AccountRef,
    Transfer,
    TransferKind,
    coin_box_of,
    earnings_of,
    wallet_of,
)
from tuckshop.domain.machines import BoxKind, CoinBox
from tuckshop.domain.money import BALANCE_CENTS_MAX, PRICE_CENTS_MAX
from tuckshop.domain.orders import (
    LINES_MAX,
    Change,
    Order,
    OrderStatus,
    RequestedLine,
    Right,
    Sale,
    merge,
    rights,
    sell,
)
from tuckshop.domain.products import QUANTITY_MAX, Product, Shelf, StockKind, StockMovement
from tuckshop.domain.refunds import BuyerBalances, Inventory, Reversal, refund
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    ChangeUnpayable,
    InsufficientFunds,
    InvalidField,
    NotRefundable,
    OutOfStock,
    PriceChanged,
    RefundExceedsSale,
    RefundWindowOver,
    RoleMissing,
    UnknownOrder,
)
from tuckshop.domain.users import OPERATOR, Actor, Role

EURO = (5, 10, 20, 50, 100)
BUYER, SELLER, OTHER_SELLER = 1, 7, 8
WALLET = wallet_of(BUYER)
DRAWER = CoinBox(machine_id=3, kind=BoxKind.UNLIMITED, held={})
SOLD_US = 1_000 * MICROSECONDS
WINDOW_SECONDS = 300


def product(number: int, *, price_cents: int = 65, seller_id: int | None = SELLER, **facts: Any) -> Product:
    usual = Product(
        id=number, name=f"product {number}", price_cents=price_cents, seller_id=seller_id, refundable=True,
        tax_basis_points=700, cost_cents=30, version=1, on_sale=True,
    )  # fmt: skip
    return usual._replace(**facts)


COLA, TEA, CAKE = product(1), product(2, seller_id=OTHER_SELLER), product(3, seller_id=None)


def want(
    thing: Product, quantity: int = 1, *, stock: int = 10, price_cents: int | None = None
) -> RequestedLine:
    return RequestedLine(thing, Shelf(3, thing.id, stock, None, price_cents), quantity)


def sale_of(
    *wanted: RequestedLine,
    balance_cents: int = 1000,
    change: Change = Change.KEEP,
    box: CoinBox = DRAWER,
    expected_total_cents: int | None = None,
) -> Sale:
    return sell(
        order_id=41,
        wallet=WALLET,
        balance_cents=balance_cents,
        wanted=wanted,
        box=box,
        change=change,
        coin_values=EURO,
        client_ref="ref-1",
        now_us=SOLD_US,
        expected_total_cents=expected_total_cents,
    )


def user(user_id: int | None, *roles: Role) -> Actor:
    return Actor(user_id=user_id, roles=frozenset(roles))


def take_back(
    order: Order,
    quantities: Mapping[int, int] | None = None,
    *,
    actor: Actor = OPERATOR,
    balance_cents: int = 0,
    gone: tuple[int, ...] = (),
    seconds_later: float = 0,
) -> Reversal:
    ids = [line.product_id for line in order.lines]
    return refund(
        order=order,
        quantities=quantities,
        actor=actor,
        balances=BuyerBalances(balance_cents),
        inventory=Inventory(
            {number: Shelf(3, number, 0, 1, None) for number in ids},
            {number: product(number, on_sale=number not in gone) for number in ids},
        ),
        write_off=False,
        refunds_today=0,
        window_seconds=WINDOW_SECONDS,
        now_us=SOLD_US + int(seconds_later * MICROSECONDS),
    )


# What is asked for


def test_lines_of_one_product_are_one_line_in_the_order_first_named() -> None:
    assert merge([(2, 1), (1, 3), (2, 4)]) == ((2, 5), (1, 3))
    assert merge(iter([(1, 1)])) == ((1, 1),)


@pytest.mark.parametrize("quantity", [0, -1])
def test_refuses_less_than_one_piece(quantity: int) -> None:
    with pytest.raises(InvalidField) as refused:
        merge([(1, 5), (1, quantity)])
    assert refused.value == InvalidField(field="quantity", problem=TooSmall(1))


def test_refuses_more_of_one_product_than_any_shop_stores_even_in_parts() -> None:
    assert merge([(1, QUANTITY_MAX - 1), (1, 1)]) == ((1, QUANTITY_MAX),)
    for lines in ([(1, QUANTITY_MAX + 1)], [(1, QUANTITY_MAX), (1, 1)]):
        with pytest.raises(InvalidField, match="too-large"):
            merge(lines)


def test_an_order_names_1_to_100_products() -> None:
    assert len(merge((number, 1) for number in range(LINES_MAX))) == LINES_MAX
    assert len(merge((number % LINES_MAX, 1) for number in range(2 * LINES_MAX))) == LINES_MAX
    for lines in ([], [(number, 1) for number in range(LINES_MAX + 1)]):
        with pytest.raises(InvalidField) as refused:
            merge(lines)
        assert refused.value == InvalidField(field="lines", problem=WrongLineCount(100))


# Selling


def test_a_can_for_65_out_of_100_leaves_35_in_the_wallet() -> None:
    sale = sale_of(want(COLA), balance_cents=100)
    assert sale.transfers == [Transfer(TransferKind.SALE, WALLET, earnings_of(SELLER), 65)]
    assert sale.movements == [StockMovement(StockKind.SALE, 3, COLA.id, -1)]
    assert (sale.change, sale.balance_cents) == ({}, 35)
    assert sale.order.status is OrderStatus.DISPENSED
    assert (sale.order.id, sale.order.machine_id, sale.order.wallet) == (41, 3, WALLET)
    assert (sale.order.client_ref, sale.order.total_cents, sale.order.created_us) == ("ref-1", 65, SOLD_US)


def test_the_exact_money_is_enough_and_a_cent_less_is_not() -> None:
    assert sale_of(want(COLA, 2), balance_cents=130).balance_cents == 0
    with pytest.raises(InsufficientFunds) as refused:
        sale_of(want(COLA, 2), balance_cents=129)
    assert refused.value == InsufficientFunds(needed_cents=130, balance_cents=129)


def test_the_last_can_is_sold_and_not_one_more() -> None:
    assert sale_of(want(COLA, 1, stock=1)).order.total_cents == 65
    with pytest.raises(OutOfStock) as refused:
        sale_of(want(TEA), want(COLA, 2, stock=1))
    assert refused.value == OutOfStock(product=COLA.id, available=1)


def test_each_seller_is_paid_once_for_all_their_lines() -> None:
    more_cola = product(4, price_cents=100)
    sale = sale_of(want(COLA, 2), want(TEA), want(CAKE, 3), want(more_cola))
    assert sale.transfers == [
        Transfer(TransferKind.SALE, WALLET, earnings_of(SELLER), 230),
        Transfer(TransferKind.SALE, WALLET, earnings_of(OTHER_SELLER), 65),
        Transfer(TransferKind.SALE, WALLET, HOUSE, 195),
    ]
    assert sale.order.total_cents == 490


def test_the_shelf_s_own_price_goes_before_the_product_s() -> None:
    sale = sale_of(want(COLA, 2, price_cents=80))
    assert sale.order.total_cents == 160
    assert sale.order.lines[0].price_cents == 80
    assert sale_of(want(COLA, price_cents=1)).order.total_cents == 1


@pytest.mark.parametrize(("expected_cents", "total_cents"), [(66, None), (64, None), (None, 129), (65, 131)])
def test_nothing_is_sold_at_another_price_than_the_buyer_has_seen(
    expected_cents: int | None, total_cents: int | None
) -> None:
    wanted = want(COLA, 2)._replace(expected_cents=expected_cents)
    with pytest.raises(PriceChanged) as refused:
        sale_of(wanted, balance_cents=0, expected_total_cents=total_cents)
    piece = (COLA.id, 65) if expected_cents not in (None, 65) else (None, None)
    assert refused.value == PriceChanged(130, *piece)


def test_the_price_that_was_seen_is_the_shelf_s_own_where_it_has_one() -> None:
    seen = want(COLA, 2, price_cents=80)._replace(expected_cents=80)
    assert sale_of(seen, want(TEA), expected_total_cents=225).order.total_cents == 225
    with pytest.raises(PriceChanged) as refused:
        sale_of(want(TEA), seen._replace(expected_cents=65))
    assert refused.value == PriceChanged(225, product=COLA.id, price_cents=80)


def test_a_line_keeps_what_was_sold_as_it_was() -> None:
    line = sale_of(want(COLA, 2)).order.lines[0]
    assert line._asdict() == {
        "product_id": 1, "quantity": 2, "name": "product 1", "price_cents": 65, "seller_id": SELLER,
        "refundable": True, "tax_basis_points": 700, "cost_cents": 30, "refunded_quantity": 0,
    }  # fmt: skip
    assert line.left == 2


def test_change_comes_back_in_the_fewest_coins() -> None:
    sale = sale_of(want(COLA), balance_cents=100, change=Change.RETURN)
    assert sale.change == {20: 1, 10: 1, 5: 1}
    assert sale.transfers[-1] == Transfer(TransferKind.PAYOUT, WALLET, coin_box_of(3), 35)
    assert sale.balance_cents == 0


def test_cents_that_no_coin_can_pay_stay_in_the_wallet() -> None:
    sale = sale_of(want(product(1, price_cents=62)), balance_cents=100, change=Change.RETURN)
    assert (sale.change, sale.balance_cents) == ({20: 1, 10: 1, 5: 1}, 3)
    sale = sale_of(want(product(1, price_cents=97)), balance_cents=100, change=Change.RETURN)
    assert (sale.change, sale.balance_cents, len(sale.transfers)) == ({}, 3, 1)


def test_the_exact_money_needs_no_change_from_an_empty_changer() -> None:
    empty = CoinBox(3, BoxKind.COUNTED, {})
    assert sale_of(want(COLA), balance_cents=65, change=Change.RETURN, box=empty).change == {}


def test_refuses_a_sale_whose_change_the_changer_cannot_pay() -> None:
    changer = CoinBox(3, BoxKind.COUNTED, {50: 1, 20: 2})
    with pytest.raises(ChangeUnpayable) as refused:
        sale_of(want(product(1, price_cents=40)), balance_cents=100, change=Change.RETURN, box=changer)
    assert refused.value == ChangeUnpayable(change_cents=60)
    kept = sale_of(want(product(1, price_cents=40)), balance_cents=100, change=Change.KEEP, box=changer)
    assert kept.balance_cents == 60


@pytest.mark.parametrize("quantity", [0, -1, QUANTITY_MAX + 1])
def test_a_line_of_less_than_one_piece_buys_nothing_back(quantity: int) -> None:
    # Two colas and "minus one" of another product of the same seller would have cost one cola.
    with pytest.raises(InvalidField):
        sale_of(want(COLA, 2), want(product(4), quantity))


def test_a_product_named_twice_cannot_oversell_its_shelf() -> None:
    with pytest.raises(InvalidField) as refused:
        sale_of(want(COLA, 1, stock=1), want(COLA, 1, stock=1))
    assert refused.value == InvalidField(field="lines", problem=ProductTwice())


def test_refuses_an_order_of_nothing() -> None:
    with pytest.raises(InvalidField):
        sale_of()


def test_the_dearest_basket_there_can_be_is_counted_exactly() -> None:
    dearest = [
        want(product(number, price_cents=PRICE_CENTS_MAX), QUANTITY_MAX, stock=QUANTITY_MAX)
        for number in range(LINES_MAX)
    ]
    with pytest.raises(InsufficientFunds) as refused:
        sale_of(*dearest, balance_cents=BALANCE_CENTS_MAX)
    assert refused.value.needed_cents == 10**17 < 2**63


# Taking back


def test_a_buyer_gives_back_what_was_bought_at_the_price_it_was_sold_for() -> None:
    order = sale_of(want(COLA, 2, price_cents=80)).order
    back = take_back(order, actor=user(BUYER, Role.BUYER), balance_cents=40)
    assert back.transfers == [Transfer(TransferKind.REFUND, earnings_of(SELLER), WALLET, 160)]
    assert back.movements == [StockMovement(StockKind.REFUND, 3, COLA.id, 2)]
    assert (back.amount_cents, back.quantities) == (160, {COLA.id: 2})
    assert back.order.status is OrderStatus.REFUNDED
    assert back.order.lines[0].left == 0


def test_one_piece_after_the_other_until_none_is_left() -> None:
    first = take_back(sale_of(want(COLA, 2), want(CAKE)).order, {COLA.id: 1})
    assert (first.amount_cents, first.order.status) == (65, OrderStatus.PARTLY_REFUNDED)
    rest = take_back(first.order)
    assert rest.quantities == {COLA.id: 1, CAKE.id: 1}
    assert rest.transfers == [
        Transfer(TransferKind.REFUND, earnings_of(SELLER), WALLET, 65),
        Transfer(TransferKind.REFUND, HOUSE, WALLET, 65),
    ]
    assert rest.order.status is OrderStatus.REFUNDED
    for quantities in (None, {COLA.id: 1}):
        with pytest.raises(RefundExceedsSale) as refused:
            take_back(rest.order, quantities)
        assert refused.value == RefundExceedsSale(product=COLA.id, refundable_quantity=0)


@pytest.mark.parametrize(("number", "left"), [(COLA.id, 2), (99, 0)])
def test_refuses_to_take_back_more_than_was_sold(number: int, left: int) -> None:
    order = sale_of(want(COLA, 2)).order
    with pytest.raises(RefundExceedsSale) as refused:
        take_back(order, {number: 3})
    assert refused.value == RefundExceedsSale(product=number, refundable_quantity=left)


@pytest.mark.parametrize("quantities", [{}, {1: 0}, {1: -1}, {1: 2, 3: -1}])
def test_refuses_to_take_back_less_than_one_piece(quantities: dict[int, int]) -> None:
    order = take_back(sale_of(want(COLA, 2), want(CAKE, 2)).order, {CAKE.id: 1}).order
    with pytest.raises(InvalidField):
        take_back(order, quantities)


def test_pieces_of_a_product_no_longer_on_sale_are_written_off() -> None:
    back = take_back(sale_of(want(COLA, 2), want(TEA)).order, gone=(COLA.id,))
    assert back.movements == [
        StockMovement(StockKind.REFUND, 3, COLA.id, 2),
        StockMovement(StockKind.WRITE_OFF, 3, COLA.id, -2),
        StockMovement(StockKind.REFUND, 3, TEA.id, 1),
    ]


def test_no_wallet_holds_more_than_the_greatest_balance() -> None:
    order = sale_of(want(COLA)).order
    assert take_back(order, balance_cents=BALANCE_CENTS_MAX - 65).amount_cents == 65
    with pytest.raises(BalanceTooLarge) as refused:
        take_back(order, balance_cents=BALANCE_CENTS_MAX - 64)
    assert refused.value == BalanceTooLarge(balance_cents_max=BALANCE_CENTS_MAX)


def test_a_buyer_has_five_minutes() -> None:
    order = sale_of(want(COLA)).order
    ada = user(BUYER, Role.BUYER)
    assert take_back(order, actor=ada, seconds_later=WINDOW_SECONDS).amount_cents == 65
    with pytest.raises(RefundWindowOver) as refused:
        take_back(order, actor=ada, seconds_later=WINDOW_SECONDS + 0.000001)
    assert refused.value == RefundWindowOver(window_seconds=WINDOW_SECONDS)


def test_a_buyer_gives_back_only_what_was_sold_as_refundable() -> None:
    order = sale_of(want(COLA), want(product(4, refundable=False))).order
    ada = user(BUYER, Role.BUYER)
    assert take_back(order, {COLA.id: 1}, actor=ada).amount_cents == 65
    for quantities in (None, {4: 1}):
        with pytest.raises(NotRefundable) as refused:
            take_back(order, quantities, actor=ada)
        assert refused.value == NotRefundable(product=4)


@pytest.mark.parametrize(
    "actor", [user(SELLER, Role.SELLER), user(50, Role.CASHIER), user(50, Role.ADMIN), OPERATOR]
)
def test_sellers_cashiers_and_admins_take_back_anything_at_any_time(actor: Actor) -> None:
    order = sale_of(want(product(1, refundable=False))).order
    assert take_back(order, actor=actor, seconds_later=10**9).amount_cents == 65


def test_a_seller_takes_back_own_lines_only() -> None:
    order = sale_of(want(COLA), want(TEA), want(CAKE)).order
    seller = user(SELLER, Role.SELLER)
    assert take_back(order, {COLA.id: 1}, actor=seller).amount_cents == 65
    for quantities in (None, {TEA.id: 1}, {CAKE.id: 1}, {COLA.id: 1, TEA.id: 1}, {99: 1}):
        with pytest.raises(UnknownOrder):
            take_back(order, quantities, actor=seller)


@pytest.mark.parametrize(
    "stranger",
    [user(2, Role.BUYER), user(OTHER_SELLER, Role.SELLER), user(SELLER, Role.BUYER), user(None, Role.SELLER)],
)
@pytest.mark.parametrize("quantities", [None, {1: 1}, {1: 99}, {99: 1}])
def test_a_stranger_learns_nothing_of_an_order(stranger: Actor, quantities: dict[int, int] | None) -> None:
    sold = sale_of(want(COLA)).order
    for order in (sold, take_back(sold).order):
        with pytest.raises(UnknownOrder) as refused:
            take_back(order, quantities, actor=stranger)
        assert refused.value == UnknownOrder(order=41)


def test_nobody_in_particular_gives_back_for_a_guest_or_for_the_house() -> None:
    order = sale_of(want(CAKE)).order._replace(wallet=AccountRef(AccountKind.WALLET, guest_id=5))
    with pytest.raises(UnknownOrder):
        take_back(order, actor=user(None, Role.BUYER, Role.SELLER))
    assert take_back(order).transfers[0].target == order.wallet


def test_sellers_learn_that_nothing_is_left_of_their_order() -> None:
    order = take_back(sale_of(want(COLA)).order).order
    with pytest.raises(RefundExceedsSale) as refused:
        take_back(order, actor=user(SELLER, Role.SELLER))
    assert refused.value == RefundExceedsSale(product=COLA.id, refundable_quantity=0)


# Whatever is sold and taken back


BASKET = st.lists(
    st.tuples(st.integers(1, 400), st.sampled_from([SELLER, OTHER_SELLER, None]), st.integers(1, 5)),
    min_size=1,
    max_size=6,
)


@given(basket=BASKET, balance_cents=st.integers(0, 5000), change=st.sampled_from(Change), data=st.data())
def test_every_cent_and_every_piece_is_accounted_for(
    basket: list[tuple[int, int | None, int]], balance_cents: int, change: Change, data: st.DataObject
) -> None:
    things = [product(i, price_cents=price, seller_id=seller) for i, (price, seller, _) in enumerate(basket)]
    wanted = [want(thing, quantity) for thing, (_, _, quantity) in zip(things, basket, strict=True)]
    total = sum(price * quantity for price, _, quantity in basket)
    if balance_cents < total:
        with pytest.raises(InsufficientFunds):
            sale_of(*wanted, balance_cents=balance_cents, change=change)
        return
    sale = sale_of(*wanted, balance_cents=balance_cents, change=change)
    assert sale.order.total_cents == total
    assert balance_cents - sum(transfer.amount_cents for transfer in sale.transfers) == sale.balance_cents
    assert balance_cents == total + total_cents(sale.change) + sale.balance_cents

    order, back_cents, back_pieces = sale.order, 0, 0
    balances = {transfer.target: transfer.amount_cents for transfer in sale.transfers}
    while any(line.left for line in order.lines):
        line = data.draw(st.sampled_from([line for line in order.lines if line.left]))
        with pytest.raises(RefundExceedsSale):
            take_back(order, {line.product_id: line.left + 1})
        back = take_back(order, {line.product_id: data.draw(st.integers(1, line.left))})
        order = back.order
        back_cents += back.amount_cents
        back_pieces += sum(movement.quantity for movement in back.movements)
        for transfer in back.transfers:
            balances[transfer.source] -= transfer.amount_cents
    assert order.status is OrderStatus.REFUNDED
    assert back_cents == total
    assert back_pieces == -sum(movement.quantity for movement in sale.movements)
    assert all(cents == 0 for pot, cents in balances.items() if pot.kind is not AccountKind.COIN_BOX)


# Whose order it is


def test_its_buyer_needs_a_role_that_buys_unless_another_gives_a_say() -> None:
    order = sale_of(want(COLA)).order
    assert rights(user(BUYER, Role.BUYER), order, order.lines) == {Right.BUYER}
    assert rights(user(BUYER, Role.CASHIER), order, order.lines) == {Right.STAFF}
    assert rights(user(BUYER, Role.BUYER, Role.ADMIN), order, order.lines) == {Right.BUYER, Right.STAFF}
    with pytest.raises(RoleMissing) as refused:  # Their token lends no role.
        rights(user(BUYER), order, order.lines)
    assert refused.value == RoleMissing(roles=(Role.BUYER,))
    with pytest.raises(UnknownOrder):
        rights(user(OTHER_SELLER, Role.BUYER, Role.SELLER), order, order.lines)
