"""What sellers have earned and cannot be paid yet: one rule, for reads and for the till that pays."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS
from tuckshop.domain.orders import Order, OrderStatus, Payment

PAYOUT_DELAY_DAYS_MAX = 365  # Nobody sells for a shop that pays after more than a year.


def held_back_cents(
    orders: Mapping[int, Order],
    *,
    owed_cents: Mapping[int, int],
    returnable_since_us: int,
    young_since_us: Mapping[int, int] | None = None,
) -> Counter[int]:
    """What is held back of earnings, of these orders by id; by seller.

    Held back is what is still to be dispensed, what is owed on a tab (`owed_cents` by buyer), what its buyer
    may return, dispensed at `returnable_since_us` or later, and what is younger than the payout delay:
    dispensed at `young_since_us` or later, by seller, of those named there. `orders` may hold any others
    beside, but of each tab at least all those of which a cent is owed: a settlement pays the oldest first,
    they are the newest.
    """
    unpaid = _unpaid(orders, owed_cents)
    young_us = young_since_us or {}
    held: Counter[int] = Counter()
    for order in orders.values():
        is_whole = order.status is OrderStatus.PLACED or order.id in unpaid
        for line in order.lines:
            if line.seller_id is None:
                continue
            is_returnable = line.refundable and _since(order, returnable_since_us)
            if is_whole or is_returnable or _since(order, young_us.get(line.seller_id)):
                held[line.seller_id] += line.price_cents * line.left
    return held


def young_cents(order: Order, *, seller_id: int, since_us: int) -> int:
    """What of an order is the seller's, if it was dispensed at `since_us` or later."""
    if not _since(order, since_us):
        return 0
    return sum(line.price_cents * line.left for line in order.lines if line.seller_id == seller_id)


def young_since_us(*, delay_days: int | None, shop_delay_days: int, now_us: int) -> int | None:
    """From when on a seller's sales are too young to be paid; None without a delay.

    The shop's delay counts where they have none of their own.
    """
    days = shop_delay_days if delay_days is None else delay_days
    return now_us - days * DAY_SECONDS * MICROSECONDS if days else None


def _since(order: Order, since_us: int | None) -> bool:
    return since_us is not None and order.fulfilled_us is not None and order.fulfilled_us >= since_us


def unpaid_cents(left_cents: Mapping[int, int], *, owed_cents: int) -> dict[int, int]:
    """What is still to be paid of each order on one tab, by id.

    `left_cents`: what is left of the orders, by id; those that a settlement has paid may be missing. It pays
    the oldest first: what is owed is owed for the newest.
    """
    unpaid = {}
    for order_id in sorted(left_cents, reverse=True):
        unpaid[order_id] = min(left_cents[order_id], owed_cents)
        owed_cents -= unpaid[order_id]
    return unpaid


def _unpaid(orders: Mapping[int, Order], owed_cents: Mapping[int, int]) -> set[int]:
    """Orders of which a cent is owed."""
    tabs: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for order in orders.values():
        buyer_id = order.wallet.user_id
        if order.payment is not Payment.TAB:
            continue
        assert buyer_id is not None  # No guest has a tab.
        tabs[buyer_id][order.id] = order.left_cents
    return {
        order_id
        for buyer_id, left_cents in tabs.items()
        for order_id, cents in unpaid_cents(left_cents, owed_cents=owed_cents.get(buyer_id, 0)).items()
        if cents
    }
