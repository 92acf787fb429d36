"""Money between accounts, without coins: sent, topped up, paid to sellers, left behind."""

from __future__ import annotations

import unicodedata

from tuckshop.domain.field_problems import AmountTooSmall, SameUser, WrongLength
from tuckshop.domain.ledger import BANK, UNCLAIMED, AccountRef, Transfer, TransferKind, earnings_of
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import BalanceTooLarge, InsufficientFunds, InvalidField, NotPayable
from tuckshop.domain.users import name_key

EXTERNAL_REF_LENGTH_MAX = 128
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})  # Unicode categories of spaces, controls and joiners.


def send(
    *, source: AccountRef, target: AccountRef, amount_cents: int, source_cents: int, target_cents: int
) -> Transfer:
    """Money from one wallet into another.

    Raises:
        InvalidField: less than 1, or to oneself.
        InsufficientFunds: the wallet holds less.
        BalanceTooLarge: no wallet holds that much.
    """
    _check_amount(amount_cents)
    if source == target:
        raise InvalidField(field="to", problem=SameUser())
    if amount_cents > source_cents:
        raise InsufficientFunds(needed_cents=amount_cents, balance_cents=source_cents)
    _check_room(target_cents + amount_cents)
    return Transfer(TransferKind.TRANSFER, source, target, amount_cents)


def top_up(*, wallet: AccountRef, balance_cents: int, amount_cents: int) -> Transfer:
    """Money from the bank into a wallet.

    Raises:
        InvalidField: less than 1.
        BalanceTooLarge: no wallet holds that much.
    """
    _check_amount(amount_cents)
    _check_room(balance_cents + amount_cents)
    return Transfer(TransferKind.TOPUP, BANK, wallet, amount_cents)


def pay_seller(
    *, seller_id: int, balance_cents: int, payable_cents: int, amount_cents: int | None
) -> Transfer:
    """Earnings to the bank, all that is payable unless an amount is named.

    Raises:
        InvalidField: less than 1.
        NotPayable: nothing is payable, or less than named.
    """
    if amount_cents is not None:
        _check_amount(amount_cents)
    amount_cents = amount_cents or payable_cents
    if not 1 <= amount_cents <= payable_cents:
        raise NotPayable(payable_cents=payable_cents, balance_cents=balance_cents)
    return Transfer(TransferKind.EARNINGS_PAYOUT, earnings_of(seller_id), BANK, amount_cents)


def close(*, wallet: AccountRef, balance_cents: int) -> Transfer | None:
    """What is left in the wallet, to nobody; None for an empty one."""
    return Transfer(TransferKind.CLOSE, wallet, UNCLAIMED, balance_cents) if balance_cents else None


def ref_key(external_ref: str) -> str:
    """What makes two references of a bank the same: neither case nor spaces nor what nobody can see.

    People type them from a statement, where one bank writes `RF18 5390` and another `rf185390`.
    """
    seen = unicodedata.normalize("NFKC", external_ref)
    return name_key("".join(char for char in seen if unicodedata.category(char) not in _UNSEEN))


def check_external_ref(external_ref: str) -> str:
    """The reference itself. Raises InvalidField for one that is blank or too long."""
    if not ref_key(external_ref) or len(external_ref) > EXTERNAL_REF_LENGTH_MAX:
        raise InvalidField(field="external_ref", problem=WrongLength(1, EXTERNAL_REF_LENGTH_MAX))
    return external_ref


def _check_amount(amount_cents: int) -> None:
    if amount_cents < 1:
        raise InvalidField(field="amount", problem=AmountTooSmall(1))


def _check_room(balance_cents: int) -> None:
    if balance_cents > BALANCE_CENTS_MAX:
        raise BalanceTooLarge(balance_cents_max=BALANCE_CENTS_MAX)
