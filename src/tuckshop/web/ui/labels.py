"""What the shop's fixed sets are called, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, assert_never

from tuckshop.domain.ledger import TransferKind
from tuckshop.domain.orders import OrderStatus
from tuckshop.domain.refusals import Thing
from tuckshop.domain.users import Role, Scope
from tuckshop.web.ui.i18n import Words

_OfBox = Literal[TransferKind.FILL, TransferKind.COLLECT, TransferKind.OVER, TransferKind.SHORT]


@dataclass(frozen=True, slots=True)
class Labels:
    """Given to every template as `called`."""

    words: Words

    def status(self, status: str) -> str:
        """Where an order stands."""
        words = self.words
        match OrderStatus(status):
            case OrderStatus.PLACED:
                return words.gettext("placed")
            case OrderStatus.DISPENSED:
                return words.gettext("completed")
            case OrderStatus.FAILED:
                return words.gettext("failed")
            case OrderStatus.CANCELLED:
                return words.gettext("cancelled")
            case OrderStatus.PARTLY_REFUNDED:
                return words.gettext("partly refunded")
            case OrderStatus.REFUNDED:
                return words.gettext("refunded")
            case unknown:
                assert_never(unknown)

    def thing(self, thing: Thing) -> str:
        """What can belong to somebody."""
        words = self.words
        match thing:
            case "account":
                return words.gettext("account")
            case "machine":
                return words.gettext("machine")
            case "product":
                return words.gettext("product")
            case "report":
                return words.gettext("report")
            case "wallet":
                return words.gettext("wallet")
            case unknown:
                assert_never(unknown)

    def movement(self, kind: str) -> str:
        """Why money moved."""
        words = self.words
        match TransferKind(kind):
            case TransferKind.DEPOSIT:
                return words.gettext("Coins inserted")
            case TransferKind.SALE:
                return words.gettext("Purchase")
            case TransferKind.PAYOUT:
                return words.gettext("Coins paid out")
            case TransferKind.REFUND:
                return words.gettext("Refunded")
            case TransferKind.SETTLEMENT:
                return words.gettext("Tab settled")
            case TransferKind.TRANSFER:
                return words.gettext("Sent")
            case TransferKind.TOPUP:
                return words.gettext("Top-up")
            case TransferKind.EARNINGS_PAYOUT:
                return words.gettext("Earnings paid out")
            case TransferKind.CLOSE:
                return words.gettext("Unclaimed money")
            case (TransferKind.REVERSAL | TransferKind.CHARGE) as corrected:
                return self._correction(corrected)
            case (
                TransferKind.FILL | TransferKind.COLLECT | TransferKind.OVER | TransferKind.SHORT
            ) as of_box:
                return self._of_box(of_box)
            case unknown:
                assert_never(unknown)

    def _correction(self, kind: Literal[TransferKind.REVERSAL, TransferKind.CHARGE]) -> str:
        words = self.words
        match kind:
            case TransferKind.REVERSAL:
                return words.gettext("Reversed")
            case TransferKind.CHARGE:
                return words.gettext("Put on the tab")
            case unknown:
                assert_never(unknown)

    def reversal(self, kind: str) -> str:
        """What was taken back of a movement of this kind."""
        return self.words.gettext("Reversed: %(what)s", what=self.movement(kind))

    def _of_box(self, kind: _OfBox) -> str:
        words = self.words
        match kind:
            case TransferKind.FILL:
                return words.gettext("Coin box filled")
            case TransferKind.COLLECT:
                return words.gettext("Coin box collected")
            case TransferKind.OVER:
                return words.gettext("Count over")
            case TransferKind.SHORT:
                return words.gettext("Count short")
            case unknown:
                assert_never(unknown)

    def role(self, role: str) -> str:
        """What somebody is in the shop."""
        words = self.words
        match Role(role):
            case Role.BUYER:
                return words.gettext("buyer")
            case Role.SELLER:
                return words.gettext("seller")
            case Role.CASHIER:
                return words.gettext("cashier")
            case Role.ADMIN:
                return words.gettext("admin")
            case unknown:
                assert_never(unknown)

    def roles(self, roles: Iterable[str]) -> str:
        """All that somebody is."""
        return ", ".join(self.role(role) for role in roles)

    def scope(self, scope: str) -> str:
        """What an API token may do."""
        words = self.words
        match Scope(scope):
            case Scope.READ:
                return words.gettext("read all my data")
            case Scope.BUY:
                return words.gettext("buy and pay")
            case Scope.SELL:
                return words.gettext("sell")
            case Scope.ADMIN:
                return words.gettext("use the office with my roles")
            case unknown:
                assert_never(unknown)
