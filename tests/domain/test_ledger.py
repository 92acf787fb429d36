"""Double entry: positive amounts between two accounts, and signs that are said once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuckshop.domain.ledger import (
    DEBIT_NORMAL,
    HOUSE,
    AccountKind,
    AccountRef,
    Transfer,
    TransferKind,
    coin_box_of,
    earnings_of,
    normal_cents,
    wallet_of,
)

POTS = [wallet_of(1), wallet_of(2), earnings_of(1), coin_box_of(1), HOUSE, AccountRef(AccountKind.BANK)]


def test_a_coin_box_with_three_euros_is_read_as_three_euros() -> None:
    assert normal_cents(AccountKind.COIN_BOX, -300) == 300
    assert normal_cents(AccountKind.WALLET, 300) == 300


def test_what_the_shop_has_is_debit_normal_and_what_it_owes_is_not() -> None:
    assert {kind.value for kind in DEBIT_NORMAL} == {"tab", "coin_box", "bank", "over_short", "write_off"}
    assert {kind.value for kind in set(AccountKind) - DEBIT_NORMAL} == {
        "wallet", "earnings", "house", "unclaimed",
    }  # fmt: skip


def test_a_sale_without_a_seller_earns_for_the_house() -> None:
    assert earnings_of(None) == HOUSE
    assert earnings_of(7) == AccountRef(AccountKind.EARNINGS, user_id=7)


def test_pots_of_one_number_are_still_different_pots() -> None:
    guest = AccountRef(AccountKind.WALLET, guest_id=1)
    assert len({wallet_of(1), guest, earnings_of(1), coin_box_of(1)}) == 4


@pytest.mark.parametrize("amount_cents", [0, -1])
def test_a_transfer_of_less_than_a_cent_cannot_be_built(amount_cents: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Transfer(TransferKind.SALE, wallet_of(1), HOUSE, amount_cents)


def test_a_transfer_from_an_account_to_itself_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="two accounts"):
        Transfer(TransferKind.SALE, wallet_of(1), wallet_of(1), 5)


def test_a_transfer_never_changes() -> None:
    transfer = Transfer(TransferKind.SALE, wallet_of(1), HOUSE, 1)
    with pytest.raises(AttributeError):
        transfer.amount_cents = 2  # type: ignore[misc]


@given(
    st.lists(
        st.tuples(st.sampled_from(POTS), st.sampled_from(POTS), st.integers(1, 10**9)).filter(
            lambda move: move[0] != move[1]
        )
    )
)
def test_after_any_transfers_all_accounts_sum_to_nothing(
    moves: list[tuple[AccountRef, AccountRef, int]],
) -> None:
    balances = dict.fromkeys(POTS, 0)
    for source, target, amount in moves:
        transfer = Transfer(TransferKind.DEPOSIT, source, target, amount)
        balances[transfer.source] -= transfer.amount_cents
        balances[transfer.target] += transfer.amount_cents
    owned = sum(normal_cents(pot.kind, cents) for pot, cents in balances.items() if pot.kind in DEBIT_NORMAL)
    assert owned == sum(cents for pot, cents in balances.items() if pot.kind not in DEBIT_NORMAL)
