"""Coins into a wallet and out again: every cent is in one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuckshop.domain.coins import total_cents
from tuckshop.domain.ledger import Transfer, TransferKind, coin_box_of, wallet_of
from tuckshop.domain.machines import BoxKind, CoinBox
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    ChangeUnpayable,
    CoinNotAccepted,
    InvalidField,
    NothingToPayOut,
)
from tuckshop.domain.wallet import CoinsMoved, deposit, pay_out

EURO = (5, 10, 20, 50, 100)
WALLET, BOX = wallet_of(7), coin_box_of(3)
DRAWER = CoinBox(machine_id=3, kind=BoxKind.UNLIMITED, held={})


def put_in(balance_cents: int, coins: dict[int, int]) -> CoinsMoved:
    return deposit(wallet=WALLET, balance_cents=balance_cents, coins=coins, box=DRAWER, accepted=EURO)


def take_out(balance_cents: int, box: CoinBox = DRAWER) -> CoinsMoved:
    return pay_out(wallet=WALLET, balance_cents=balance_cents, box=box, values=EURO)


def test_coins_put_in_are_in_the_box_and_their_worth_in_the_wallet() -> None:
    moved = put_in(30, {20: 1, 50: 2})
    assert moved.transfer == Transfer(TransferKind.DEPOSIT, BOX, WALLET, 120)
    assert list(moved.coins.items()) == [(50, 2), (20, 1)]
    assert moved.balance_cents == 150


def test_refuses_coins_that_are_not_taken_or_not_there() -> None:
    with pytest.raises(CoinNotAccepted):
        put_in(0, {200: 1})
    with pytest.raises(InvalidField):
        put_in(0, {50: -1})
    with pytest.raises(InvalidField):
        put_in(0, {})


def test_no_wallet_holds_more_than_the_greatest_balance() -> None:
    assert put_in(BALANCE_CENTS_MAX - 5, {5: 1}).balance_cents == BALANCE_CENTS_MAX
    with pytest.raises(BalanceTooLarge) as refused:
        put_in(BALANCE_CENTS_MAX - 4, {5: 1})
    assert refused.value == BalanceTooLarge(balance_cents_max=BALANCE_CENTS_MAX)


def test_a_wallet_is_paid_out_whole() -> None:
    moved = take_out(185)
    assert moved.transfer == Transfer(TransferKind.PAYOUT, WALLET, BOX, 185)
    assert moved.coins == {100: 1, 50: 1, 20: 1, 10: 1, 5: 1}
    assert moved.balance_cents == 0


def test_cents_that_no_coin_can_pay_stay_in_the_wallet() -> None:
    moved = take_out(8)
    assert (moved.coins, moved.transfer.amount_cents, moved.balance_cents) == ({5: 1}, 5, 3)


@pytest.mark.parametrize("balance_cents", [0, 4, -5])
def test_refuses_to_pay_out_less_than_the_smallest_coin(balance_cents: int) -> None:
    with pytest.raises(NothingToPayOut) as refused:
        take_out(balance_cents)
    assert refused.value == NothingToPayOut(balance_cents=balance_cents)


def test_refuses_to_pay_out_coins_that_the_box_lacks() -> None:
    with pytest.raises(ChangeUnpayable) as refused:
        take_out(60, CoinBox(3, BoxKind.COUNTED, {50: 1, 20: 2}))
    assert refused.value == ChangeUnpayable(change_cents=60)


@given(
    before_cents=st.integers(0, 10_000),
    coins=st.dictionaries(st.sampled_from(EURO), st.integers(1, 50), min_size=1),
)
def test_what_goes_in_and_out_again_leaves_no_cent_behind(before_cents: int, coins: dict[int, int]) -> None:
    into = put_in(before_cents, coins)
    assert into.balance_cents == before_cents + into.transfer.amount_cents
    out = take_out(into.balance_cents)
    assert out.balance_cents == before_cents % 5
    assert total_cents(out.coins) == out.transfer.amount_cents == into.balance_cents - out.balance_cents
