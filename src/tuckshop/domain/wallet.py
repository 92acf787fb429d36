"""Putting coins into a wallet and getting them out again."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from tuckshop.domain.coins import Coins, check_inserted, total_cents
from tuckshop.domain.ledger import AccountRef, Transfer, TransferKind, coin_box_of
from tuckshop.domain.machines import CoinBox, MachineRules, pay
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    CoinsCapReached,
    CoinsDeclaredElsewhere,
    DepositTooLarge,
    MachineCoinsCapReached,
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


def require_within_machine_cap(
    *, machine_id: int, amount_cents: int, declared_cents: int, cap_cents: int, retry_seconds: int
) -> None:
    """Raises MachineCoinsCapReached if these coins are more than buyers may declare at a machine in a day."""
    if declared_cents + amount_cents > cap_cents:
        raise MachineCoinsCapReached(
            machine=machine_id,
            cap_cents=cap_cents,
            left_cents=max(cap_cents - declared_cents, 0),
            retry_seconds=retry_seconds,
        )


class CoinFlow(NamedTuple):
    """What went into a wallet and out of it at one machine, ever.

    `seen_cents` was put in by the office, or came to the bank (`machine_id` None); what was `declared_cents`,
    the wallet's owner put in.
    """

    machine_id: int | None
    seen_cents: int = 0
    declared_cents: int = 0
    paid_cents: int = 0


def payable_here_cents(flows: Iterable[CoinFlow], *, machine_id: int) -> int:
    """What a counted box pays of a wallet: what was put in there, and what the office or the bank has seen.

    Whoever has declared coins at another machine gets them there, and not from coins that others have put in
    here. What another machine paid beyond what was declared there was the seen money.
    """
    by_machine: dict[int | None, CoinFlow] = {}
    for flow in flows:
        known = by_machine.get(flow.machine_id, CoinFlow(flow.machine_id))
        by_machine[flow.machine_id] = CoinFlow(
            flow.machine_id, *(one + two for one, two in zip(known[1:], flow[1:], strict=True))
        )
    here = by_machine.pop(machine_id, CoinFlow(machine_id))
    cents = here.seen_cents + here.declared_cents - here.paid_cents
    for flow in by_machine.values():
        cents += flow.seen_cents - max(flow.paid_cents - flow.declared_cents, 0)
    return max(cents, 0)


def pay_out(
    *,
    wallet: AccountRef,
    balance_cents: int,
    box: CoinBox,
    values: tuple[int, ...],
    payable_cents: int | None = None,
) -> CoinsMoved:
    """The whole wallet in the fewest coins; cents that no coin can pay stay in it.

    `payable_cents`: no more than this, see `payable_here_cents`; the rest stays too.

    Raises:
        NothingToPayOut: no coin is small enough for what is left.
        CoinsDeclaredElsewhere: nor for what is payable here.
        ChangeUnpayable: a counted box lacks the coins.
    """
    here_cents = balance_cents if payable_cents is None else min(payable_cents, balance_cents)
    coins = pay(box, here_cents, values=values)
    if not coins and here_cents < balance_cents:
        raise CoinsDeclaredElsewhere(machine=box.machine_id, balance_cents=balance_cents)
    if not coins:
        raise NothingToPayOut(balance_cents=balance_cents)
    transfer = Transfer(TransferKind.PAYOUT, wallet, coin_box_of(box.machine_id), total_cents(coins))
    return CoinsMoved(transfer, coins, balance_cents - transfer.amount_cents)
