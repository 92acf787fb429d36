"""What undoing a sale has in common, whether it is refunded, cancelled, reduced or could not be dispensed."""

from __future__ import annotations

from collections.abc import Container

from tuckshop.domain import limits as counters
from tuckshop.domain import transfers
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Order
from tuckshop.domain.refunds import BuyerBalances, Inventory, ReturnLimits, Reversal, UndoMode, Undone
from tuckshop.domain.users import Actor, Role
from tuckshop.till.callers import Caller, SessionCaller
from tuckshop.till.commands.base import LogSubject
from tuckshop.till.state.posting import add_refund, move_stock, post, put_order, use, used
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.rows import RefundLineRow, RefundRow
from tuckshop.till.state.working_set import WorkingSet


def read_order(need: ReadSet, order_id: int) -> None:
    """The order with all that it touches, once it is found."""
    need.orders[order_id] += 1
    reserve_ids(need)


def reserve_ids(need: ReadSet) -> None:
    """For what comes back of one order.

    A transfer for each line is added once the order is known; one more since a line may be parted between tab
    and wallet; and one where the buyer is gone. No guest has a tab, or is ever gone.
    """
    need.new_ids["transfers"] += 2
    need.new_ids["refunds"] += 1


def read_refunds(need: ReadSet, caller: Caller) -> None:
    """What the caller has had back within a day. Guests' is read with their orders."""
    need.own_affair(caller)
    if isinstance(caller, SessionCaller):
        need.refunders.add(wallet_of(caller.user_id))


def limits_of(work: WorkingSet, order: Order, actor: Actor) -> ReturnLimits:
    """What binds the order's buyer who takes back by themselves."""
    times, cents = counters.undone_times(order.machine_id), counters.undone_cents(order.machine_id)
    return ReturnLimits(
        window_seconds=work.policy.refund_window_seconds,
        today=len(work.orders.refunded_us.get(order.wallet, ())),
        now_us=work.now_us,
        undone=Undone(
            mode=_undo_mode(work, actor),
            times=used(work, times),
            cents=used(work, cents),
            hour_seconds=times.wait_seconds(work.now_us),
            day_seconds=cents.wait_seconds(work.now_us),
        ),
    )


def _undo_mode(work: WorkingSet, actor: Actor) -> UndoMode:
    return work.policy.guest_undo if actor.user_id is None else work.policy.user_undo


def balances_of(work: WorkingSet, order: Order) -> BuyerBalances:
    """What the order's buyer has and owes."""
    return BuyerBalances(
        balance_cents=work.accounts.balance_cents(order.wallet),
        owed_cents=work.accounts.owed_cents(order.wallet),
    )


def inventory_of(work: WorkingSet, order: Order) -> Inventory:
    """Where pieces of the order come back to."""
    product_ids = [line.product_id for line in order.lines]
    return Inventory(
        shelves={one: work.products.shelf(order.machine_id, one) for one in product_ids},
        products={one: work.products.by_id[one] for one in product_ids},
    )


def take_back(work: WorkingSet, back: Reversal, actor: Actor, reason: str | None) -> int:
    """Writes what comes back; the id under which it is kept."""
    order = back.order
    refund_id = work.new_id("refunds")
    put_order(work, order)
    changes = work.changes.orders
    changes.changed.add(order.id)
    changes.refunds.append(
        RefundRow(
            id=refund_id,
            order_id=order.id,
            amount_cents=back.amount_cents,
            actor_id=actor.user_id,
            reason=reason,
            created_us=work.now_us,
            kind=back.kind,
            day=work.day,
        )
    )
    price_cents = {line.product_id: line.price_cents for line in order.lines}
    for product_id, quantity in back.quantities.items():
        changes.refund_lines.append(RefundLineRow(refund_id, order.id, product_id, quantity))
        cents = quantity * price_cents[product_id]
        add_refund(work, order.machine_id, product_id, quantity=quantity, cents=cents)
    for transfer in back.transfers:
        post(
            work,
            transfer,
            actor,
            machine_id=order.machine_id,
            order_id=order.id,
            refund_id=refund_id,
            reason=reason,
        )
    for movement in back.movements:
        move_stock(work, movement, actor, order_id=order.id, refund_id=refund_id, reason=reason)
    if actor.user_id == order.wallet.user_id and back.counts_as_refund:
        # Guests have no user id, and neither has the machine that speaks for them.
        refunded_us = work.orders.refunded_us
        refunded_us[order.wallet] = (*refunded_us.get(order.wallet, ()), work.now_us)
    if back.is_undo and _undo_mode(work, actor) is UndoMode.BOUNDED:
        use(work, counters.undone_times(order.machine_id), 1)
        use(work, counters.undone_cents(order.machine_id), back.amount_cents)
    if order.wallet.user_id in work.users.closed:
        # The buyer has closed the account: nobody could ever take the money out of its wallet.
        balance_cents = work.accounts.balance_cents(order.wallet)
        rest = transfers.close(wallet=order.wallet, balance_cents=balance_cents)
        if rest is not None:
            post(work, rest, actor, machine_id=None, reason=reason)
    return refund_id


def log_order(action: str, order_id: int, work: WorkingSet) -> LogSubject:
    """An order's status, and what is left of each product."""
    order = work.orders.by_id.get(order_id)
    facts = None
    if order is not None:
        facts = {"status": order.status, "quantities": {line.product_id: line.left for line in order.lines}}
    return LogSubject(action, f"order:{order_id}", facts)


def buyer_of(order_id: int, work: WorkingSet) -> int | None:
    """The user whose order it is; None for a guest's."""
    order = work.orders.by_id.get(order_id)
    return None if order is None else order.wallet.user_id


def sells_all(
    actor: Actor, order_id: int, work: WorkingSet, product_ids: Container[int] | None = None
) -> bool:
    """Whether all of the order, or of these products in it, is what the actor sells."""
    order = work.orders.by_id.get(order_id)
    if order is None or not actor.has(Role.SELLER):
        return False
    return all(
        line.seller_id == actor.user_id
        for line in order.lines
        if product_ids is None or line.product_id in product_ids
    )
