"""What can be asked of the till, and what it answers: plain frozen values.

A command says what is wanted and who asks; the till alone decides. Every answer is a receipt below or a
refusal of `domain.refusals`. Receipts hold all that any interface shows, since a replayed idempotency
key must give the same answer again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tuckshop.domain.coins import Coins
from tuckshop.domain.ledger import AccountRef
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.orders import Change
from tuckshop.domain.refusals import Refusal


class Caller(NamedTuple):
    """Whose session asks. Session and user None: the operator at the command line."""

    session_id: int | None
    user_id: int | None

    @property
    def scope(self) -> str:
        """The namespace of the caller's idempotency keys."""
        return "operator" if self.user_id is None else f"user:{self.user_id}"


OPERATOR = Caller(None, None)


@dataclass(frozen=True, slots=True)
class Deposit:
    """Coins were put into a machine for a wallet."""

    caller: Caller
    wallet: AccountRef
    coins: Coins
    machine_id: int = DEFAULT_MACHINE_ID


@dataclass(frozen=True, slots=True)
class PayOut:
    """A whole wallet in coins."""

    caller: Caller
    wallet: AccountRef
    machine_id: int = DEFAULT_MACHINE_ID


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Pieces of products, each named once, from one machine, paid from one wallet."""

    caller: Caller
    wallet: AccountRef
    lines: tuple[tuple[int, int], ...]
    change: Change = Change.KEEP
    client_ref: str | None = None
    machine_id: int = DEFAULT_MACHINE_ID


@dataclass(frozen=True, slots=True)
class Refund:
    """Pieces of an order back; `quantities` by product, None for all that is left."""

    caller: Caller
    order_id: int
    quantities: Mapping[int, int] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AddProduct:
    """A new product of the caller's (`for_house`: of the shop itself) with its first stock."""

    caller: Caller
    name: str
    price_cents: int
    stock: int
    refundable: bool = True
    tax_basis_points: int = 0
    cost_cents: int = 0
    image_id: int | None = None
    for_house: bool = False
    machine_id: int = DEFAULT_MACHINE_ID


@dataclass(frozen=True, slots=True)
class ChangeProduct:
    """New attributes, and stock to a target as a correction; None leaves a thing as it is.

    `version`: change only if the product still is at this attribute version.
    """

    caller: Caller
    product_id: int
    version: int | None = None
    name: str | None = None
    price_cents: int | None = None
    refundable: bool | None = None
    tax_basis_points: int | None = None
    cost_cents: int | None = None
    image_id: int | None = None
    stock: int | None = None
    reason: str | None = None
    machine_id: int = DEFAULT_MACHINE_ID


@dataclass(frozen=True, slots=True)
class Restock:
    """More pieces onto a shelf."""

    caller: Caller
    product_id: int
    quantity: int
    reason: str | None = None
    machine_id: int = DEFAULT_MACHINE_ID


@dataclass(frozen=True, slots=True)
class RemoveProduct:
    """A product off sale; what its shelves hold is corrected to none, and its name is free again."""

    caller: Caller
    product_id: int
    version: int | None = None


Command = Deposit | PayOut | PlaceOrder | Refund | AddProduct | ChangeProduct | Restock | RemoveProduct


@dataclass(frozen=True, slots=True)
class CoinsDeposited:
    """`amount_cents` went in; the wallet now holds `balance_cents`."""

    transfer_id: int
    amount_cents: int
    balance_cents: int
    created_us: int


@dataclass(frozen=True, slots=True)
class PaidOut:
    """`coins` came out, largest first; `balance_cents` could not be paid in coins and is still there."""

    transfer_id: int
    amount_cents: int
    balance_cents: int
    coins: dict[int, int]
    created_us: int


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line of an order as sold."""

    product_id: int
    name: str
    quantity: int
    price_cents: int
    refunded_quantity: int = 0


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """The order, the wallet's balance afterwards, and the coins that came back with it."""

    order_id: int
    client_ref: str | None
    status: str
    payment: str
    machine_id: int
    lines: tuple[SoldLine, ...]
    total_cents: int
    balance_cents: int
    change: dict[int, int]
    created_us: int


@dataclass(frozen=True, slots=True)
class Refunded:
    """What went back. `balance_cents` is the buyer's, told to the buyer, cashiers and admins alone."""

    refund_id: int
    order_id: int
    status: str
    quantities: dict[int, int]
    amount_cents: int
    balance_cents: int | None
    created_us: int


@dataclass(frozen=True, slots=True)
class ProductStands:
    """A product as it stands after the command; `stock` on the command's machine."""

    product_id: int
    name: str
    price_cents: int
    stock: int
    seller_id: int | None
    seller: str | None
    refundable: bool
    tax_basis_points: int
    cost_cents: int
    image_id: int | None
    version: int


@dataclass(frozen=True, slots=True)
class ProductRemoved:
    """The product is off sale."""

    product_id: int


Receipt = CoinsDeposited | PaidOut | OrderPlaced | Refunded | ProductStands | ProductRemoved

RECEIPTS: dict[str, type[Receipt]] = {
    receipt.__name__: receipt
    for receipt in (CoinsDeposited, PaidOut, OrderPlaced, Refunded, ProductStands, ProductRemoved)
}
"""By the name under which an idempotency record keeps one."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A command on its way to the till. With a key, the same fingerprint is answered as before."""

    command: Command
    key: str | None = None
    fingerprint: bytes = b""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command; `replayed` when an earlier one with its key had the effect."""

    answer: Receipt | Refusal
    replayed: bool = False

    def receipt(self) -> Receipt:
        """The receipt. Raises the refusal instead, if that was the answer."""
        if isinstance(self.answer, Refusal):
            raise self.answer
        return self.answer
