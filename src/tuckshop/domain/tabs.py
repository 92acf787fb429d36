"""Tabs: how much may be owed, and how it is settled."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tuckshop.domain.coins import Coins, check_inserted, total_cents
from tuckshop.domain.field_problems import AmountTooSmall
from tuckshop.domain.ledger import BANK, AccountRef, Transfer, TransferKind, coin_box_of, tab_of, wallet_of
from tuckshop.domain.machines import CoinBox
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    InvalidField,
    SettlementExceedsTab,
    TabExposureReached,
    TabLimitExceeded,
)


class TabsFor(StrEnum):
    """Who may owe at all."""

    APPROVED = "approved"  # users whom an admin has given a limit
    EVERYBODY = "everybody"  # others too, up to the shop's limit, and all of them together up to a ceiling


class Grant(NamedTuple):
    """What admins have said about a user's tab: a limit of its own, or that the shop's is for this user."""

    limit_cents: int | None = None
    approved: bool = False

    @property
    def is_given(self) -> bool:
        """Whether they have said anything. Of others the shop knows nothing but a name."""
        return self.approved or self.limit_cents is not None

    def limit(self, *, usual_cents: int, tabs_for: TabsFor) -> int:
        """How much the user may owe; `usual_cents` is the shop's limit."""
        if self.limit_cents is not None:
            return self.limit_cents
        return usual_cents if self.approved or tabs_for is TabsFor.EVERYBODY else 0


class Exposure(NamedTuple):
    """What all those owe together whose tab no admin has approved, and how much that may be."""

    owed_cents: int
    ceiling_cents: int


class Tab(NamedTuple):
    """What a buyer owes, and how much that may be; `exposure` for one whom no admin has approved."""

    owed_cents: int
    limit_cents: int
    exposure: Exposure | None = None


EXPOSURE_TABS = 20  # So many full tabs of strangers a shop may lose: what its owner bears without asking.


class TabPayment(NamedTuple):
    """The settlement, and before it the deposit of the coins that it was paid with, if any."""

    transfers: list[Transfer]
    amount_cents: int
    coins: Coins


def charged(wallet: AccountRef, amount_cents: int, *, tab: Tab) -> AccountRef:
    """The account that owes this much more.

    Raises:
        TabLimitExceeded: with it, more is owed than may be; guests may owe nothing.
        TabExposureReached: with it, all those whom no admin has approved would owe more than they may.
    """
    if wallet.user_id is None or tab.owed_cents + amount_cents > tab.limit_cents:
        raise TabLimitExceeded(
            limit_cents=tab.limit_cents, owed_cents=tab.owed_cents, needed_cents=amount_cents
        )
    exposure = tab.exposure
    if exposure is not None and exposure.owed_cents + amount_cents > exposure.ceiling_cents:
        raise TabExposureReached(
            ceiling_cents=exposure.ceiling_cents, owed_cents=exposure.owed_cents, needed_cents=amount_cents
        )
    return tab_of(wallet.user_id)


def settle_in_coins(
    *,
    user_id: int,
    owed_cents: int,
    balance_cents: int,
    coins: Coins,
    box: CoinBox,
    accepted: tuple[int, ...],
) -> TabPayment:
    """Coins into the box and the wallet, and from there onto the tab as much as it owes.

    Coins seldom fit a tab to the cent: what they are worth beyond it stays in the wallet.

    Raises:
        CoinNotAccepted, InvalidField: see `coins.check_inserted`.
        SettlementExceedsTab: nothing is owed.
        BalanceTooLarge: no wallet holds that much.
    """
    coins = check_inserted(coins, accepted=accepted)
    worth = total_cents(coins)
    if not owed_cents:
        raise SettlementExceedsTab(owed_cents=0, amount_cents=worth)
    if balance_cents + worth > BALANCE_CENTS_MAX:
        raise BalanceTooLarge(balance_cents_max=BALANCE_CENTS_MAX)
    wallet, amount = wallet_of(user_id), min(owed_cents, worth)
    transfers = [
        Transfer(TransferKind.DEPOSIT, coin_box_of(box.machine_id), wallet, worth),
        Transfer(TransferKind.SETTLEMENT, wallet, tab_of(user_id), amount),
    ]
    return TabPayment(transfers, amount, coins)


def settle_by_bank(*, user_id: int, owed_cents: int, amount_cents: int) -> TabPayment:
    """A bank transfer that was received, onto the tab.

    Raises:
        InvalidField: less than 1.
        SettlementExceedsTab: more than is owed.
    """
    if amount_cents < 1:
        raise InvalidField(field="amount", problem=AmountTooSmall(1))
    if amount_cents > owed_cents:
        raise SettlementExceedsTab(owed_cents=owed_cents, amount_cents=amount_cents)
    transfer = Transfer(TransferKind.SETTLEMENT, BANK, tab_of(user_id), amount_cents)
    return TabPayment([transfer], amount_cents, {})
