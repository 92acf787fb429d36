"""Orders, and what is returned of them."""

from __future__ import annotations

from tuckshop.domain.refusals.base import Conflict


class OutOfStock(Conflict, code="out-of-stock"):
    """The shelf holds fewer than were asked for."""

    product: int
    available: int


class ClientRefTaken(Conflict, code="client-ref-taken"):
    """The buyer has used this reference before; `order` is what it stands for."""

    client_ref: str
    order: int


class NotRefundable(Conflict, code="not-refundable"):
    """The product was sold without the right to give it back."""

    product: int


class RefundWindowOver(Conflict, code="refund-window-over"):
    """The buyer's own time for giving back has passed."""

    window_seconds: int


class RefundExceedsSale(Conflict, code="refund-exceeds-sale"):
    """More was asked back than was sold and not yet refunded."""

    product: int
    refundable_quantity: int


class RefundsExhausted(Conflict, code="refunds-exhausted"):
    """The buyer has had refunds as often within a day as buyers may by themselves."""

    refunds_max: int


class PriceChanged(Conflict, code="price-changed"):
    """The order costs `total_cents` now, and not what the buyer has seen.

    `product` is the first whose price is not the one seen, `price_cents` what a piece of it costs now.
    """

    total_cents: int
    product: int | None = None
    price_cents: int | None = None


class WrongStatus(Conflict, code="wrong-status"):
    """The order's status does not allow this."""

    order: int
    order_status: str


class UserNotPresent(Conflict, code="user-not-present"):
    """A machine spoke for a user who has not logged in there."""

    user: int


class UndoAtCounter(Conflict, code="undo-at-counter"):
    """Nobody of the shop sees whether the goods came back; `retry_seconds` until the machine takes some back.

    None: it never does.
    """

    retry_seconds: int | None = None


class FulfilNotOffered(Conflict, code="fulfil-not-offered"):
    """The machine does not dispense then what a wallet pays for."""

    machine: int
    offered: str


class TooManyPlaced(Conflict, code="too-many-placed"):
    """As many pieces of the buyer's orders wait to be dispensed as may."""

    pieces_max: int
    placed: int
