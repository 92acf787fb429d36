"""Orders: placing, dispensing, cancelling and making them smaller. docs/money.md has the postings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuckshop.domain import orders, refunds
from tuckshop.domain import products as product_rules
from tuckshop.domain.ledger import AccountRef
from tuckshop.domain.machines import DEFAULT_MACHINE_ID, require_few
from tuckshop.domain.orders import Change, Fulfil, Order, OrderStatus, Payment
from tuckshop.domain.refusals import ClientRefTaken, NotOwner
from tuckshop.domain.tabs import Exposure, Grant, Tab, TabsFor
from tuckshop.domain.users import Actor, Role, name_key
from tuckshop.till.commands.base import (
    Command,
    LogSubject,
    Receipt,
    Value,
    command,
    require_here,
    require_own_machine,
)
from tuckshop.till.commands.products import read_named
from tuckshop.till.commands.reversal import (
    balances_of,
    buyer_of,
    inventory_of,
    limits_of,
    log_order,
    read_order,
    read_refunds,
    sells_all,
    take_back,
)
from tuckshop.till.commands.wallet import payable_cents, read_payable, require_coins, require_wallet
from tuckshop.till.state.forms import receipt
from tuckshop.till.state.posting import add_sale, move_coins, move_stock, post, put_order
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.rows import OrderLineRow, OrderRow
from tuckshop.till.state.working_set import WorkingSet


class SoldLine(Value, frozen=True):
    """A line of an order as sold."""

    product_id: int
    name: str
    quantity: int
    price_cents: int
    refunded_quantity: int = 0


@receipt("order.placed")
class OrderPlaced(Receipt, frozen=True):
    """The order, the wallet's balance afterwards, and the coins that came back with it.

    `owed_cents` is on the tab afterwards; None where it did not pay.
    """

    order_id: int
    client_ref: str | None
    status: OrderStatus
    payment: Payment
    machine_id: int
    lines: tuple[SoldLine, ...]
    total_cents: int
    balance_cents: int
    change: dict[int, int]
    created_us: int
    owed_cents: int | None = None


@receipt("order.changed")
class OrderChanged(Receipt, frozen=True):
    """The order after it was cancelled, reduced or dispensed."""

    order_id: int
    client_ref: str | None
    status: OrderStatus
    payment: Payment
    machine_id: int
    lines: tuple[SoldLine, ...]
    total_cents: int
    created_us: int


@command("order.place")
class PlaceOrder(Command, frozen=True):
    """Pieces of products, each named once, from one machine, paid from one wallet or its owner's tab.

    `named`: more lines, by name: of the product that bears it when the sale is decided.

    `fulfil` None: at once what a wallet pays for, later what goes on a tab. What is expected, in all and for
    a piece of each product, is what the buyer has seen: at any other price nothing is sold. `coins_max`: of
    how many coins the change may be.
    """

    wallet: AccountRef
    lines: tuple[tuple[int, int], ...]
    change: Change = Change.KEEP
    client_ref: str | None = None
    machine_id: int = DEFAULT_MACHINE_ID
    payment: Payment = Payment.WALLET
    fulfil: Fulfil | None = None
    named: tuple[tuple[str, int], ...] = ()
    expected_total_cents: int | None = None
    expected_prices: Mapping[int, int] = {}
    coins_max: int | None = None

    def reads(self, need: ReadSet) -> None:
        """The wallet or tab, the box, and each product with its shelf."""
        need.wallet(self.wallet, self.caller)
        need.machines.add(self.machine_id)
        if self.change is Change.RETURN:
            need.own_affair(self.caller, self.wallet.user_id or 0)
        for product_id, _ in self.lines:
            need.products.add(product_id)
            need.shelf(self.machine_id, product_id)
        for name, _ in self.named:
            read_named(name, self.machine_id, need)
        if self.client_ref is not None:
            need.client_refs.add((self.wallet, self.client_ref))
        if self.payment is Payment.TAB and self.wallet.user_id is not None:
            need.tabs.add(self.wallet.user_id)
            if need.policy.tabs_for is TabsFor.EVERYBODY:
                need.charged_tabs.add(self.wallet.user_id)
        if self.payment is Payment.WALLET and self.fulfil is not Fulfil.NOW:
            need.placing.add((self.wallet, self.machine_id))
        if self.change is Change.RETURN:
            read_payable(need, self.wallet, self.machine_id)
        need.new_ids["orders"] += 1
        need.new_ids["transfers"] += len(self.lines) + len(self.named) + 1

    def require_machine(self, actor: Actor) -> None:
        """Sales of its own to its guests. Users say for themselves what they buy."""
        require_own_machine(actor, self.machine_id)
        if self.wallet.guest_id is None:
            raise NotOwner(thing="wallet")

    def execute(self, actor: Actor, work: WorkingSet) -> OrderPlaced:
        """An order paid from a wallet, or put on its owner's tab."""
        require_here(actor, self.machine_id)
        require_wallet(actor, self.wallet, work)
        if self.change is Change.RETURN:
            require_coins(actor, work, self.machine_id)
        box = work.machines.box(self.machine_id)
        if self.client_ref is not None:
            known = work.orders.client_refs.get((self.wallet, self.client_ref))
            if known is not None:
                raise ClientRefTaken(client_ref=self.client_ref, order=known)
        sale = orders.sell(
            order_id=work.new_id("orders"),
            wallet=self.wallet,
            balance_cents=work.accounts.balance_cents(self.wallet),
            wanted=self._requested(work),
            box=box,
            change=self.change,
            coin_values=work.policy.currency.paid_out_cents,
            client_ref=self.client_ref,
            now_us=work.now_us,
            tab=_tab(self.wallet, work) if self.payment is Payment.TAB else None,
            fulfil=self.fulfil,
            expected_total_cents=self.expected_total_cents,
            mode=work.machines.rules[self.machine_id].fulfil,
            placed_pieces=work.orders.placed_pieces.get(self.wallet, 0),
            payable_cents=(
                payable_cents(work, actor, self.wallet, box) if self.change is Change.RETURN else None
            ),
        )
        require_few(sale.change, self.coins_max)
        order = sale.order
        _record(order, work)
        transfer_ids = [
            post(work, transfer, actor, machine_id=order.machine_id, order_id=order.id)
            for transfer in sale.transfers
        ]
        if sale.change:  # The pay-out comes last.
            move_coins(work, box, sale.change, -1, transfer_id=transfer_ids[-1], actor=actor)
        for movement in sale.movements:
            move_stock(work, movement, actor, order_id=order.id)
        return OrderPlaced(
            order_id=order.id,
            client_ref=order.client_ref,
            status=order.status,
            payment=order.payment,
            machine_id=order.machine_id,
            lines=_sold(order),
            total_cents=order.total_cents,
            balance_cents=sale.balance_cents,
            change=dict(sale.change),
            created_us=order.created_us,
            owed_cents=work.accounts.owed_cents(order.wallet) if order.payment is Payment.TAB else None,
        )

    def serves(self, work: WorkingSet) -> int | None:
        """Change in coins, that somebody must have seen."""
        return self.wallet.user_id if self.change is Change.RETURN else None

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """What staff buy for others; and for themselves, if that took one of the staff."""
        if self.wallet.user_id == actor.user_id and not actor.serves_self:
            return None
        return log_order(self.tag, 0 if receipt is None else receipt.order_id, work)

    def _requested(self, work: WorkingSet) -> list[orders.RequestedLine]:
        """Raises UnknownProduct."""
        products = work.products
        asked: list[tuple[int, int | str, int]] = [(one, one, quantity) for one, quantity in self.lines]
        asked += ((products.names.get(name_key(name), 0), name, quantity) for name, quantity in self.named)
        return [
            orders.RequestedLine(
                product_rules.require_for_sale(products.by_id.get(product_id), called),
                products.shelf(self.machine_id, product_id),
                quantity,
                self.expected_prices.get(product_id),
            )
            for product_id, called, quantity in asked
        ]


