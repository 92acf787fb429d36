"""Refunds, and orders cancelled, reduced or failed, decided on the page.

Each function raises the refusals of its rules, and then has left the page as it was.
"""

from __future__ import annotations

from typing import assert_never

from tuckshop.domain import refunds, transfers
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.orders import MICROSECONDS, Order, OrderStatus
from tuckshop.domain.refunds import Goods, Purse, TakenBack
from tuckshop.domain.refusals import UnknownPurchase
from tuckshop.domain.users import Actor, Role
from tuckshop.till.callers import SessionCaller
from tuckshop.till.commands.base import (
    CancelOrder,
    Dispense,
    OrderChanged,
    ReduceOrder,
    Refund,
    Refunded,
    RefundNewest,
)
from tuckshop.till.commands.orders import changed, dispense, order_of, owed_cents
from tuckshop.till.commands.wallet import require_wallet
from tuckshop.till.policy import Policy
from tuckshop.till.state.posting import move_stock, post, sales_of, shelf_of
from tuckshop.till.state.working_set import Page, RefundLineRow, RefundRow, Wanted

WayBack = Refund | RefundNewest | CancelOrder | ReduceOrder | Dispense


def wants(command: WayBack, wanted: Wanted) -> None:
    """Adds to `wanted` what the command needs to know; guests are known by their orders."""
    # One for each line of a named order, once they are known; one since a line may be parted between tab and
    # wallet; and one where the buyer is gone. No guest has a tab, or is ever gone.
    wanted.new_ids["transfers"] += 2
    if isinstance(command, RefundNewest) and command.wallet.guest_id is not None:
        wanted.newest[command.wallet.guest_id, command.machine_id, command.product_id] += 1
    if isinstance(command, Refund) and isinstance(command.caller, SessionCaller):
        wanted.refunders.add(wallet_of(command.caller.user_id))
    if not isinstance(command, RefundNewest):
        wanted.orders[command.order_id] += 1
    wanted.new_ids["refunds"] += 1


def decide(command: WayBack, actor: Actor, page: Page, policy: Policy) -> Refunded | OrderChanged:
    """What becomes of the order."""
    match command:
        case Refund():
            return refund(command, actor, page, policy)
        case RefundNewest():
            return refund_newest(command, actor, page, policy)
        case CancelOrder():
            return cancel(command, actor, page)
        case ReduceOrder():
            return reduce(command, actor, page)
        case Dispense(failed=True):
            return fail(command, actor, page)
        case Dispense():
            return dispense(command, actor, page)
        case _:
            assert_never(command)


def refund(command: Refund, actor: Actor, page: Page, policy: Policy) -> Refunded:
    """Pieces of an order back."""
    order = order_of(page, command.order_id)
    back = refunds.refund(
        order=order,
        quantities=command.quantities,
        actor=actor,
        purse=_purse(page, order),
        goods=_goods(page, order),
        write_off=command.write_off,
        window_seconds=policy.refund_window_seconds,
        refunds_today=_refunds_today(page, order.wallet),
        now_us=page.now_us,
    )
    refund_id = _take_back(page, back, actor, command.reason)
    # Guests have no user id, and neither has the machine that speaks for them.
    is_buyer = actor.user_id == order.wallet.user_id
    if is_buyer:
        page.refunded_us.setdefault(order.wallet, []).append(page.now_us)
    return Refunded(
        refund_id=refund_id,
        order_id=order.id,
        status=back.order.status,
        quantities=dict(back.quantities),
        amount_cents=back.amount_cents,
        balance_cents=page.balances.get(order.wallet, 0)
        if is_buyer or actor.has(Role.CASHIER, Role.ADMIN)
        else None,
        created_us=page.now_us,
    )


def refund_newest(command: RefundNewest, actor: Actor, page: Page, policy: Policy) -> Refunded:
    """A piece back for a guest who says which product, and no more."""
    if actor.machine_id is None:
        actor.require(Role.CASHIER, Role.ADMIN)
    require_wallet(actor, command.wallet, page)
    chosen = newest(command, page)
    if chosen is None:
        raise UnknownPurchase(product=command.product_id)
    return refund(chosen, actor, page, policy)


