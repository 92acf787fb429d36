"""What a coin box pays: a drawer everything, a counted changer what it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuckshop.domain.coins import fewest, total_cents
from tuckshop.domain.field_problems import CoinCountOutOfRange, CoinNotCounted, ProductTwice
from tuckshop.domain.machines import (
    COUNTED_MAX,
    SHELVES_MAX,
    SLOT_LENGTH_MAX,
    BoxKind,
    CoinBox,
    ShelfPlan,
    check_plans,
    collect,
    count,
    fill_below,
    pay,
    takes_exact_money_only,
)
from tuckshop.domain.products import QUANTITY_MAX
from tuckshop.domain.refusals import ChangeUnpayable, CoinNotAccepted, CoinsMissing, InvalidField

EURO = (5, 10, 20, 50, 100)


def counted(**held: int) -> CoinBox:
    return CoinBox(1, BoxKind.COUNTED, {int(value[1:]): count for value, count in held.items()})


DRAWER = CoinBox(machine_id=1, kind=BoxKind.UNLIMITED, held={})


def test_a_drawer_never_runs_out() -> None:
    assert DRAWER.supply((5, 10)) == {5: None, 10: None}
    assert CoinBox(1, BoxKind.UNLIMITED, {5: -3}).supply((5,)) == {5: None}
    assert pay(DRAWER, 285, values=EURO) == {100: 2, 50: 1, 20: 1, 10: 1, 5: 1}


def test_a_changer_knows_what_it_holds() -> None:
    assert counted(c5=3, c200=1).supply((5, 10)) == {5: 3, 10: 0}  # a 200 is held, and not paid out


def test_a_changer_pays_60_from_one_50_and_three_20s() -> None:
    assert pay(counted(c50=1, c20=3), 60, values=EURO) == {20: 3}


def test_a_changer_without_the_coins_pays_nothing_in_part() -> None:
    with pytest.raises(ChangeUnpayable) as refused:
        pay(counted(c50=1, c20=2), 60, values=EURO)
    assert refused.value == ChangeUnpayable(change_cents=60)


def test_cents_that_no_coin_can_pay_are_left_out() -> None:
    assert pay(DRAWER, 68, values=EURO) == {50: 1, 10: 1, 5: 1}
    assert pay(counted(c5=1), 8, values=EURO) == {5: 1}
    assert pay(counted(), 4, values=EURO) == {}
    with pytest.raises(ChangeUnpayable) as refused:
        pay(counted(c50=1), 68, values=EURO)
    assert refused.value == ChangeUnpayable(change_cents=65)


def test_nothing_is_paid_for_nothing_or_where_no_coin_is_paid_out() -> None:
    assert pay(counted(), 0, values=EURO) == {}
    assert pay(DRAWER, -5, values=EURO) == {}
    assert pay(DRAWER, 100, values=()) == {}


@given(held=st.dictionaries(st.sampled_from(EURO), st.integers(0, 4)), amount_cents=st.integers(0, 500))
def test_a_changer_pays_all_that_coins_can_pay_or_refuses(held: dict[int, int], amount_cents: int) -> None:
    try:
        coins = pay(CoinBox(1, BoxKind.COUNTED, held), amount_cents, values=EURO)
    except ChangeUnpayable:
        assert fewest(amount_cents - amount_cents % 5, held) is None
        return
    assert total_cents(coins) == amount_cents - amount_cents % 5
    assert all(held[value] >= count for value, count in coins.items())


@pytest.mark.parametrize(
    ("box", "is_short"),
    [
        (DRAWER, False),
        (counted(c50=1, c20=2, c10=1, c5=1), False),  # 95, and all below it
        (counted(c50=1, c20=2, c10=1), True),  # no 5
        (counted(c100=9), True),
    ],
)
def test_a_box_that_lacks_coins_for_some_change_takes_exact_money_only(
    box: CoinBox, *, is_short: bool
) -> None:
    assert takes_exact_money_only(box, values=EURO) == is_short


def test_no_more_is_collected_than_a_changer_holds() -> None:
    assert collect(counted(c50=2), {50: 2}, known=EURO).transfer.amount_cents == 100
    assert collect(DRAWER, {50: 2}, known=EURO).coins == {50: 2}
    with pytest.raises(CoinsMissing) as refused:
        collect(counted(c50=2), {50: 3}, known=EURO)
    assert refused.value == CoinsMissing(value_cents=50, available=2)


def test_a_count_finds_too_many_of_one_coin_and_too_few_of_another() -> None:
    found = count(counted(c50=2, c20=1), {50: 1, 20: 4}, known=(20, 50))
    assert (found.expected, found.counted, found.over_short_cents) == ({50: 2, 20: 1}, {50: 1, 20: 4}, 10)
    assert found.over is not None
    assert found.short is not None
    assert (found.over.coins, found.over.transfer.amount_cents) == ({20: 3}, 60)
    assert (found.short.coins, found.short.transfer.amount_cents) == ({50: 1}, 50)
    right = count(counted(c50=2), {50: 2}, known=(50,))
    assert (right.over, right.short) == (None, None)


@pytest.mark.parametrize(
    ("pieces", "is_refused"), [(-1, True), (0, False), (COUNTED_MAX, False), (COUNTED_MAX + 1, True)]
)
def test_nobody_counts_less_than_nothing_or_a_ton(pieces: int, *, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(InvalidField) as refused:
            count(counted(), {50: pieces}, known=(50,))
        assert refused.value == InvalidField(field="counted", problem=CoinCountOutOfRange(50, COUNTED_MAX))
    else:
        assert count(counted(), {50: pieces}, known=(50,)).counted == {50: pieces}


def test_a_count_names_every_coin_of_the_currency_and_no_other() -> None:
    with pytest.raises(InvalidField) as refused:
        count(counted(), {50: 1}, known=(20, 50))
    assert refused.value == InvalidField(field="counted", problem=CoinNotCounted(20))
    with pytest.raises(CoinNotAccepted):
        count(counted(), {50: 1, 20: 1}, known=(50,))


def test_a_shelf_is_filled_up_to_its_par_level_or_before_the_last_few_are_gone() -> None:
    assert fill_below(12) == 12
    assert fill_below(None) == 4  # Three are low, four are not.
    assert fill_below(0) == 0  # It may stay empty.


def test_a_plan_has_so_many_shelves_and_no_more() -> None:
    plans = [ShelfPlan(number) for number in range(1, SHELVES_MAX + 2)]
    assert len(check_plans(plans[:-1])) == SHELVES_MAX
    with pytest.raises(InvalidField) as refused:
        check_plans(plans)
    assert refused.value.field == "shelves"


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        (ShelfPlan(1, slot="A" * (SLOT_LENGTH_MAX + 1)), "slot"),
        (ShelfPlan(1, slot=""), "slot"),
        (ShelfPlan(1, price_cents=0), "price"),
        (ShelfPlan(1, capacity=0), "capacity"),
        (ShelfPlan(1, capacity=QUANTITY_MAX + 1), "capacity"),
        (ShelfPlan(1, par_level=-1), "par_level"),
        (ShelfPlan(1, par_level=QUANTITY_MAX + 1), "par_level"),
        (ShelfPlan(1, capacity=3, par_level=4), "par_level"),
    ],
)
def test_a_shelf_that_cannot_be_is_not_planned(plan: ShelfPlan, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_plans([plan])
    assert refused.value.field == field


@pytest.mark.parametrize(
    "plan",
    [
        ShelfPlan(1, capacity=1, par_level=0),
        ShelfPlan(1, capacity=QUANTITY_MAX, par_level=QUANTITY_MAX),
        ShelfPlan(1, slot="A" * SLOT_LENGTH_MAX, price_cents=1),
    ],
)
def test_a_shelf_s_figures_reach_their_limits(plan: ShelfPlan) -> None:
    assert check_plans([plan]) == (plan,)


def test_a_product_is_planned_once() -> None:
    with pytest.raises(InvalidField) as refused:
        check_plans([ShelfPlan(1, "A"), ShelfPlan(1, "B")])
    assert refused.value == InvalidField(field="shelves", problem=ProductTwice())


def test_a_slot_holds_one_product_however_it_is_written() -> None:
    assert [plan.slot for plan in check_plans([ShelfPlan(1, "e\u0301"), ShelfPlan(2, "e")])] == ["é", "e"]
    with pytest.raises(InvalidField) as refused:
        check_plans([ShelfPlan(1, "e\u0301"), ShelfPlan(2, "é")])
    assert refused.value.field == "slot"
