"""Paying an amount in the fewest coins, exhaustively compared with slower ways of finding them (R13)."""

import random
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuckshop.domain.coins import (
    PIECES_MAX,
    Supply,
    check_inserted,
    fewest,
    inserted_as,
    largest_payable_cents,
    sums,
    total_cents,
)
from tuckshop.domain.field_problems import NotPayableInCoins, TooManyCoins
from tuckshop.domain.refusals import CoinNotAccepted, InvalidField

EURO = (5, 10, 20, 50, 100)
MINTED = tuple(m * 10**decade for decade in range(5) for m in (1, 2, 5))  # 1 cent to 500 euros
STEPS_MAX = 20_000  # Calls. The worst known box takes 14,000, one of minted money 1,400: milliseconds.

Fewest = Callable[[int, Supply], dict[int, int] | None]


# What a reader can check in the head


def test_pays_change_in_the_fewest_coins() -> None:
    assert fewest(35, dict.fromkeys(EURO)) == {20: 1, 10: 1, 5: 1}  # 100 in, 65 out


def test_is_not_greedy() -> None:
    assert fewest(60, {50: 1, 20: 3}) == {20: 3}
    assert fewest(6, {4: None, 3: None, 1: None}) == {3: 2}


def test_pays_only_with_coins_that_are_there() -> None:
    assert fewest(100, {100: 0, 50: 1, 20: 2, 10: 1}) == {50: 1, 20: 2, 10: 1}
    assert fewest(100, {50: 1, 20: 2}) is None
    assert fewest(5, {5: 0}) is None


def test_of_two_short_answers_takes_the_one_with_larger_coins() -> None:
    assert fewest(10, {9: 1, 5: 2, 1: 1}) == {9: 1, 1: 1}
    assert fewest(60, {24: 2, 13: 3, 2: None}) == {24: 2, 2: 6}  # and not 24 + 13 + 13 + 5 of 2


def test_names_the_largest_coins_first() -> None:
    assert list(fewest(185, {5: 1, 100: 1, 10: 1, 50: 1, 20: 1}) or {}) == [100, 50, 20, 10, 5]


def test_nothing_is_paid_in_no_coins() -> None:
    assert fewest(0, {}) == fewest(0, {5: 1}) == {}


def test_an_amount_was_put_in_as_the_fewest_coins() -> None:
    assert inserted_as(185, accepted=EURO) == {100: 1, 50: 1, 20: 1, 10: 1, 5: 1}
    assert inserted_as(100 * PIECES_MAX, accepted=EURO) == {100: PIECES_MAX}


@pytest.mark.parametrize("amount_cents", [-5, 0, 3, 68])
def test_an_amount_that_no_coins_make_is_refused(amount_cents: int) -> None:
    with pytest.raises(InvalidField) as refused:
        inserted_as(amount_cents, accepted=EURO)
    assert refused.value == InvalidField(field="amount", problem=NotPayableInCoins(EURO))
    with pytest.raises(InvalidField):
        inserted_as(100, accepted=())


@pytest.mark.parametrize("amount_cents", [100 * PIECES_MAX + 5, 10**15])
def test_an_amount_of_more_coins_than_anybody_feeds_is_refused(amount_cents: int) -> None:
    with pytest.raises(InvalidField) as refused:
        inserted_as(amount_cents, accepted=EURO)
    assert refused.value == InvalidField(field="coins", problem=TooManyCoins(PIECES_MAX))


def made(supply: Supply, *, below_cents: int) -> list[int]:
    bits = sums(supply, below_cents=below_cents)
    assert bits < 1 << below_cents
    return [cents for cents in range(below_cents) if bits >> cents & 1]


def test_every_amount_that_coins_make_below_a_limit_is_told() -> None:
    assert made({5: 2, 20: 1}, below_cents=31) == [0, 5, 10, 20, 25, 30]
    assert made({5: 2, 20: 1}, below_cents=30) == [0, 5, 10, 20, 25]
    assert made({5: 13}, below_cents=100) == list(range(0, 70, 5))
    assert made({5: None}, below_cents=100) == list(range(0, 100, 5))
    assert made({5: 0, 20: None}, below_cents=50) == [0, 20, 40]


@given(
    supply=st.dictionaries(st.sampled_from(EURO), st.integers(0, 20), max_size=3),
    below_cents=st.integers(1, 90),
)
def test_amounts_that_coins_make_are_those_that_can_be_paid(supply: dict[int, int], below_cents: int) -> None:
    payable = [cents for cents in range(below_cents) if fewest(cents, supply) is not None]
    assert made(supply, below_cents=below_cents) == payable


