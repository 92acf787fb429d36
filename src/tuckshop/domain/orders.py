"""Selling and taking back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from tuckshop.domain.accounts import Actor, Role
from tuckshop.domain.catalogue import QUANTITY_MAX, Product, Shelf, StockKind, StockMovement, move
from tuckshop.domain.coins import Coins, total_cents
from tuckshop.domain.ledger import AccountRef, Transfer, TransferKind, coin_box_of, earnings_of
from tuckshop.domain.machines import CoinBox, pay
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    InsufficientFunds,
    InvalidField,
    NotRefundable,
    RefundExceedsSale,
    RefundWindowOver,
    UnknownOrder,
)

LINES_MAX = 100  # A full basket; bounds what one command can lock.
CLIENT_REF_LENGTH_MAX = 64
MICROSECONDS = 1_000_000


class OrderStatus(StrEnum):
    """Where an order stands."""

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
    """What becomes of the money left after an order."""

    KEEP = "keep"  # stays in the wallet
    RETURN = "return"  # comes back in coins


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
        """Pieces that have not been given back."""
        return self.quantity - self.refunded_quantity


class Order(NamedTuple):
    """A sale; `wallet` paid for it and gets refunds."""

    id: int
    wallet: AccountRef
    machine_id: int
    status: OrderStatus
    client_ref: str | None
    total_cents: int
    lines: tuple[Line, ...]
    created_us: int


class Sale(NamedTuple):
    """What an order changes. `change` are coins paid out with it."""

    order: Order
    transfers: list[Transfer]
    movements: list[StockMovement]
    change: Coins
    balance_cents: int


class TakenBack(NamedTuple):
    """What a refund changes: the order afterwards, and the pieces taken back of each product."""

    order: Order
    quantities: Mapping[int, int]
    amount_cents: int
    transfers: list[Transfer]
    movements: list[StockMovement]


class Wanted(NamedTuple):
    """One line of an order to be: the product, the shelf to take it from, how many."""

    product: Product
    shelf: Shelf
    quantity: int


def merge(lines: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """(product, quantity) pairs with each product once, in the order first named.

    Raises:
        InvalidField: no line, more than LINES_MAX, or a quantity outside 1..QUANTITY_MAX.
    """
    merged: dict[int, int] = {}
    for product_id, quantity in lines:
        if quantity < 1:
            raise InvalidField(field="quantity", reason="must be at least 1")
        merged[product_id] = merged.get(product_id, 0) + quantity
        if merged[product_id] > QUANTITY_MAX:
            raise InvalidField(field="quantity", reason=f"must be at most {QUANTITY_MAX}")
    if not 1 <= len(merged) <= LINES_MAX:
        raise InvalidField(field="lines", reason=f"must name 1 to {LINES_MAX} products")
    return tuple(merged.items())


def sell(
    *,
    order_id: int,
    wallet: AccountRef,
    balance_cents: int,
    wanted: Sequence[Wanted],
    box: CoinBox,
    change: Change,
    coin_values: tuple[int, ...],
    client_ref: str | None,
    now_us: int,
) -> Sale:
    """All lines, paid from the wallet at once, or nothing. `wanted` names each product once (see `merge`).

    Raises:
        InvalidField: no line, a product twice, or a quantity outside 1..QUANTITY_MAX.
        OutOfStock: a shelf holds too few.
        InsufficientFunds: the wallet holds too little; the exact money is enough.
        ChangeUnpayable: `change` is RETURN and a counted box lacks the coins.
    """
    # A line of -1 would sell a piece to the shop; a product twice would be held against a full shelf twice.
    if len(merge((line.product.id, line.quantity) for line in wanted)) < len(wanted):
        raise InvalidField(field="lines", reason="must name each product once")
    lines = []
    movements = []
    takings: dict[AccountRef, int] = {}
    for product, shelf, quantity in wanted:
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
    total = sum(takings.values())
    if total > balance_cents:
        raise InsufficientFunds(needed_cents=total, balance_cents=balance_cents)
    transfers = [
        Transfer(TransferKind.SALE, wallet, earnings, amount) for earnings, amount in takings.items()
    ]
    after_cents = balance_cents - total
    coins: Coins = {}
    if change is Change.RETURN and after_cents:
        coins = pay(box, after_cents, values=coin_values)
        if coins:
            paid_cents = total_cents(coins)
            transfers.append(Transfer(TransferKind.PAYOUT, wallet, coin_box_of(box.machine_id), paid_cents))
            after_cents -= paid_cents
    order = Order(
        order_id, wallet, box.machine_id, OrderStatus.DISPENSED, client_ref, total, tuple(lines), now_us
    )
    return Sale(order, transfers, movements, coins, after_cents)


def refund(
    *,
    order: Order,
    quantities: Mapping[int, int] | None,
    actor: Actor,
    balance_cents: int,
    shelves: Mapping[int, Shelf],
    products: Mapping[int, Product],
    window_seconds: int,
    now_us: int,
) -> TakenBack:
    """Pieces back on the shelf they came from, their price as sold back to the buyer's wallet.

    `quantities` by product, at least one piece; None takes back all that is left. A seller's earnings may
    go below zero: the buyer is always made whole. Pieces of a product no longer on sale are written off.

    Raises:
        InvalidField: `quantities` is empty, or one of them is below 1.
        UnknownOrder: the actor is neither its buyer, nor the seller of the lines, nor cashier or admin.
        RefundExceedsSale: a piece was never sold, or is back already.
        NotRefundable, RefundWindowOver: only for a buyer who is none of the others.
        BalanceTooLarge: no wallet holds that much.
    """
    sold = {line.product_id: line for line in order.lines}
    if quantities is None:
        quantities = {line.product_id: line.left for line in order.lines if line.left}
    else:
        merge(quantities.items())
    chosen = [sold[product_id] for product_id in quantities or sold if product_id in sold]
    # Before any other answer: whoever may not refund must not learn what is left of the order.
    _require_may_refund(actor, order, chosen, window_seconds=window_seconds, now_us=now_us)
    if not quantities:
        raise RefundExceedsSale(product=order.lines[0].product_id, refundable_quantity=0)
    transfers: dict[AccountRef, int] = {}
    movements = []
    for product_id, quantity in quantities.items():
        line = sold.get(product_id)
        left = 0 if line is None else line.left
        if line is None or quantity > left:
            raise RefundExceedsSale(product=product_id, refundable_quantity=left)
        earnings = earnings_of(line.seller_id)
        transfers[earnings] = transfers.get(earnings, 0) + line.price_cents * quantity
        back = move(shelves[product_id], StockKind.REFUND, quantity)
        movements.append(back)
        if not products[product_id].on_sale:
            movements.append(back_out(back))
    amount = sum(transfers.values())
    if balance_cents + amount > BALANCE_CENTS_MAX:
        raise BalanceTooLarge(balance_cents_max=BALANCE_CENTS_MAX)
    lines = tuple(
        line._replace(refunded_quantity=line.refunded_quantity + quantities.get(line.product_id, 0))
        for line in order.lines
    )
    status = OrderStatus.PARTLY_REFUNDED if any(line.left for line in lines) else OrderStatus.REFUNDED
    return TakenBack(
        order._replace(status=status, lines=lines),
        quantities,
        amount,
        [
            Transfer(TransferKind.REFUND, earnings, order.wallet, cents)
            for earnings, cents in transfers.items()
        ],
        movements,
    )


def back_out(returned: StockMovement) -> StockMovement:
    """The write-off of pieces that came back for a product that is no longer on sale."""
    return StockMovement(StockKind.WRITE_OFF, returned.machine_id, returned.product_id, -returned.quantity)


def _require_may_refund(
    actor: Actor, order: Order, chosen: Sequence[Line], *, window_seconds: int, now_us: int
) -> None:
    if actor.has(Role.CASHIER, Role.ADMIN):
        return
    sells_all = bool(chosen) and all(line.seller_id == actor.user_id for line in chosen)
    if actor.has(Role.SELLER) and actor.user_id is not None and sells_all:
        return
    if actor.user_id is None or order.wallet.user_id != actor.user_id:
        raise UnknownOrder(order=order.id)
    for line in chosen:
        if not line.refundable:
            raise NotRefundable(product=line.product_id)
    if now_us - order.created_us > window_seconds * MICROSECONDS:
        raise RefundWindowOver(window_seconds=window_seconds)
