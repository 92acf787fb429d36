"""Refunds of what was dispensed: of a named order, or of a guest's newest purchase at a machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuckshop.domain import limits, refunds
from tuckshop.domain.ledger import AccountRef
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.orders import OrderStatus
from tuckshop.domain.refusals import UnknownPurchase
from tuckshop.domain.users import Actor, Role
from tuckshop.till.callers import SessionCaller
from tuckshop.till.commands import payables
from tuckshop.till.commands.base import Command, LogSubject, Receipt, command, require_own_machine
from tuckshop.till.commands.reversal import (
    balances_of,
    buyer_of,
    inventory_of,
    limits_of,
    log_order,
    read_order,
    read_refunds,
    reserve_ids,
    sells_all,
    take_back,
)
from tuckshop.till.commands.wallet import require_wallet
from tuckshop.till.state.forms import receipt
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


@receipt("order.refunded")
class Refunded(Receipt, frozen=True):
    """What went back. `balance_cents` is the buyer's, told to the buyer, cashiers and admins alone."""

    refund_id: int
    order_id: int
    status: str
    quantities: dict[int, int]
    amount_cents: int
    balance_cents: int | None
    created_us: int


@command("order.refund")
class Refund(Command, frozen=True):
    """Pieces of an order back; `quantities` by product, None for all that is left."""

    order_id: int
    quantities: Mapping[int, int] | None = None
    reason: str | None = None
    write_off: bool = False

    def reads(self, need: ReadSet) -> None:
        """The order with all that it touches, what the caller had refunded within a day, or has earned."""
        read_refunds(need, self.caller)
        if isinstance(self.caller, SessionCaller):
            need.takers_back.add((self.order_id, self.caller.user_id))
        if need.policy.bounds_undoing(self.caller):
            need.undoing.add(self.order_id)
        read_order(need, self.order_id)

    def require_machine(self, actor: Actor) -> None:
        """Whose order may come back is for the order to say: see `domain.orders.rights`."""

    def execute(self, actor: Actor, work: WorkingSet) -> Refunded:
        """By the buyer, the seller of the lines, or the office."""
        order = work.orders.get(self.order_id)
        back = refunds.refund(
            order=order,
            quantities=self.quantities,
            actor=actor,
            balances=balances_of(work, order),
            inventory=inventory_of(work, order),
            write_off=self.write_off,
            limits=limits_of(work, order, actor),
        )
        if actor.user_id is not None and refunds.is_sellers(actor, order, back.quantities):
            refunds.require_covered(
                back,
                balance_cents=payables.balance_cents(work, actor.user_id),
                held_back_cents=payables.held_back_cents(work, actor.user_id, after=back),
            )
        refund_id = take_back(work, back, actor, self.reason)
        # Guests have no user id, and neither has the machine that speaks for them.
        is_told = actor.user_id == order.wallet.user_id or actor.has(Role.CASHIER, Role.ADMIN)
        return Refunded(
            refund_id=refund_id,
            order_id=order.id,
            status=back.order.status,
            quantities=dict(back.quantities),
            amount_cents=back.amount_cents,
            balance_cents=work.accounts.balance_cents(order.wallet) if is_told else None,
            created_us=work.now_us,
        )

    def serves(self, work: WorkingSet) -> int | None:
        """Whose money goes back."""
        return buyer_of(self.order_id, work)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """What others sell."""
        if sells_all(actor, self.order_id, work, self.quantities):
            return None
        return log_order(self.tag, self.order_id, work)


@command("order.refund_newest")
class RefundNewest(Command, frozen=True):
    """One piece of a product back, of the newest order of a guest at a machine that has one left."""

    wallet: AccountRef
    product_id: int
    machine_id: int = DEFAULT_MACHINE_ID
    reason: str | None = None

    def reads(self, need: ReadSet) -> None:
        """The guest's newest orders; guests are known by them. Users name their orders."""
        need.wallet(self.wallet, self.caller)
        need.machines.add(self.machine_id)
        if need.policy.bounds_undoing(self.caller):
            need.limits |= {limits.undone_times(self.machine_id), limits.undone_cents(self.machine_id)}
        if self.wallet.guest_id is not None:
            need.newest_orders[self.wallet.guest_id, self.machine_id, self.product_id] += 1
        reserve_ids(need)

    def require_machine(self, actor: Actor) -> None:
        """What it sold."""
        require_own_machine(actor, self.machine_id)

    def execute(self, actor: Actor, work: WorkingSet) -> Refunded:
        """A piece back for a guest who says which product, and no more."""
        if actor.machine_id is None:
            actor.require(Role.CASHIER, Role.ADMIN)
        require_wallet(actor, self.wallet, work)
        order_id = self._newest(work)
        if order_id is None:
            raise UnknownPurchase(product=self.product_id)
        return self._refund(order_id).execute(actor, work)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """As the refund that it comes down to."""
        order_id = self._newest(work) if receipt is None else receipt.order_id
        return None if order_id is None else self._refund(order_id).log_line(actor, work, receipt)

    def _refund(self, order_id: int) -> Refund:
        return Refund(self.caller, order_id, {self.product_id: 1}, self.reason)

    def _newest(self, work: WorkingSet) -> int | None:
        found = work.orders.by_id if self.wallet.guest_id is not None else {}
        for order_id in sorted(found, reverse=True):
            order = found[order_id]
            if (
                order.wallet == self.wallet
                and order.machine_id == self.machine_id
                and order.status is not OrderStatus.PLACED
                and any(line.product_id == self.product_id and line.left for line in order.lines)
            ):
                return order_id
        return None
