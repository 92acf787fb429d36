"""Taking back what was sold: refunds, and orders that are reduced, cancelled, or fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.field_problems import MoreThanOrdered, OutOfRange
from tuckshop.domain.ledger import AccountRef, Transfer, TransferKind, earnings_of, tab_of
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.orders import (
    Line,
    Order,
    OrderStatus,
    Payment,
    Right,
    merge,
    require_dispenser,
    require_right,
    require_status,
    rights,
)
from tuckshop.domain.products import QUANTITY_MAX, Product, Shelf, StockKind, StockMovement, move
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    InvalidField,
    NotRefundable,
    RefundExceedsSale,
    RefundNotCovered,
    RefundsExhausted,
    RefundWindowOver,
    RoleMissing,
    UndoAtCounter,
)
from tuckshop.domain.users import Actor, Role

UNDONE_PER_HOUR = 3  # At one machine, whoever they are: names of guests cost nothing.
UNDONE_CENTS_PER_DAY = 500
REFUNDS_PER_DAY = 3  # Three wrong cans in a day are bad luck; a fourth wants a look by somebody of the shop.


class RefundKind(StrEnum):
    """Why pieces came back."""

    REFUND = "refund"  # after they were dispensed
    REDUCTION = "reduction"  # some of them, before
    CANCELLATION = "cancellation"  # all that was left of them, before
    FAILURE = "failure"  # they could not be dispensed


class UndoMode(StrEnum):
    """Whether buyers take back by themselves what was dispensed, where nobody sees it come back."""

    OFF = "off"
    BOUNDED = "bounded"  # UNDONE_PER_HOUR and UNDONE_CENTS_PER_DAY at each machine
    CONTRACT = "contract"  # as each buyer may within a day, at every machine


class Undone(NamedTuple):
    """What buyers may take back by themselves at a machine, and have within the hour and the day."""

    mode: UndoMode = UndoMode.CONTRACT
    times: int = 0  # within this hour
    cents: int = 0  # within this day
    hour_seconds: int = 0  # until the next
    day_seconds: int = 0

    def require(self, amount_cents: int) -> None:
        """Raises UndoAtCounter."""
        if self.mode is UndoMode.OFF or (
            self.mode is UndoMode.BOUNDED and amount_cents > UNDONE_CENTS_PER_DAY
        ):
            raise UndoAtCounter
        if self.mode is not UndoMode.BOUNDED:
            return
        if self.cents + amount_cents > UNDONE_CENTS_PER_DAY:
            raise UndoAtCounter(self.day_seconds)
        if self.times >= UNDONE_PER_HOUR:
            raise UndoAtCounter(self.hour_seconds)


class ReturnLimits(NamedTuple):
    """What binds a buyer who takes back by themselves: for how long since it was dispensed, else ordered; how
    often within DAY_SECONDS, of which `today` are used; and what the machine allows all of them."""

    window_seconds: int
    today: int
    now_us: int
    undone: Undone = Undone()

    def require_returnable(self, order: Order, lines: Sequence[Line]) -> None:
        """Raises NotRefundable, RefundWindowOver."""
        for line in lines:
            if not line.refundable:
                raise NotRefundable(product=line.product_id)
        begun_us = order.created_us if order.fulfilled_us is None else order.fulfilled_us
        if self.now_us - begun_us > self.window_seconds * MICROSECONDS:
            raise RefundWindowOver(window_seconds=self.window_seconds)

    def require_not_exhausted(self) -> None:
        """Raises RefundsExhausted."""
        if self.today >= REFUNDS_PER_DAY:
            raise RefundsExhausted(refunds_max=REFUNDS_PER_DAY)


class Reversal(NamedTuple):
    """What comes back: the order afterwards, and the pieces of each product."""

    kind: RefundKind
    order: Order
    quantities: Mapping[int, int]
    amount_cents: int
    transfers: list[Transfer]
    movements: list[StockMovement]
    is_undo: bool = False  # by a buyer, of what was dispensed

    @property
    def counts_as_refund(self) -> bool:
        """Whether it counts towards a buyer's refunds of the day."""
        if self.kind is RefundKind.REFUND:
            return True
        is_called_off = self.kind in (RefundKind.CANCELLATION, RefundKind.REDUCTION)
        return is_called_off and self.order.payment is Payment.WALLET


class Inventory(NamedTuple):
    """Where pieces come back to: the shelves and products of an order's lines, by product."""

    shelves: Mapping[int, Shelf]
    products: Mapping[int, Product]


class BuyerBalances(NamedTuple):
    """What a buyer has, and still owes for the order itself."""

    balance_cents: int
    unpaid_cents: int = 0


