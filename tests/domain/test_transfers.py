"""Money between accounts: exact limits, and nothing beyond them."""

from __future__ import annotations

import pytest

from tuckshop.domain.field_problems import AmountTooSmall, WrongLength
from tuckshop.domain.ledger import BANK, UNCLAIMED, Transfer, TransferKind, earnings_of, wallet_of
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import BalanceTooLarge, InsufficientFunds, InvalidField, NotPayable
from tuckshop.domain.transfers import (
    EXTERNAL_REF_LENGTH_MAX,
    check_external_ref,
    close,
    pay_seller,
    send,
    top_up,
)

ADA, BOB, SAM = wallet_of(1), wallet_of(2), 7
TOO_LITTLE = InvalidField(field="amount", problem=AmountTooSmall(1))


def sent(amount_cents: int, *, source_cents: int = 500, target_cents: int = 0) -> Transfer:
    return send(
        source=ADA,
        target=BOB,
        amount_cents=amount_cents,
        source_cents=source_cents,
        target_cents=target_cents,
    )


def paid(amount_cents: int | None, *, payable_cents: int = 300) -> Transfer:
    return pay_seller(
        seller_id=SAM, balance_cents=900, payable_cents=payable_cents, amount_cents=amount_cents
    )


def test_a_wallet_can_be_sent_whole_and_not_a_cent_more() -> None:
    assert sent(500) == Transfer(TransferKind.TRANSFER, ADA, BOB, 500)
    with pytest.raises(InsufficientFunds):
        sent(501)


def test_a_wallet_takes_up_to_the_largest_balance() -> None:
    assert sent(2, target_cents=BALANCE_CENTS_MAX - 2).amount_cents == 2
    topped = top_up(wallet=ADA, balance_cents=BALANCE_CENTS_MAX - 2, amount_cents=2)
    assert topped == Transfer(TransferKind.TOPUP, BANK, ADA, 2)
    with pytest.raises(BalanceTooLarge):
        sent(2, target_cents=BALANCE_CENTS_MAX - 1)
    with pytest.raises(BalanceTooLarge):
        top_up(wallet=ADA, balance_cents=BALANCE_CENTS_MAX - 1, amount_cents=2)


@pytest.mark.parametrize("amount_cents", [0, -1])
def test_nothing_is_not_moved(amount_cents: int) -> None:
    with pytest.raises(InvalidField) as refused:
        sent(amount_cents)
    assert refused.value == TOO_LITTLE
    with pytest.raises(InvalidField) as refused:
        top_up(wallet=ADA, balance_cents=0, amount_cents=amount_cents)
    assert refused.value == TOO_LITTLE
    with pytest.raises(InvalidField) as refused:
        paid(amount_cents)
    assert refused.value == TOO_LITTLE


def test_a_seller_is_paid_what_is_payable_or_what_is_named_of_it() -> None:
    assert paid(None) == Transfer(TransferKind.EARNINGS_PAYOUT, earnings_of(SAM), BANK, 300)
    assert [paid(cents).amount_cents for cents in (1, 300)] == [1, 300]
    for amount_cents, payable_cents in ((301, 300), (None, 0)):
        with pytest.raises(NotPayable) as refused:
            paid(amount_cents, payable_cents=payable_cents)
        assert refused.value == NotPayable(payable_cents=payable_cents, balance_cents=900)


def test_a_bank_s_reference_has_1_to_128_characters() -> None:
    for length in (1, EXTERNAL_REF_LENGTH_MAX):
        assert check_external_ref("x" * length) == "x" * length
    for length in (0, EXTERNAL_REF_LENGTH_MAX + 1):
        with pytest.raises(InvalidField) as refused:
            check_external_ref("x" * length)
        assert refused.value == InvalidField(field="external_ref", problem=WrongLength(1, 128))


def test_an_empty_wallet_closes_without_a_transfer() -> None:
    assert close(wallet=ADA, balance_cents=1) == Transfer(TransferKind.CLOSE, ADA, UNCLAIMED, 1)
    assert close(wallet=ADA, balance_cents=0) is None