@pytest.mark.parametrize("amount_cents", [-5, -1, 1, 3, 4])
def test_what_no_coin_can_make_is_not_paid(amount_cents: int) -> None:
    assert fewest(amount_cents, dict.fromkeys(EURO)) is None
    assert fewest(amount_cents, {}) is None


def test_a_drawer_that_ran_below_zero_pays_none_of_that_coin() -> None:
    assert fewest(20, {20: -1, 10: 2}) == {10: 2}


@pytest.mark.parametrize(
    ("amount_cents", "values", "payable_cents"),
    [
        (68, EURO, 65),
        (65, EURO, 65),
        (4, EURO, 0),
        (0, EURO, 0),
        (-5, EURO, 0),
        (30, (20, 50), 20),
        (110, (20, 50), 110),
        (10, (20, 50), 0),
        (3, (2, 5), 2),
        (10**9, (100,), 10**9),
        (100, (), 0),
    ],
)
def test_what_coins_cannot_pay_is_left_over(
    amount_cents: int, values: tuple[int, ...], payable_cents: int
) -> None:
    assert largest_payable_cents(amount_cents, values) == payable_cents


@given(values=st.sets(st.integers(1, 30), min_size=1, max_size=5), amount_cents=st.integers(0, 300))
def test_no_more_than_the_rest_below_the_next_payable_amount_is_left(
    values: set[int], amount_cents: int
) -> None:
    payable = fewest_by_table(amount_cents, dict.fromkeys(values))
    most = max(amount for amount, pieces in enumerate(payable) if pieces is not None)
    assert largest_payable_cents(amount_cents, tuple(values)) == most


# What is put in


def test_counts_what_coins_are_worth() -> None:
    assert total_cents({50: 2, 20: 1}) == 120
    assert total_cents({}) == 0


def test_takes_accepted_coins_and_names_the_largest_first() -> None:
    coins = check_inserted({5: 1, 100: 2}, accepted=EURO)
    assert list(coins.items()) == [(100, 2), (5, 1)]


@pytest.mark.parametrize("value", [1, 0, -5, 200])
def test_refuses_a_coin_that_the_shop_does_not_take(value: int) -> None:
    with pytest.raises(CoinNotAccepted) as refused:
        check_inserted({50: 1, value: 1}, accepted=EURO)
    assert refused.value == CoinNotAccepted(value_cents=value, accepted=EURO)


def test_refuses_no_coins_at_all() -> None:
    with pytest.raises(InvalidField, match="no-coins"):
        check_inserted({}, accepted=EURO)


@pytest.mark.parametrize("count", [0, -1])
def test_refuses_less_than_one_of_a_coin(count: int) -> None:
    with pytest.raises(InvalidField, match=r"coin-count-too-small.*20"):
        check_inserted({50: 3, 20: count}, accepted=EURO)  # 50 * 3 - 20 would take money out by putting it in


def test_refuses_more_coins_than_anybody_feeds() -> None:
    assert check_inserted({5: PIECES_MAX - 1, 10: 1}, accepted=EURO) == {10: 1, 5: PIECES_MAX - 1}
    with pytest.raises(InvalidField, match="too-many-coins"):
        check_inserted({5: PIECES_MAX, 10: 1}, accepted=EURO)


# R13: against every way there is to pay


def fewest_by_trying_all(box: Mapping[int, int]) -> dict[int, int]:
    """The least number of coins for every amount that the box can pay, by trying every handful."""
    least: dict[int, int] = {}
    values = tuple(box)
    for counts in product(*(range(box[value] + 1) for value in values)):
        amount = sum(value * count for value, count in zip(values, counts, strict=True))
        pieces = sum(counts)
        if least.get(amount, pieces) >= pieces:
            least[amount] = pieces
    return least


