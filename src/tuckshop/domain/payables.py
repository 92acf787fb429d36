"""What sellers have earned and cannot be paid yet: one rule, for reads and for the till that pays."""

from __future__ import annotations

from collections.abc import Mapping

from tuckshop.domain.orders import Order, OrderStatus, Payment


def held_back_cents(
    orders: Mapping[int, Order], *, owed_cents: Mapping[int, int], seller_id: int, since_us: int
) -> int:
    """What is held back of a seller's earnings, of these orders by id.

    Held back is what is still to be dispensed, what may be refunded since it was dispensed at `since_us` or
    later, and what is owed on a tab. `orders` may hold any others beside; of a tab they hold at least those
    of which a cent is owed. `owed_cents` by buyer.
    """
    unpaid = _unpaid(orders, owed_cents)
    cents = 0
    for order in orders.values():
        is_whole = order.status is OrderStatus.PLACED or order.id in unpaid
        is_recent = order.fulfilled_us is not None and order.fulfilled_us >= since_us
        cents += sum(
            line.price_cents * line.left
            for line in order.lines
            if line.seller_id == seller_id and (is_whole or (is_recent and line.refundable))
        )
    return cents


def _unpaid(orders: Mapping[int, Order], owed_cents: Mapping[int, int]) -> set[int]:
    """Orders of which a cent is owed. A settlement pays the oldest first: they are the newest of each tab."""
    unpaid = set()
    newer_cents: dict[int, int] = {}
    for order_id in sorted(orders, reverse=True):
        order = orders[order_id]
        buyer_id = order.wallet.user_id
        if order.payment is not Payment.TAB or buyer_id is None:
            continue
        newer = newer_cents.get(buyer_id, 0)
        if newer < owed_cents.get(buyer_id, 0):
            unpaid.add(order_id)
        newer_cents[buyer_id] = newer + sum(line.price_cents * line.left for line in order.lines)
    return unpaid
