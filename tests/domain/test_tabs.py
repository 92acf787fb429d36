"""Tabs: owed up to the limit, and paid up to what is owed."""

from __future__ import annotations

import pytest

from tuckshop.domain.field_problems import AmountTooSmall
from tuckshop.domain.ledger import (
    BANK,
    AccountKind,
    AccountRef,
    Transfer,
    TransferKind,
    coin_box_of,
    tab_of,
    wallet_of,
)
from tuckshop.domain.machines import BoxKind, CoinBox
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import BalanceTooLarge, InvalidField, SettlementExceedsTab, TabLimitExceeded
from tuckshop.domain.tabs import Tab, TabPayment, charged, settle_by_bank, settle_in_coins

ADA = 1
WALLET, TAB = wallet_of(ADA), tab_of(ADA)
DRAWER = CoinBox(machine_id=3, kind=BoxKind.UNLIMITED, held={})


def in_coins(owed_cents: int, coins: dict[int, int], *, balance_cents: int = 0) -> TabPayment:
    return settle_in_coins(
        user_id=ADA,
        owed_cents=owed_cents,
        balance_cents=balance_cents,
        coins=coins,
        box=DRAWER,
        accepted=(5, 50),
    )


def test_a_tab_owes_up_to_its_limit_and_not_a_cent_more() -> None:
    assert charged(WALLET, 60, tab=Tab(40, 100)) == TAB
    with pytest.raises(TabLimitExceeded) as refused:
        charged(WALLET, 61, tab=Tab(40, 100))
    assert refused.value == TabLimitExceeded(limit_cents=100, owed_cents=40, needed_cents=61)


def test_a_guest_owes_nothing() -> None:
    with pytest.raises(TabLimitExceeded):
        charged(AccountRef(AccountKind.WALLET, guest_id=5), 1, tab=Tab(0, 100))


@pytest.mark.parametrize(("owed", "amount"), [(40, 40), (50, 50), (60, 50)])
def test_coins_go_into_the_wallet_and_from_there_onto_the_tab(owed: int, amount: int) -> None:
    paid = in_coins(owed, {50: 1})
    assert paid == TabPayment(
        [
            Transfer(TransferKind.DEPOSIT, coin_box_of(3), WALLET, 50),
            Transfer(TransferKind.SETTLEMENT, WALLET, TAB, amount),
        ],
        amount,
        {50: 1},
    )


def test_nothing_is_paid_onto_a_tab_that_owes_nothing() -> None:
    with pytest.raises(SettlementExceedsTab) as refused:
        in_coins(0, {50: 1})
    assert refused.value == SettlementExceedsTab(owed_cents=0, amount_cents=50)
    with pytest.raises(InvalidField):
        in_coins(40, {50: -1})


def test_the_wallet_takes_the_coins_up_to_the_largest_balance() -> None:
    assert in_coins(5, {5: 1}, balance_cents=BALANCE_CENTS_MAX - 5).amount_cents == 5
    with pytest.raises(BalanceTooLarge):
        in_coins(5, {5: 1}, balance_cents=BALANCE_CENTS_MAX - 4)


def test_a_bank_transfer_pays_from_one_cent_up_to_what_is_owed() -> None:
    for cents in (1, 40):
        paid = settle_by_bank(user_id=ADA, owed_cents=40, amount_cents=cents)
        assert paid == TabPayment([Transfer(TransferKind.SETTLEMENT, BANK, TAB, cents)], cents, {})
    with pytest.raises(SettlementExceedsTab) as refused:
        settle_by_bank(user_id=ADA, owed_cents=40, amount_cents=41)
    assert refused.value == SettlementExceedsTab(owed_cents=40, amount_cents=41)
    with pytest.raises(InvalidField) as too_little:
        settle_by_bank(user_id=ADA, owed_cents=40, amount_cents=0)
    assert too_little.value == InvalidField(field="amount", problem=AmountTooSmall(1))