def fewest_by_table(amount_cents: int, supply: Supply) -> list[int | None]:
    """The least number of coins for every amount up to this one, coin by coin."""
    never = amount_cents + 1
    least = [0] + [never] * amount_cents
    for value, held in supply.items():
        pieces = range(amount_cents // value if held is None else min(held, amount_cents // value))
        rest = len(pieces)
        bundle = 1
        while rest > 0:  # 13 coins are bundles of 1, 2, 4 and 6: with them any number up to 13 can be taken.
            taken = min(bundle, rest)
            worth = taken * value
            for amount in range(amount_cents, worth - 1, -1):
                least[amount] = min(least[amount], least[amount - worth] + taken)
            rest -= taken
            bundle *= 2
    return [None if pieces >= never else pieces for pieces in least]


def check_against(
    pay: Fewest, box: Mapping[int, int], least: Mapping[int, int], amounts: Iterable[int]
) -> None:
    """Every amount is paid exactly, from the box, with the least number of coins, or is rightly refused."""
    for amount in amounts:
        coins = pay(amount, box)
        told = f"{amount} from {box}: {coins}"
        if coins is None:
            assert amount not in least, told
            continue
        assert total_cents(coins) == amount, told
        assert all(0 < count <= box[value] for value, count in coins.items()), told
        assert sum(coins.values()) == least.get(amount), told


def check_all_boxes(pay: Fewest, values: tuple[int, ...], *, most: int, step: int) -> int:
    """Compares all boxes with up to `most` of each coin, at every amount up to their total and one above."""
    compared = 0
    for counts in product(range(most + 1), repeat=len(values)):
        box = dict(zip(values, counts, strict=True))
        amounts = range(0, total_cents(box) + step + 1, step)
        check_against(pay, box, fewest_by_trying_all(box), amounts)
        compared += len(amounts)
    return compared


@pytest.mark.uncounted
def test_every_euro_box_pays_every_amount_in_the_fewest_coins() -> None:
    compared = check_all_boxes(fewest, EURO, most=3, step=5)
    assert compared == 4**5 * 2 + 4**5 * sum(EURO) * 3 // 2 // 5  # 0, one above, and the total in 5s


def test_euro_boxes_refuse_every_amount_between_its_coins() -> None:
    for counts in product((0, 2), repeat=len(EURO)):
        box = dict(zip(EURO, counts, strict=True))
        between = (amount for amount in range(total_cents(box) + 5) if amount % 5)
        assert all(fewest(amount, box) is None for amount in between)


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("values", "most"),
    [((1, 3, 4), 5), ((20, 50), 8), ((2, 5, 7), 5), ((7,), 9), ((6, 10, 15), 5), ((9, 10, 11, 13), 3)],
    ids=str,
)
def test_awkward_coins_pay_every_amount_in_the_fewest(values: tuple[int, ...], most: int) -> None:
    check_all_boxes(fewest, values, most=most, step=1)


def test_coins_that_never_run_out_pay_every_amount_in_the_fewest() -> None:
    for values in [EURO, (1, 3, 4), (20, 50), (2, 5, 7), (7,), (6, 10, 15), (11, 13, 17)]:
        supply = dict.fromkeys(values)
        for amount, least in enumerate(fewest_by_table(400, supply)):
            coins = fewest(amount, supply)
            assert (None if coins is None else sum(coins.values())) == least, f"{amount} in {values}: {coins}"
            assert coins is None or total_cents(coins) == amount


def test_large_random_boxes_agree_with_a_table() -> None:
    chance = random.Random(13)
    for _ in range(40):
        values = chance.sample(chance.choice([EURO, MINTED[:10], tuple(range(1, 30))]), chance.randint(1, 5))
        box = {value: chance.choice([1, 7, 60, 10**6, 10**12]) for value in values}
        least = fewest_by_table(3000, box)
        payable = {amount: pieces for amount, pieces in enumerate(least) if pieces is not None}
        check_against(fewest, box, payable, chance.sample(range(3001), 50))


def test_a_huge_amount_is_a_small_one_and_many_of_the_largest_coin() -> None:
    # An answer with the fewest coins has less than 100 smaller ones, worth less than 5000.
    supply = dict.fromkeys(EURO)
    for small in range(5000, 5100, 5):
        huge, usual = fewest(10**9 + small, supply), fewest(small, supply)
        assert huge is not None
        assert usual is not None
        assert huge == {**usual, 100: usual.get(100, 0) + 10**7}


# R13: the comparison itself can fail


def greedy(amount_cents: int, supply: Supply) -> dict[int, int] | None:
    coins = {}
    for value in sorted(supply, reverse=True):
        held = supply[value]
        count = amount_cents // value if held is None else min(held, amount_cents // value)
        if count:
            coins[value] = count
            amount_cents -= value * count
    return None if amount_cents else coins


def wasteful(amount_cents: int, supply: Supply) -> dict[int, int] | None:
    coins = fewest(amount_cents, supply)
    if coins and coins.get(10) and (supply[5] or 0) >= coins.get(5, 0) + 2:
        coins = {**coins, 10: coins[10] - 1, 5: coins.get(5, 0) + 2}
        return {value: count for value, count in coins.items() if count}
    return coins


