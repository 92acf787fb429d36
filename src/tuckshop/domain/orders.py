"""Selling and handing out; `refunds` has the way back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from tuckshop.domain import tabs
from tuckshop.domain.coins import Coins, total_cents
from tuckshop.domain.field_problems import ChangeOnTab, ProductTwice, TooLarge, TooSmall, WrongLineCount
from tuckshop.domain.ledger import AccountRef, Transfer, TransferKind, coin_box_of, earnings_of
from tuckshop.domain.machines import CoinBox, FulfilMode, pay
from tuckshop.domain.products import QUANTITY_MAX, Product, Shelf, StockKind, StockMovement, move
from tuckshop.domain.refusals import (
    FulfilNotOffered,
    InsufficientFunds,
    InvalidField,
    PriceChanged,
    RoleMissing,
    TooManyPlaced,
    UnknownOrder,
    WrongStatus,
)
from tuckshop.domain.tabs import Tab
from tuckshop.domain.users import Actor, Role

LINES_MAX = 100  # A full basket; bounds what one command can lock.
CLIENT_REF_LENGTH_MAX = 64
PLACED_PIECES_MAX = 20  # Of one buyer: nobody holds a whole shelf for others to miss.


class OrderStatus(StrEnum):
    """The status of an order."""

    PLACED = "placed"
    DISPENSED = "dispensed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"


class Payment(StrEnum):
    """What an order is paid from."""

    WALLET = "wallet"
    TAB = "tab"


class Change(StrEnum):
    """What happens to the money left after an order."""

    KEEP = "keep"  # stays in the wallet
    RETURN = "return"  # comes back in coins


class Fulfil(StrEnum):
    """When the products are dispensed."""

    NOW = "now"
    LATER = "later"


class Line(NamedTuple):
    """Pieces of one product, as sold."""

    product_id: int
    quantity: int
    name: str
    price_cents: int
    seller_id: int | None
    refundable: bool
    tax_basis_points: int
    cost_cents: int
    refunded_quantity: int = 0

    @property
    def left(self) -> int:
        """Pieces that have not been returned."""
        return self.quantity - self.refunded_quantity


class Order(NamedTuple):
    """A sale to whom `wallet` belongs; `fulfilled_us` is None unless it was dispensed."""

    id: int
    wallet: AccountRef
    machine_id: int
    status: OrderStatus
    client_ref: str | None
    total_cents: int
    lines: tuple[Line, ...]
    created_us: int
    payment: Payment
    fulfilled_us: int | None

    @property
    def placed_pieces(self) -> int:
        """Pieces that were paid from the wallet and wait to be dispensed."""
        if self.status is not OrderStatus.PLACED or self.payment is not Payment.WALLET:
            return 0
        return sum(line.left for line in self.lines)

    @property
    def left_cents(self) -> int:
        """What the pieces cost that have not been returned."""
        return sum(line.price_cents * line.left for line in self.lines)


class Sale(NamedTuple):
    """What an order changes. `change` are coins paid out with it."""

    order: Order
    transfers: list[Transfer]
    movements: list[StockMovement]
    change: Coins
    balance_cents: int


class RequestedLine(NamedTuple):
    """One line of an order to be: the product, its shelf, how many; and the price that the buyer has seen."""

    product: Product
    shelf: Shelf
    quantity: int
    expected_cents: int | None = None


def merge(lines: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """(product, quantity) pairs with each product once, in the order first named.

    Raises:
        InvalidField: no line, more than LINES_MAX, or a quantity outside 1..QUANTITY_MAX.
    """
    merged: dict[int, int] = {}
    for product_id, quantity in lines:
        if quantity < 1:
            raise InvalidField(field="quantity", problem=TooSmall(1))
        merged[product_id] = merged.get(product_id, 0) + quantity
        if merged[product_id] > QUANTITY_MAX:
            raise InvalidField(field="quantity", problem=TooLarge(QUANTITY_MAX))
    if not 1 <= len(merged) <= LINES_MAX:
        raise InvalidField(field="lines", problem=WrongLineCount(LINES_MAX))
    return tuple(merged.items())


def sell(
    *,
    order_id: int,
    wallet: AccountRef,
    balance_cents: int,
    wanted: Sequence[RequestedLine],
    box: CoinBox,
    change: Change,
    coin_values: tuple[int, ...],
    client_ref: str | None,
    now_us: int,
    tab: Tab | None = None,
    fulfil: Fulfil | None = None,
    expected_total_cents: int | None = None,
    mode: FulfilMode = FulfilMode.EITHER,
    placed_pieces: int = 0,
    payable_cents: int | None = None,
) -> Sale:
    """All lines, paid from the wallet at once, or nothing. `wanted` names each product once (see `merge`).

    With a `tab` it pays instead of the wallet. What is bought with money is dispensed as the machine's `mode`
    says, and what goes on a tab `later`, unless `fulfil` says otherwise. What is expected is what the buyer
    has seen. `placed_pieces`: of the buyer's, paid from the wallet, that wait to be dispensed already. No
    more than `payable_cents` comes back as change.

    Raises:
        InvalidField: no line, a product twice, a quantity outside 1..QUANTITY_MAX, or change from a tab.
        OutOfStock: a shelf holds too few.
        PriceChanged: a piece, or all of it, costs more or less than is expected.
        InsufficientFunds: the wallet holds too little; the exact money is enough.
        TabLimitExceeded: the tab would owe more than its limit; exactly the limit is allowed.
        ChangeUnpayable: `change` is RETURN and a counted box lacks the coins.
        FulfilNotOffered: the machine dispenses at another time what a wallet pays for.
        TooManyPlaced: more than PLACED_PIECES_MAX would wait to be dispensed.
    """
    # A line of -1 would sell a piece to the shop; a product twice would be held against a full shelf twice.
    if len(merge((line.product.id, line.quantity) for line in wanted)) < len(wanted):
        raise InvalidField(field="lines", problem=ProductTwice())
    if tab is not None and change is Change.RETURN:
        raise InvalidField(field="change", problem=ChangeOnTab())
    fulfil = _fulfilment(fulfil, on_tab=tab is not None, mode=mode, machine_id=box.machine_id)
    lines, movements, takings = _taken(wanted)
    total = sum(takings.values())
    _require_seen(wanted, lines, total_cents=total, expected_total_cents=expected_total_cents)
    pieces = placed_pieces + sum(line.quantity for line in lines)
    if fulfil is Fulfil.LATER and tab is None and pieces > PLACED_PIECES_MAX:
        raise TooManyPlaced(pieces_max=PLACED_PIECES_MAX, placed=placed_pieces)
    payer, after_cents = _charged(total, wallet=wallet, balance_cents=balance_cents, tab=tab)
    transfers = [Transfer(TransferKind.SALE, payer, earnings, amount) for earnings, amount in takings.items()]
    coins: Coins = {}
    if change is Change.RETURN:
        back_cents = after_cents if payable_cents is None else min(payable_cents, after_cents)
        coins = pay(box, back_cents, values=coin_values)
        if coins:
            paid_cents = total_cents(coins)
            transfers.append(Transfer(TransferKind.PAYOUT, wallet, coin_box_of(box.machine_id), paid_cents))
            after_cents -= paid_cents
    order = Order(
        order_id,
        wallet,
        box.machine_id,
        OrderStatus.DISPENSED if fulfil is Fulfil.NOW else OrderStatus.PLACED,
        client_ref,
        total,
        lines,
        now_us,
        Payment.WALLET if tab is None else Payment.TAB,
        now_us if fulfil is Fulfil.NOW else None,
    )
    return Sale(order, transfers, movements, coins, after_cents)


def _fulfilment(asked: Fulfil | None, *, on_tab: bool, mode: FulfilMode, machine_id: int) -> Fulfil:
    """When the order is dispensed. Raises FulfilNotOffered."""
    if on_tab:
        return asked or Fulfil.LATER
    if mode is FulfilMode.EITHER:
        return asked or Fulfil.NOW
    offered = Fulfil(mode.value)
    if asked not in (None, offered):
        raise FulfilNotOffered(machine=machine_id, offered=offered)
    return offered


def _taken(
    wanted: Sequence[RequestedLine],
) -> tuple[tuple[Line, ...], list[StockMovement], dict[AccountRef, int]]:
    """The lines as sold, the pieces off their shelves, and what each account earns. Raises as `move`."""
    lines = []
    movements = []
    takings: dict[AccountRef, int] = {}
    for product, shelf, quantity, _ in wanted:
        movements.append(move(shelf, StockKind.SALE, -quantity))
        price_cents = product.price_cents if shelf.price_cents is None else shelf.price_cents
        lines.append(
            Line(
                product.id,
                quantity,
                product.name,
                price_cents,
                product.seller_id,
                product.refundable,
                product.tax_basis_points,
                product.cost_cents,
            )
        )
        earnings = earnings_of(product.seller_id)
        takings[earnings] = takings.get(earnings, 0) + price_cents * quantity
    return tuple(lines), movements, takings


def _require_seen(
    wanted: Sequence[RequestedLine],
    lines: Sequence[Line],
    *,
    total_cents: int,
    expected_total_cents: int | None,
) -> None:
    """Raises PriceChanged."""
    for requested, line in zip(wanted, lines, strict=True):
        if requested.expected_cents not in (None, line.price_cents):
            raise PriceChanged(total_cents, product=line.product_id, price_cents=line.price_cents)
    if expected_total_cents not in (None, total_cents):
        raise PriceChanged(total_cents)


def _charged(
    total: int, *, wallet: AccountRef, balance_cents: int, tab: Tab | None
) -> tuple[AccountRef, int]:
    """Which account pays, and the wallet's balance after it. Raises InsufficientFunds, TabLimitExceeded."""
    if tab is None:
        if total > balance_cents:
            raise InsufficientFunds(needed_cents=total, balance_cents=balance_cents)
        return wallet, balance_cents - total
    return tabs.charged(wallet, total, tab=tab), balance_cents