def newest(command: RefundNewest, page: Page) -> Refund | None:
    """The same refund by the order that it is about, if there is one."""
    found = page.orders if command.wallet.guest_id is not None else {}  # Users name their orders.
    for order_id in sorted(found, reverse=True):
        order = page.orders[order_id]
        if (
            order.wallet == command.wallet
            and order.machine_id == command.machine_id
            and order.status is not OrderStatus.PLACED
            and any(line.product_id == command.product_id and line.left for line in order.lines)
        ):
            return Refund(command.caller, order_id, {command.product_id: 1}, command.reason)
    return None


def cancel(command: CancelOrder, actor: Actor, page: Page) -> OrderChanged:
    """An order called off."""
    order = order_of(page, command.order_id)
    back = refunds.cancel(order=order, actor=actor, purse=_purse(page, order), goods=_goods(page, order))
    _take_back(page, back, actor, command.reason)
    return changed(back.order)


def reduce(command: ReduceOrder, actor: Actor, page: Page) -> OrderChanged:
    """An order made smaller."""
    order = order_of(page, command.order_id)
    back = refunds.reduce(
        order=order,
        quantities=command.quantities,
        actor=actor,
        purse=_purse(page, order),
        goods=_goods(page, order),
    )
    if back is None:
        return changed(order)
    _take_back(page, back, actor, command.reason)
    return changed(back.order)


def fail(command: Dispense, actor: Actor, page: Page) -> OrderChanged:
    """An order that could not be handed out."""
    order = order_of(page, command.order_id)
    back = refunds.fail(order=order, actor=actor, purse=_purse(page, order), goods=_goods(page, order))
    _take_back(page, back, actor, command.reason)
    return changed(back.order)


def _purse(page: Page, order: Order) -> Purse:
    return Purse(page.balances.get(order.wallet, 0), owed_cents(page, order.wallet))


def _goods(page: Page, order: Order) -> Goods:
    products = [line.product_id for line in order.lines]
    return Goods(
        {product: shelf_of(page, order.machine_id, product) for product in products},
        {product: page.products[product] for product in products},
    )


def _refunds_today(page: Page, wallet: AccountRef) -> int:
    since_us = page.now_us - refunds.DAY_SECONDS * MICROSECONDS
    return sum(made_us > since_us for made_us in page.refunded_us.get(wallet, ()))


def _take_back(page: Page, back: TakenBack, actor: Actor, reason: str | None) -> int:
    """Writes what comes back; the id under which it is kept."""
    order = back.order
    refund_id = next(page.new_ids["refunds"])
    page.orders[order.id] = order
    page.changes.reordered.add(order.id)
    page.changes.refunds.append(
        RefundRow(
            refund_id, order.id, back.amount_cents, actor.user_id, reason, page.now_us, back.kind, page.day
        )
    )
    price_cents = {line.product_id: line.price_cents for line in order.lines}
    for product_id, quantity in back.quantities.items():
        page.changes.refund_lines.append(RefundLineRow(refund_id, order.id, product_id, quantity))
        added = sales_of(page, order.machine_id, product_id)
        added.refunded_quantity += quantity
        added.refunded_cents += quantity * price_cents[product_id]
    for transfer in back.transfers:
        post(
            page,
            transfer,
            actor,
            machine_id=order.machine_id,
            order_id=order.id,
            refund_id=refund_id,
            reason=reason,
        )
    for movement in back.movements:
        move_stock(page, movement, actor, order_id=order.id, refund_id=refund_id, reason=reason)
    wallet = order.wallet
    if wallet.user_id in page.gone:
        # The buyer has closed the account: nobody could ever take the money out of its wallet.
        rest = transfers.close(wallet=wallet, balance_cents=page.balances.get(wallet, 0))
        if rest is not None:
            post(page, rest, actor, machine_id=None, reason=reason)
    return refund_id
