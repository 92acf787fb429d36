"""Accounts, transfers and their signs: double entry, once and for all.

A transfer moves a positive amount from one account to another, and nothing else changes a balance.
Balances are kept credit-positive: a transfer takes its amount from the source (debits it) and adds it to
the target (credits it), so all accounts of the shop always sum to 0. For a person, an account is shown
with its normal side positive (`normal_cents`): a coin box that holds 3.00 has the balance -300.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class AccountKind(StrEnum):
    """What a pot of money is for, and by its owner's column, whose."""

    WALLET = "wallet"  # what the shop owes a buyer or guest
    TAB = "tab"  # what a buyer owes the shop
    EARNINGS = "earnings"  # what the shop owes a seller
    COIN_BOX = "coin_box"  # coins in a machine
    HOUSE = "house"  # the shop's own sales
    BANK = "bank"  # money outside the machines
    OVER_SHORT = "over_short"  # coins that counting found or missed
    UNCLAIMED = "unclaimed"  # left behind by closed wallets
    WRITE_OFF = "write_off"  # given up

    __hash__ = (
        str.__hash__
    )  # As equality is the text's; the enum's own is slow, and references are hashed a lot.


DEBIT_NORMAL = frozenset(
    {AccountKind.TAB, AccountKind.COIN_BOX, AccountKind.BANK, AccountKind.OVER_SHORT, AccountKind.WRITE_OFF}
)
"""What the shop has or has lost. Every other kind is credit-normal: what it owes or has earned."""


def normal_cents(kind: AccountKind, balance_cents: int) -> int:
    """The balance as people read it: positive on the account's normal side."""
    return -balance_cents if kind in DEBIT_NORMAL else balance_cents


class AccountRef(NamedTuple):
    """Which pot: its kind and at most one owner. The store gives each an id when it is first used."""

    kind: AccountKind
    user_id: int | None = None
    guest_id: int | None = None
    machine_id: int | None = None


HOUSE = AccountRef(AccountKind.HOUSE)
BANK = AccountRef(AccountKind.BANK)
OVER_SHORT = AccountRef(AccountKind.OVER_SHORT)
UNCLAIMED = AccountRef(AccountKind.UNCLAIMED)


def wallet_of(user_id: int) -> AccountRef:
    """A user's wallet."""
    return AccountRef(AccountKind.WALLET, user_id)


def tab_of(user_id: int) -> AccountRef:
    """What a user has bought on account and not settled."""
    return AccountRef(AccountKind.TAB, user_id)


def earnings_of(seller_id: int | None) -> AccountRef:
    """A seller's earnings; those of no seller are the house's."""
    return HOUSE if seller_id is None else AccountRef(AccountKind.EARNINGS, seller_id)


def coin_box_of(machine_id: int) -> AccountRef:
    """The coins in a machine."""
    return AccountRef(AccountKind.COIN_BOX, None, None, machine_id)


class TransferKind(StrEnum):
    """Why money moved. docs/money.md shows each with numbers."""

    DEPOSIT = "deposit"  # coins into a wallet
    SALE = "sale"  # wallet or tab to a seller, or to the house
    PAYOUT = "payout"  # wallet to coins
    REFUND = "refund"  # a seller, or the house, back to the wallet or tab
    SETTLEMENT = "settlement"  # wallet or bank to a tab
    TRANSFER = "transfer"  # one wallet to another
    TOPUP = "topup"  # bank to a wallet
    EARNINGS_PAYOUT = "earnings_payout"  # a seller to the bank
    CLOSE = "close"  # a wallet's rest to unclaimed
    FILL = "fill"  # bank to a coin box
    COLLECT = "collect"  # a coin box to the bank
    OVER = "over"  # coins that a count found, into their box
    SHORT = "short"  # coins that a count missed, out of it
    REVERSAL = "reversal"  # a transfer that was a mistake, the other way round
    CHARGE = "charge"  # a tab to its owner's wallet, which lacks what is reversed


@dataclass(frozen=True, slots=True)
class Transfer:
    """An immutable movement of money.

    Raises:
        ValueError: built with an amount below 1, or from an account to itself.
    """

    kind: TransferKind
    source: AccountRef
    target: AccountRef
    amount_cents: int

    def __post_init__(self) -> None:
        if self.amount_cents < 1:
            raise ValueError(f"a transfer moves at least 1, not {self.amount_cents}")
        if self.source == self.target:
            raise ValueError(f"a transfer needs two accounts, not {self.source} twice")