def refund(
    *,
    order: Order,
    quantities: Mapping[int, int] | None,
    actor: Actor,
    balances: BuyerBalances,
    inventory: Inventory,
    write_off: bool,
    limits: ReturnLimits,
) -> Reversal:
    """Pieces back on the shelf they came from, or written off; their price as sold back to the buyer.

    `quantities` by product, at least one piece; None takes back all that is left. The office may refund what
    a seller's earnings do not cover, and they go below zero: the buyer is always made whole. For a seller see
    `require_covered`. Pieces of a product no longer on sale are written off.

    Raises:
        InvalidField: `quantities` is empty, or one of them is below 1.
        UnknownOrder: the actor is neither its buyer, nor the seller of the lines, nor cashier or admin.
        WrongStatus: nothing was dispensed yet: cancel the order, or make it smaller.
        RefundExceedsSale: a piece was never sold, or is back already.
        RoleMissing, NotRefundable, RefundWindowOver, RefundsExhausted, UndoAtCounter: only for a buyer who is
            none of the others.
        BalanceTooLarge: no wallet holds that much.
    """
    sold = {line.product_id: line for line in order.lines}
    if quantities is None:
        quantities = {line.product_id: line.left for line in order.lines if line.left}
    else:
        merge(quantities.items())
    chosen = [sold[product_id] for product_id in quantities or sold if product_id in sold]
    # Before any other answer: whoever may not refund must not learn what is left of the order.
    is_own_affair = rights(actor, order, chosen) == {Right.BUYER}
    if order.status is OrderStatus.PLACED:
        require_status(order, OrderStatus.DISPENSED)
    if is_own_affair:
        if write_off:
            raise RoleMissing(roles=(Right.SELLER, Right.STAFF, Role.ADMIN))
        limits.require_returnable(order, chosen)
    if not quantities:
        raise RefundExceedsSale(product=order.lines[0].product_id, refundable_quantity=0)
    for product_id, quantity in quantities.items():
        left = sold[product_id].left if product_id in sold else 0
        if quantity > left:
            raise RefundExceedsSale(product=product_id, refundable_quantity=left)
    if is_own_affair:
        limits.require_not_exhausted()
        limits.undone.require(sum(sold[one].price_cents * quantity for one, quantity in quantities.items()))
    whole = all(line.left == quantities.get(line.product_id, 0) for line in order.lines)
    status = OrderStatus.REFUNDED if whole else OrderStatus.PARTLY_REFUNDED
    back = _take_back(order, RefundKind.REFUND, status, quantities, balances, inventory, write_off=write_off)
    return back._replace(is_undo=is_own_affair)


def is_sellers(actor: Actor, order: Order, quantities: Mapping[int, int]) -> bool:
    """Whether the actor takes these pieces back as their seller, and not as one of the office."""
    chosen = [line for line in order.lines if line.product_id in quantities]
    held = rights(actor, order, chosen)
    return Right.SELLER in held and Right.STAFF not in held


def require_covered(back: Reversal, *, balance_cents: int, held_back_cents: int) -> None:
    """Sellers take back what their earnings cover: else they would be paid twice, by the buyer and the shop.

    `held_back_cents`: what the earnings must still cover afterwards, since buyers may return it by themselves
    or have not paid it. Raises RefundNotCovered.
    """
    covered_cents = max(balance_cents - held_back_cents, 0)
    if back.amount_cents > covered_cents:
        raise RefundNotCovered(amount_cents=back.amount_cents, covered_cents=covered_cents)


def cancel(
    *,
    order: Order,
    actor: Actor,
    balances: BuyerBalances,
    inventory: Inventory,
    limits: ReturnLimits,
) -> Reversal:
    """An order cancelled before anything was dispensed: all that is left of it comes back.

    Raises:
        UnknownOrder, RoleMissing: the actor is neither the buyer nor cashier or admin.
        WrongStatus: it is not `placed` any more.
        NotRefundable, RefundWindowOver, RefundsExhausted: a buyer has paid for it, and could not return it.
        BalanceTooLarge: no wallet holds that much.
    """
    require_right(actor, order, order.lines, Right.BUYER, Right.STAFF)
    require_status(order, OrderStatus.PLACED)
    if is_paid_and_own(order, actor):
        limits.require_returnable(order, order.lines)
        limits.require_not_exhausted()
    return _undo(order, RefundKind.CANCELLATION, OrderStatus.CANCELLED, balances, inventory)


def fail(*, order: Order, actor: Actor, balances: BuyerBalances, inventory: Inventory) -> Reversal:
    """An order that could not be dispensed: all that is left of it comes back.

    Raises:
        UnknownOrder, RoleMissing: the actor is neither its machine, nor the seller of all lines, nor cashier
            or admin.
        WrongStatus: it is not `placed` any more.
        BalanceTooLarge: no wallet holds that much.
    """
    require_dispenser(actor, order)
    return _undo(order, RefundKind.FAILURE, OrderStatus.FAILED, balances, inventory)