@command("order.dispense")
class Dispense(Command, frozen=True):
    """An order was dispensed; or that has `failed`, and its pieces and money go back."""

    order_id: int
    failed: bool = False
    reason: str | None = None

    def reads(self, need: ReadSet) -> None:
        """The order with all that it touches."""
        need.own_affair(self.caller)
        read_order(need, self.order_id)

    def require_machine(self, actor: Actor) -> None:
        """Whose order it is, the order says: see `domain.orders.require_dispenser`."""

    def execute(self, actor: Actor, work: WorkingSet) -> OrderChanged:
        """By the machine it is at, the seller of all of it, or the office."""
        order = work.orders.get(self.order_id)
        if self.failed:
            balances, inventory = balances_of(work, order), inventory_of(work, order)
            back = refunds.fail(order=order, actor=actor, balances=balances, inventory=inventory)
            take_back(work, back, actor, self.reason)
            return _changed(back.order, actor)
        order = orders.dispense(order=order, actor=actor, now_us=work.now_us)
        put_order(work, order)
        work.changes.orders.changed.add(order.id)
        return _changed(order, actor)

    def serves(self, work: WorkingSet) -> int | None:
        """Whose money goes back."""
        return buyer_of(self.order_id, work) if self.failed else None

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """What others sell."""
        return None if sells_all(actor, self.order_id, work) else log_order(self.tag, self.order_id, work)


