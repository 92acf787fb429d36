"""Putting coins into a wallet and getting them out again."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tuckshop.domain.coins import Coins, check_inserted, total_cents
from tuckshop.domain.ledger import AccountRef, Transfer, TransferKind, coin_box_of
from tuckshop.domain.machines import CoinBox, MachineRules, pay
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    CoinsCapReached,
    DepositTooLarge,
    MachineLimitReached,
    NothingToPayOut,
)


class CoinsPolicy(StrEnum):
    """Who may say that coins were put in, or take them out."""

    ATTESTED = "attested"  # a cashier, an admin or a machine
    SELF = "self"  # buyers themselves


class CoinsMoved(NamedTuple):
    """A transfer between a wallet and a coin box, and the coins that it is made of."""

    transfer: Transfer
    coins: Coins
    balance_cents: int


def deposit(
    *, wallet: AccountRef, balance_cents: int, coins: Coins, box: CoinBox, accepted: tuple[int, ...]
) -> CoinsMoved:
    """Coins into the box, their worth into the wallet.

    Raises:
        CoinNotAccepted, InvalidField: see `coins.check_inserted`.
        BalanceTooLarge: no wallet holds that much.
    """
    coins = check_inserted(coins, accepted=accepted)
    after_cents = balance_cents + total_cents(coins)
    if after_cents > BALANCE_CENTS_MAX:
        raise BalanceTooLarge(balance_cents_max=BALANCE_CENTS_MAX)
    transfer = Transfer(TransferKind.DEPOSIT, coin_box_of(box.machine_id), wallet, total_cents(coins))
    return CoinsMoved(transfer, coins, after_cents)


def require_within_cap(*, amount_cents: int, declared_cents: int, cap_cents: int) -> None:
    """Raises CoinsCapReached if these coins are more than a buyer may declare within a day."""
    if declared_cents + amount_cents > cap_cents:
        raise CoinsCapReached(cap_cents=cap_cents, left_cents=max(cap_cents - declared_cents, 0))


def require_within_machine(
    *, amount_cents: int, credited_cents: int, rules: MachineRules, wait_seconds: int
) -> None:
    """What a machine's key may credit at once and within the hour, of which `credited_cents` are used.

    Raises:
        DepositTooLarge, MachineLimitReached: it is more.
    """
    if amount_cents > rules.deposit_cents_max:
        raise DepositTooLarge(limit_cents=rules.deposit_cents_max)
    left_cents = max(rules.hourly_deposit_cents_max - credited_cents, 0)
    if amount_cents > left_cents:
        raise MachineLimitReached(
            limit_cents=rules.hourly_deposit_cents_max, left_cents=left_cents, retry_seconds=wait_seconds
        )


def pay_out(*, wallet: AccountRef, balance_cents: int, box: CoinBox, values: tuple[int, ...]) -> CoinsMoved:
    """The whole wallet in the fewest coins; cents that no coin can pay stay in it.

    Raises:
        NothingToPayOut: no coin is small enough for what is left.
        ChangeUnpayable: a counted box lacks the coins.
    """
    coins = pay(box, balance_cents, values=values)
    if not coins:
        raise NothingToPayOut(balance_cents=balance_cents)
    transfer = Transfer(TransferKind.PAYOUT, wallet, coin_box_of(box.machine_id), total_cents(coins))
    return CoinsMoved(transfer, coins, balance_cents - transfer.amount_cents)
