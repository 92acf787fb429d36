"""What sellers have earned and cannot be paid yet: one rule, for reads and for the till that pays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tuckshop.domain.orders import Order, OrderStatus, Payment


def held_back_cents(
    orders: Mapping[int, Order], *, owed_cents: Mapping[int, int], since_us: int
) -> Counter[int]:
    """What is held back of earnings, of these orders by id; by seller.

    Held back is what is still to be dispensed, what may be refunded since it was dispensed at `since_us` or
    later, and what is owed on a tab (`owed_cents` by buyer). `orders` may hold any others beside, but of each
    tab at least all those of which a cent is owed: a settlement pays the oldest first, they are the newest.
    """
    unpaid = _unpaid(orders, owed_cents)
    held: Counter[int] = Counter()
    for order in orders.values():
        is_whole = order.status is OrderStatus.PLACED or order.id in unpaid
        is_recent = order.fulfilled_us is not None and order.fulfilled_us >= since_us
        for line in order.lines:
            if line.seller_id is not None and (is_whole or (is_recent and line.refundable)):
                held[line.seller_id] += line.price_cents * line.left
    return held


def _unpaid(orders: Mapping[int, Order], owed_cents: Mapping[int, int]) -> set[int]:
    """Orders of which a cent is owed."""
    unpaid = set()
    newer_cents: Counter[int] = Counter()
    for order_id in sorted(orders, reverse=True):
        order = orders[order_id]
        buyer_id = order.wallet.user_id
        if order.payment is not Payment.TAB:
            continue
        assert buyer_id is not None  # No guest has a tab.
        if newer_cents[buyer_id] < owed_cents.get(buyer_id, 0):
            unpaid.add(order_id)
        newer_cents[buyer_id] += sum(line.price_cents * line.left for line in order.lines)
    return unpaid