@command("order.cancel")
class CancelOrder(Command, frozen=True):
    """An order cancelled before anything was dispensed."""

    order_id: int
    reason: str | None = None

    def reads(self, need: ReadSet) -> None:
        """The order with all that it touches, and what the caller has had back within a day."""
        read_refunds(need, self.caller)
        read_order(need, self.order_id)

    def execute(self, actor: Actor, work: WorkingSet) -> OrderChanged:
        """By the buyer, or by the office."""
        order = work.orders.get(self.order_id)
        back = refunds.cancel(
            order=order,
            actor=actor,
            balances=balances_of(work, order),
            inventory=inventory_of(work, order),
            limits=limits_of(work, order, actor),
        )
        take_back(work, back, actor, self.reason)
        return _changed(back.order, actor)

    def serves(self, work: WorkingSet) -> int | None:
        """Whose order it is."""
        return buyer_of(self.order_id, work)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """Of staff, every one: their own they cancel as customers, unless nobody else could do it."""
        return log_order(self.tag, self.order_id, work)


@command("order.reduce")
class ReduceOrder(Command, frozen=True):
    """An order made smaller before anything was dispensed; `quantities` is all that is still wanted."""

    order_id: int
    quantities: Mapping[int, int]
    reason: str | None = None

    def reads(self, need: ReadSet) -> None:
        """The order with all that it touches, and what the caller has had back within a day."""
        read_refunds(need, self.caller)
        read_order(need, self.order_id)

    def execute(self, actor: Actor, work: WorkingSet) -> OrderChanged:
        """By the buyer, or by the office."""
        order = work.orders.get(self.order_id)
        back = refunds.reduce(
            order=order,
            quantities=self.quantities,
            actor=actor,
            balances=balances_of(work, order),
            inventory=inventory_of(work, order),
            limits=limits_of(work, order, actor),
        )
        if back is None:
            return _changed(order, actor)
        take_back(work, back, actor, self.reason)
        return _changed(back.order, actor)

    def serves(self, work: WorkingSet) -> int | None:
        """Whose order it is."""
        return buyer_of(self.order_id, work)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """Of staff, every one: their own they cancel as customers, unless nobody else could do it."""
        return log_order(self.tag, self.order_id, work)


def _record(order: Order, work: WorkingSet) -> None:
    """Writes a new order with its lines, and counts it among the day's sales."""
    put_order(work, order)
    if order.client_ref is not None:
        work.orders.client_refs[order.wallet, order.client_ref] = order.id
    changes = work.changes.orders
    changes.added.append(
        OrderRow(
            id=order.id,
            buyer_id=order.wallet.user_id,
            guest_id=order.wallet.guest_id,
            machine_id=order.machine_id,
            payment=order.payment,
            status=order.status,
            client_ref=order.client_ref,
            total_cents=order.total_cents,
            created_us=order.created_us,
            fulfilled_us=order.fulfilled_us,
            day=work.day,
        )
    )
    for position, line in enumerate(order.lines):
        changes.lines.append(OrderLineRow(order.id, position, line))
        cents = line.quantity * line.price_cents
        add_sale(work, order.machine_id, line.product_id, quantity=line.quantity, cents=cents)


def _tab(wallet: AccountRef, work: WorkingSet) -> Tab:
    if wallet.user_id is None:
        return Tab(owed_cents=0, limit_cents=0)
    accounts, policy = work.accounts, work.policy
    grant = accounts.tab_grants.get(wallet.user_id, Grant())
    exposure = None
    if not grant.is_given:
        exposure = Exposure(accounts.exposure_cents(), policy.tab_exposure_cents)
    return Tab(
        owed_cents=accounts.owed_cents(wallet),
        limit_cents=grant.limit(usual_cents=policy.tab_limit_cents, tabs_for=policy.tabs_for),
        exposure=exposure,
    )


def _changed(order: Order, actor: Actor) -> OrderChanged:
    # A seller is told nothing of the buyer, and buyers write names into their references.
    is_sellers = actor.user_id not in (None, order.wallet.user_id)
    return OrderChanged(
        order_id=order.id,
        client_ref=None if is_sellers and not actor.has(Role.CASHIER, Role.ADMIN) else order.client_ref,
        status=order.status,
        payment=order.payment,
        machine_id=order.machine_id,
        lines=_sold(order),
        total_cents=order.total_cents,
        created_us=order.created_us,
    )


def _sold(order: Order) -> tuple[SoldLine, ...]:
    return tuple(
        SoldLine(
            product_id=line.product_id,
            name=line.name,
            quantity=line.quantity,
            price_cents=line.price_cents,
            refunded_quantity=line.refunded_quantity,
        )
        for line in order.lines
    )
