"""Wallets, coins, tabs, earnings and transfers."""

from __future__ import annotations

from tuckshop.domain.refusals.base import Conflict


class InsufficientFunds(Conflict, code="insufficient-funds"):
    """The wallet holds less than the order costs, or than is to be sent."""

    needed_cents: int
    balance_cents: int


class BalanceTooLarge(Conflict, code="balance-too-large"):
    """The wallet would hold more than any wallet may."""

    balance_cents_max: int


class ChangeUnpayable(Conflict, code="change-unpayable"):
    """The coin box cannot pay this change with the coins it holds: exact money, please."""

    change_cents: int


class NothingToPayOut(Conflict, code="nothing-to-pay-out"):
    """The wallet holds nothing that coins can pay."""

    balance_cents: int


class CoinsMissing(Conflict, code="coins-missing"):
    """The coin box holds fewer of these than are to be taken out."""

    value_cents: int
    available: int


class CoinsOwed(Conflict, code="coins-owed"):
    """The coin box is below zero in some coin, and no counted box can be: fill or count it first."""

    machine: int


class NotPayable(Conflict, code="not-payable"):
    """The seller's earnings do not give that much now; `payable_cents` they do."""

    payable_cents: int
    balance_cents: int


class PayoutNotCovered(Conflict, code="payout-not-covered"):
    """The shop has `covered_cents` that it has seen or has at the bank: to pay more, confirm it."""

    amount_cents: int
    covered_cents: int


class RefundNotCovered(Conflict, code="refund-not-covered"):
    """The seller's earnings cover only `covered_cents` of the refund; the office may make it."""

    amount_cents: int
    covered_cents: int


class EarningsOwed(Conflict, code="earnings-owed"):
    """The user's earnings are below 0: so much must be paid to the shop before the user can be closed."""

    owed_cents: int


class ExternalRefTaken(Conflict, code="external-ref-taken"):
    """This reference has moved money before; `transfer` is what it stands for."""

    external_ref: str
    transfer: int


class NotReversible(Conflict, code="not-reversible"):
    """A transfer of this kind is put right in another way: sales by a refund, counts by a count."""

    transfer: int
    kind: str


class AlreadyReversed(Conflict, code="already-reversed"):
    """The transfer was reversed before; `reversal` is the transfer that did it."""

    transfer: int
    reversal: int


class ReversalNotCovered(Conflict, code="reversal-not-covered"):
    """The wallet holds less than is to be taken back; the rest can go on a user's tab. Guests have none."""

    needed_cents: int
    balance_cents: int


class TabLimitExceeded(Conflict, code="tab-limit-exceeded"):
    """The buyer's tab would owe more than it may."""

    limit_cents: int
    owed_cents: int
    needed_cents: int


class TabExposureReached(Conflict, code="tab-exposure-reached"):
    """All those whose tab no admin has approved would owe more than they may together.

    `owed_cents` is what they owe now, `ceiling_cents` what they may. It ends when some of it is settled.
    """

    ceiling_cents: int
    owed_cents: int
    needed_cents: int


class SettlementExceedsTab(Conflict, code="settlement-exceeds-tab"):
    """More was to be settled than the tab owes."""

    owed_cents: int
    amount_cents: int


class CoinsCapReached(Conflict, code="coins-cap-reached"):
    """The buyer has declared as many coins within a day as nobody need see; `left_cents` are still free."""

    cap_cents: int
    left_cents: int


class DepositTooLarge(Conflict, code="deposit-too-large"):
    """More was to be credited at once with a machine's key than `limit_cents`."""

    limit_cents: int


class MachineLimitReached(Conflict, code="machine-limit-reached"):
    """The machine's key has credited as much within the hour as it may; `left_cents` are still free."""

    limit_cents: int
    left_cents: int
    retry_seconds: int


class MachineCoinsCapReached(Conflict, code="machine-coins-cap-reached"):
    """Buyers have declared as many coins at this machine as they may in a day; it ends in `retry_seconds`."""

    machine: int
    cap_cents: int
    left_cents: int
    retry_seconds: int


class CoinsDeclaredElsewhere(Conflict, code="coins-declared-elsewhere"):
    """The wallet's money was declared in coins at other machines: this one does not pay it."""

    machine: int
    balance_cents: int


class WalletTouched(Conflict, code="wallet-touched"):
    """The wallet holds something else than the caller has seen."""

    balance_cents: int
