"""What the shop's fixed sets are called, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, assert_never

from tuckshop.domain.ledger import TransferKind
from tuckshop.domain.orders import OrderStatus
from tuckshop.domain.users import Role, Scope
from tuckshop.web.ui.i18n import Words

_OfBox = Literal[TransferKind.FILL, TransferKind.COLLECT, TransferKind.OVER, TransferKind.SHORT]


@dataclass(frozen=True, slots=True)
class Naming:
    """Given to every template as `called`."""

    words: Words

    def status(self, status: str) -> str:
        """Where an order stands."""
        words = self.words
        match OrderStatus(status):
            case OrderStatus.PLACED:
                return words.say("placed")
            case OrderStatus.DISPENSED:
                return words.say("handed out")
            case OrderStatus.FAILED:
                return words.say("could not be handed out")
            case OrderStatus.CANCELLED:
                return words.say("cancelled")
            case OrderStatus.PARTLY_REFUNDED:
                return words.say("partly given back")
            case OrderStatus.REFUNDED:
                return words.say("given back")
            case unknown:
                assert_never(unknown)

    def movement(self, kind: str) -> str:
        """Why money moved."""
        words = self.words
        match TransferKind(kind):
            case TransferKind.DEPOSIT:
                return words.say("Coins in")
            case TransferKind.SALE:
                return words.say("Purchase")
            case TransferKind.PAYOUT:
                return words.say("Coins out")
            case TransferKind.REFUND:
                return words.say("Given back")
            case TransferKind.SETTLEMENT:
                return words.say("Tab paid")
            case TransferKind.TRANSFER:
                return words.say("Sent")
            case TransferKind.TOPUP:
                return words.say("Topped up")
            case TransferKind.EARNINGS_PAYOUT:
                return words.say("Earnings paid out")
            case TransferKind.CLOSE:
                return words.say("Left behind")
            case (
                TransferKind.FILL | TransferKind.COLLECT | TransferKind.OVER | TransferKind.SHORT
            ) as of_box:
                return self._of_box(of_box)
            case unknown:
                assert_never(unknown)

    def _of_box(self, kind: _OfBox) -> str:
        words = self.words
        match kind:
            case TransferKind.FILL:
                return words.say("Coin box filled")
            case TransferKind.COLLECT:
                return words.say("Coin box emptied")
            case TransferKind.OVER:
                return words.say("Counted too much")
            case TransferKind.SHORT:
                return words.say("Counted too little")
            case unknown:
                assert_never(unknown)

    def role(self, role: str) -> str:
        """What somebody is in the shop."""
        words = self.words
        match Role(role):
            case Role.BUYER:
                return words.say("buyer")
            case Role.SELLER:
                return words.say("seller")
            case Role.CASHIER:
                return words.say("cashier")
            case Role.ADMIN:
                return words.say("admin")
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
                return words.say("look at everything of mine")
            case Scope.BUY:
                return words.say("buy and pay")
            case Scope.SELL:
                return words.say("sell")
            case Scope.ADMIN:
                return words.say("do what I do in the office")
            case unknown:
                assert_never(unknown)
