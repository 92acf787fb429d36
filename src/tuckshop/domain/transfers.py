"""Money between accounts, without coins: sent, topped up, paid out, left behind; and mistakes undone."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from tuckshop.domain.coins import Coins
from tuckshop.domain.field_problems import AmountTooSmall, SameUser, WrongLength
from tuckshop.domain.ledger import (
    BANK,
    UNCLAIMED,
    AccountKind,
    AccountRef,
    Transfer,
    TransferKind,
    earnings_of,
    tab_of,
)
from tuckshop.domain.machines import CoinBox, require_held
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.products import REASON_LENGTH_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    InsufficientFunds,
    InvalidField,
    NotPayable,
    NotReversible,
    PayoutNotCovered,
    ReversalNotCovered,
)
from tuckshop.domain.users import Actor, Role, name_key

EXTERNAL_REF_LENGTH_MAX = 128
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})  # Unicode categories of spaces, controls and joiners.
REVERSIBLE = {
    TransferKind.DEPOSIT: (Role.CASHIER, Role.ADMIN),
    TransferKind.PAYOUT: (Role.CASHIER, Role.ADMIN),
    TransferKind.SETTLEMENT: (Role.CASHIER, Role.ADMIN),
    TransferKind.TOPUP: (Role.ADMIN,),
    TransferKind.EARNINGS_PAYOUT: (Role.ADMIN,),
}
"""What can be reversed, and by whom: those who may book it. Sales have refunds, boxes are counted, and what
users send each other is their own affair."""


class Booked(NamedTuple):
    """A transfer that is in the books, and its coins: above 0 into the box, below 0 out of it.

    `declared`: a deposit of which nobody of the shop has seen the coins.
    """

    id: int
    transfer: Transfer
    machine_id: int | None
    coins: Coins
    actor_id: int | None = None
    declared: bool = False


class Reversed(NamedTuple):
    """What is to be booked: what the wallet lacks, onto the tab; then each transfer with its reversal."""

    charge: Transfer | None
    reversals: list[tuple[Booked, Transfer]]


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


def require_covered(*, amount_cents: int, covered_cents: int) -> None:
    """Raises PayoutNotCovered for more than the shop has seen in coins or at the bank.

    Else sellers are paid, in real money, what buyers have only said they put in.
    """
    if amount_cents > covered_cents:
        raise PayoutNotCovered(amount_cents=amount_cents, covered_cents=max(covered_cents, 0))


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


def owner_of(booked: Booked) -> AccountRef:
    """The account of the user or guest whose money it was; a wallet before a tab."""
    ends = (booked.transfer.source, booked.transfer.target)
    for kind in (AccountKind.WALLET, AccountKind.TAB, AccountKind.EARNINGS):
        for ref in ends:
            if ref.kind is kind:
                return ref
    raise ValueError(f"transfer {booked.id} is nobody's")


def check_reason(reason: str) -> str:
    """The reason without space at its ends. Raises InvalidField for none, or one that is too long."""
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_LENGTH_MAX:
        raise InvalidField(field="reason", problem=WrongLength(1, REASON_LENGTH_MAX))
    return reason


def require_right(actor: Actor, booked: Booked) -> None:
    """Whether the actor may reverse it: those who may book such a transfer.

    Raises:
        NotReversible: nobody may.
        RoleMissing: others may.
    """
    kind = booked.transfer.kind
    if kind not in REVERSIBLE:
        raise NotReversible(transfer=booked.id, kind=kind)
    actor.require(*REVERSIBLE[kind])


def reverse(booked: Sequence[Booked], *, balance_cents: int, box: CoinBox | None, owe: bool) -> Reversed:
    """These transfers of one user or guest, the other way round.

    `balance_cents` is what the wallet holds, 0 if they moved none; `box` the coin box that they moved. With
    `owe`, what the wallet lacks goes on its owner's tab, whatever its limit: the money is gone. Guests have
    no tab.

    Raises:
        ReversalNotCovered: the wallet lacks it, and it is not to be owed.
        BalanceTooLarge: no wallet holds that much.
        CoinsMissing: a counted box has not all of the coins any more.
    """
    reversals = [(one, _other_way(one.transfer)) for one in booked]
    wallet = owner_of(booked[0]) if owner_of(booked[0]).kind is AccountKind.WALLET else None
    after_cents = balance_cents
    for _, transfer in reversals:
        after_cents += transfer.amount_cents * ((transfer.target == wallet) - (transfer.source == wallet))
    if after_cents > BALANCE_CENTS_MAX:
        raise BalanceTooLarge(balance_cents_max=BALANCE_CENTS_MAX)
    charge = None
    if after_cents < 0:
        if not owe or wallet is None or wallet.user_id is None:
            raise ReversalNotCovered(needed_cents=balance_cents - after_cents, balance_cents=balance_cents)
        charge = Transfer(TransferKind.CHARGE, tab_of(wallet.user_id), wallet, -after_cents)
    for one in booked:
        if box is not None:
            require_held(box, {value: count for value, count in one.coins.items() if count > 0})
    return Reversed(charge, reversals)


def _other_way(transfer: Transfer) -> Transfer:
    return Transfer(TransferKind.REVERSAL, transfer.target, transfer.source, transfer.amount_cents)


def _check_amount(amount_cents: int) -> None:
    if amount_cents < 1:
        raise InvalidField(field="amount", problem=AmountTooSmall(1))


def _check_room(balance_cents: int) -> None:
    if balance_cents > BALANCE_CENTS_MAX:
        raise BalanceTooLarge(balance_cents_max=BALANCE_CENTS_MAX)
