"""What an answer tells of pieces that came back."""

from __future__ import annotations

from tuckshop.domain.orders import OrderStatus
from tuckshop.http.fields import Moment, Shown, moment
from tuckshop.till.commands.refunds import Refunded


class RefundedLineShown(Shown):
    """Pieces that came back."""

    product: int
    quantity: int


class RefundShown(Shown):
    """A refund; `balance` is the buyer's, null for a seller who may not know it."""

    id: int
    order: int
    status: OrderStatus
    lines: list[RefundedLineShown]
    amount: int
    balance: int | None
    created_at: Moment


def show_refund(receipt: Refunded) -> RefundShown:
    """The receipt, rendered."""
    return RefundShown(
        id=receipt.refund_id,
        order=receipt.order_id,
        status=OrderStatus(receipt.status),
        lines=[
            RefundedLineShown(product=product_id, quantity=quantity)
            for product_id, quantity in receipt.quantities.items()
        ],
        amount=receipt.amount_cents,
        balance=receipt.balance_cents,
        created_at=moment(receipt.created_us),
    )