def reduce(
    *,
    order: Order,
    quantities: Mapping[int, int],
    actor: Actor,
    balances: BuyerBalances,
    inventory: Inventory,
    limits: ReturnLimits,
) -> Reversal | None:
    """An order made smaller before anything was dispensed; the rest comes back.

    `quantities` is the whole list as it shall be: a product that is missing counts as 0, and nothing but 0
    cancels the order. None where nothing changes.

    Raises:
        UnknownOrder, RoleMissing: the actor is neither the buyer nor cashier or admin.
        WrongStatus: it is not `placed` any more.
        InvalidField: a quantity below 0, or more of a product than the order has.
        NotRefundable, RefundWindowOver, RefundsExhausted: as `cancel`, of what comes back.
        BalanceTooLarge: no wallet holds that much.
    """
    require_right(actor, order, order.lines, Right.BUYER, Right.STAFF)
    require_status(order, OrderStatus.PLACED)
    ordered = {line.product_id: line.left for line in order.lines}
    for product_id, quantity in quantities.items():
        if not 0 <= quantity <= QUANTITY_MAX:
            raise InvalidField(field="quantity", problem=OutOfRange(0, QUANTITY_MAX))
        if quantity > ordered.get(product_id, 0):
            problem = MoreThanOrdered(product_id, ordered.get(product_id, 0))
            raise InvalidField(field="quantity", problem=problem)
    back = {product_id: left - quantities.get(product_id, 0) for product_id, left in ordered.items()}
    if any(back.values()) and is_paid_and_own(order, actor):
        returned = [line for line in order.lines if back[line.product_id]]
        limits.require_returnable(order, returned)
        limits.require_not_exhausted()
    if back == ordered:
        return _undo(order, RefundKind.CANCELLATION, OrderStatus.CANCELLED, balances, inventory)
    back = {product_id: quantity for product_id, quantity in back.items() if quantity}
    if not back:
        return None
    return _take_back(order, RefundKind.REDUCTION, OrderStatus.PLACED, back, balances, inventory)


def is_paid_and_own(order: Order, actor: Actor) -> bool:
    """Whether the order was paid from the wallet of an actor who is nothing but its buyer."""
    return order.payment is Payment.WALLET and rights(actor, order, order.lines) == {Right.BUYER}


def back_out(returned: StockMovement) -> StockMovement:
    """The write-off of pieces that came back but cannot be sold again."""
    return StockMovement(StockKind.WRITE_OFF, returned.machine_id, returned.product_id, -returned.quantity)


def _undo(
    order: Order, kind: RefundKind, status: OrderStatus, balances: BuyerBalances, inventory: Inventory
) -> Reversal:
    require_status(order, OrderStatus.PLACED)
    left = {line.product_id: line.left for line in order.lines if line.left}
    return _take_back(order, kind, status, left, balances, inventory)


def _take_back(
    order: Order,
    kind: RefundKind,
    status: OrderStatus,
    quantities: Mapping[int, int],
    balances: BuyerBalances,
    inventory: Inventory,
    *,
    write_off: bool = False,
) -> Reversal:
    takings: dict[AccountRef, int] = {}
    movements = []
    for line in order.lines:
        quantity = quantities.get(line.product_id, 0)
        if not quantity:
            continue
        earnings = earnings_of(line.seller_id)
        takings[earnings] = takings.get(earnings, 0) + line.price_cents * quantity
        back = move(inventory.shelves[line.product_id], StockKind.REFUND, quantity)
        movements.append(back)
        if write_off or not inventory.products[line.product_id].on_sale:
            movements.append(back_out(back))
    transfers = _pay_back(order, takings, balances)
    to_wallet = sum(one.amount_cents for one in transfers if one.target == order.wallet)
    if balances.balance_cents + to_wallet > BALANCE_CENTS_MAX:
        raise BalanceTooLarge(balance_cents_max=BALANCE_CENTS_MAX)
    lines = tuple(
        line._replace(refunded_quantity=line.refunded_quantity + quantities.get(line.product_id, 0))
        for line in order.lines
    )
    return Reversal(
        kind,
        order._replace(status=status, lines=lines),
        quantities,
        sum(takings.values()),
        transfers,
        movements,
    )


def _pay_back(order: Order, takings: Mapping[AccountRef, int], balances: BuyerBalances) -> list[Transfer]:
    """To the wallet; for an order on the tab, first off what is owed for it: the rest has been paid already.

    Never off what is owed for other orders: other sellers would be paid for them by nobody.
    """
    transfers = []
    unpaid = balances.unpaid_cents if order.payment is Payment.TAB else 0
    for earnings, cents in takings.items():
        off_tab = min(unpaid, cents)
        if off_tab:
            assert order.wallet.user_id is not None  # No guest has a tab.
            tab = tab_of(order.wallet.user_id)
            transfers.append(Transfer(TransferKind.REFUND, earnings, tab, off_tab))
            unpaid -= off_tab
        if cents > off_tab:
            transfers.append(Transfer(TransferKind.REFUND, earnings, order.wallet, cents - off_tab))
    return transfers