def conjuring(amount_cents: int, supply: Supply) -> dict[int, int] | None:
    return fewest(amount_cents, dict.fromkeys(supply))


def forgetful(amount_cents: int, supply: Supply) -> dict[int, int] | None:
    return fewest(amount_cents - amount_cents % 10, supply)


@pytest.mark.parametrize("wrong", [greedy, wasteful, conjuring, forgetful])
def test_the_comparison_catches_a_wrong_way_to_pay(wrong: Fewest) -> None:
    with pytest.raises(AssertionError, match="from"):
        check_all_boxes(wrong, tuple(reversed(EURO)), most=3, step=5)


def test_the_comparison_catches_greed_on_the_very_box_of_the_example() -> None:
    box = {50: 1, 20: 3}
    with pytest.raises(AssertionError, match=r"60 from .*None"):
        check_against(greedy, box, fewest_by_trying_all(box), [60])


def test_both_slower_ways_know_the_example() -> None:
    assert fewest_by_trying_all({50: 1, 20: 3})[60] == 3
    assert fewest_by_table(60, {50: 1, 20: 3})[60] == 3
    assert fewest_by_table(60, {50: 1, 20: 2})[60] is None
    assert fewest_by_table(6, {4: None, 3: None, 1: None}) == [0, 1, 2, 1, 1, 2, 2]


# R13: however large the box and the amount, an answer is there at once


def check_steps(amount_cents: int, supply: Supply, *, way: Fewest = fewest) -> None:
    """Raises AssertionError as soon as the search has tried more than it may."""
    steps = 0
    file = way.__code__.co_filename

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal steps
        if event == "call" and frame.f_code.co_filename == file:
            steps += 1
            assert steps <= STEPS_MAX, (amount_cents, supply)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        way(amount_cents, supply)
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize(
    ("amount_cents", "box"),
    [
        (10**9, dict.fromkeys(MINTED)),
        (10**9 + 3, dict.fromkeys(MINTED, 10**7) | {1: 1, 2: 0}),  # the last 3 cents cannot be paid
        (10**8 + 3, {value: 10**7 for value in MINTED if value <= 2000} | {1: 1, 2: 0}),
        (1000 * sum(MINTED) - 3, dict.fromkeys(MINTED, 1000)),  # all but the last three coins
        (500 * sum(MINTED) + 1, dict.fromkeys(MINTED, 1000)),
        (21_005_851_518, {5000: 5, 2: 3, 1000: 20, 2000: 20, 100: 10**6, 20000: 5, 50000: None, 10000: 1}),
        (10**12 + 7, {value: 10**6 + value for value in MINTED}),
        (57_167, {100: 5, 5000: 3, 20: 5, 3: 3, 500: 5, 2500: 2, 10: 10, 15: 1000, 300: 5, 50: 24, 5: None}),
        (3_064_925_322, {9: None, 67: 10**7, 20: None, 93: 8093165, 97: 9067094, 85: 4267682, 40: 10**7}),
        (200_001, dict.fromkeys((97, 89, 83, 79, 73, 71, 67), 500)),
    ],
)
def test_the_hardest_known_boxes_are_soon_paid(amount_cents: int, box: Supply) -> None:
    check_steps(amount_cents, box)


def test_random_boxes_of_minted_money_are_soon_paid() -> None:
    chance = random.Random(13)
    for _ in range(3000):
        values = chance.sample(MINTED, chance.randint(1, len(MINTED)))
        counts = (0, 1, 2, chance.randint(0, 50), 1000, 10**7, chance.choice(values), None)
        supply = {value: chance.choice(counts) for value in values}
        worth = sum(value * (held or 0) for value, held in supply.items())
        amounts = (chance.randint(1, 10**9), chance.randint(0, worth), worth - chance.randint(0, 99))
        amount = chance.choice(amounts)
        check_steps(amount, supply)


def test_a_search_that_tries_too_much_is_caught() -> None:
    def by_trying_all(amount_cents: int, supply: Supply) -> dict[int, int] | None:
        for value in supply:
            if amount_cents >= value and by_trying_all(amount_cents - value, supply) is not None:
                return {}
        return None if amount_cents else {}

    with pytest.raises(AssertionError):
        check_steps(199, {100: None, 20: None, 10: None, 2: None, 4: None}, way=by_trying_all)
