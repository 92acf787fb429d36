"""What sellers have earned at this point of the batch, and what of it is held back."""

from __future__ import annotations

from tuckshop.domain import payables
from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.ledger import AccountKind, earnings_of, tab_of
from tuckshop.domain.refunds import Reversal
from tuckshop.till.state.working_set import WorkingSet


def balance_cents(work: WorkingSet, seller_id: int) -> int:
    """The earnings of a seller who was loaded as a payee."""
    added_cents = work.changes.accounts.added_cents.get(earnings_of(seller_id), 0)
    return work.accounts.payees[seller_id].balance_cents + added_cents


def held_back_cents(work: WorkingSet, seller_id: int, *, after: Reversal | None = None) -> int:
    """What of a payee's earnings cannot be paid yet; `after`: as if that had come back already.

    What this batch has seen more of goes by that. What was paid when the tab was loaded stays so: a tab grows
    by newer orders alone, and what is refunded comes off what is owed for it first.
    """
    orders = work.orders.held_back | work.orders.by_id
    if after is not None:
        orders[after.order.id] = after.order
    owed_cents = dict(work.orders.held_back_owed_cents)
    for order in orders.values():
        buyer_id = order.wallet.user_id
        if buyer_id is not None and tab_of(buyer_id) in work.accounts.balances:
            owed_cents[buyer_id] = work.accounts.owed_cents(order.wallet)
    for transfer in () if after is None else after.transfers:
        if transfer.target.kind is AccountKind.TAB:
            owed_cents[transfer.target.user_id or 0] -= transfer.amount_cents
    payee = work.accounts.payees[seller_id]
    young_us = {} if payee.young_since_us is None else {seller_id: payee.young_since_us}
    held = payables.held_back_cents(
        orders,
        owed_cents=owed_cents,
        returnable_since_us=work.now_us - work.policy.refund_window_seconds * MICROSECONDS,
        young_since_us=young_us,
    )
    return held[seller_id] + payee.young_cents - _counted_cents(work, seller_id, payee.young_since_us)


def _counted_cents(work: WorkingSet, seller_id: int, since_us: int | None) -> int:
    """What the sum of young sales has of orders that this batch changes: those count as they are now."""
    if since_us is None:
        return 0
    orders = work.orders
    return sum(
        payables.young_cents(order, seller_id=seller_id, since_us=since_us)
        for order_id, order in orders.as_loaded.items()
        if order_id not in orders.held_back
    )