def dispense(*, order: Order, actor: Actor, now_us: int) -> Order:
    """The order, dispensed.

    Raises:
        UnknownOrder, RoleMissing: see `require_dispenser`; the buyer does not say so.
        WrongStatus: it is not waiting for that.
    """
    require_dispenser(actor, order)
    require_status(order, OrderStatus.PLACED)
    return order._replace(status=OrderStatus.DISPENSED, fulfilled_us=now_us)


class Right(StrEnum):
    """By what somebody has a say in an order; the values are roles."""

    BUYER = "buyer"  # whose order it is
    SELLER = "seller"  # whose goods all of these lines are
    STAFF = "cashier"  # or an admin


def rights(actor: Actor, order: Order, lines: Sequence[Line]) -> set[Right]:
    """What the actor is to these lines of the order.

    Raises:
        UnknownOrder: nothing.
        RoleMissing: its buyer, but not as one: with a token that does not buy.
    """
    held = set()
    if actor.has(Role.CASHIER, Role.ADMIN):
        held.add(Right.STAFF)
    if actor.user_id is not None:
        sells_all = bool(lines) and all(line.seller_id == actor.user_id for line in lines)
        if actor.has(Role.SELLER) and sells_all:
            held.add(Right.SELLER)
        if order.wallet.user_id == actor.user_id:
            if not held:
                actor.require(Role.BUYER)
            if actor.has(Role.BUYER):
                held.add(Right.BUYER)
    elif order.wallet.guest_id is not None and (
        order.machine_id == actor.machine_id or order.wallet.guest_id == actor.guest_id
    ):
        held.add(Right.BUYER)  # A machine speaks for its guests, who cannot log in.
    if not held:
        raise UnknownOrder(order=order.id)
    return held


def require_right(actor: Actor, order: Order, lines: Sequence[Line], *needed: Right) -> None:
    """Raises UnknownOrder for strangers, RoleMissing for those whose right is another, or in part of it."""
    own = [line for line in lines if line.seller_id == actor.user_id]
    held = rights(actor, order, own)
    if len(own) < len(lines):
        held -= {Right.SELLER}
    if not held.intersection(needed):
        raise RoleMissing(roles=(*needed, Role.ADMIN))


def require_dispenser(actor: Actor, order: Order) -> None:
    """Who says what became of an order: the machine it is at, the seller of all of it, or the office.

    Raises:
        UnknownOrder, RoleMissing: see `require_right`.
    """
    if actor.machine_id is None:
        require_right(actor, order, order.lines, Right.SELLER, Right.STAFF)
    elif order.machine_id != actor.machine_id:
        raise UnknownOrder(order=order.id)


def require_status(order: Order, *fitting: OrderStatus) -> None:
    """Raises WrongStatus."""
    if order.status not in fitting:
        raise WrongStatus(order=order.id, order_status=order.status)
