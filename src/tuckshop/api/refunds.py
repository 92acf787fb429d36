"""What an answer tells of pieces that came back."""

from __future__ import annotations

from tuckshop.domain.orders import OrderStatus
from tuckshop.http.fields import Moment, ResponseBody, moment
from tuckshop.till.commands.refunds import Refunded


class RefundedLineResponse(ResponseBody):
    """Refunded pieces."""

    product: int
    quantity: int


class RefundResponse(ResponseBody):
    """A refund; `balance` is the buyer's, null for sellers."""

    id: int
    order: int
    status: OrderStatus
    lines: list[RefundedLineResponse]
    amount: int
    balance: int | None
    created_at: Moment


def show_refund(receipt: Refunded) -> RefundResponse:
    """The receipt, rendered."""
    return RefundResponse(
        id=receipt.refund_id,
        order=receipt.order_id,
        status=OrderStatus(receipt.status),
        lines=[
            RefundedLineResponse(product=product_id, quantity=quantity)
            for product_id, quantity in receipt.quantities.items()
        ],
        amount=receipt.amount_cents,
        balance=receipt.balance_cents,
        created_at=moment(receipt.created_us),
    )
