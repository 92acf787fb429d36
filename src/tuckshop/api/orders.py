"""/v1/orders and their refunds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post

from tuckshop.api.catalogue import Amount, Reason
from tuckshop.api.requests import (
    Body,
    Call,
    Id,
    Limit,
    Page,
    PathId,
    Shown,
    answered,
    cursor_id,
    cursor_of,
    moment,
)
from tuckshop.domain.accounts import Role
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.orders import CLIENT_REF_LENGTH_MAX, LINES_MAX, Change, merge
from tuckshop.services import orders, sessions
from tuckshop.services.orders import OrderStands
from tuckshop.till.commands import OrderPlaced, PlaceOrder, Refund, Refunded, SoldLine

ClientRef = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+$", min_length=1, max_length=CLIENT_REF_LENGTH_MAX)
]


class LineBody(Body):
    """So many pieces of a product. A product named twice counts together."""

    product: Id
    quantity: Amount


class PlaceOrderBody(Body):
    """What to buy. `change`: what becomes of the rest of the wallet. `client_ref`: yours, used once ever."""

    lines: Annotated[list[LineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    payment: Literal["wallet"] = "wallet"
    change: Change = Change.KEEP
    client_ref: ClientRef | None = None
    machine: Id = DEFAULT_MACHINE_ID


class RefundBody(Body):
    """Which pieces to give back; without `lines`, all that are left."""

    lines: Annotated[list[LineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)] | None = None
    reason: Reason | None = None


class LineShown(Shown):
    """A line as sold; `refunded` pieces have come back."""

    product: int
    name: str
    quantity: int
    price: int
    refunded: int


class OrderShown(Shown):
    """An order as it stands."""

    id: int
    client_ref: str | None
    status: str
    payment: str
    machine: int
    lines: list[LineShown]
    total: int
    created_at: datetime


class OrderPlacedShown(OrderShown):
    """A new order, the balance that is left, and the coins that came back with it."""

    balance: int
    change: dict[int, int]


class OrdersShown(Page):
    """A page of orders, newest first."""

    items: list[OrderShown]


class RefundedLineShown(Shown):
    """Pieces that came back."""

    product: int
    quantity: int


class RefundShown(Shown):
    """A refund; `balance` is the buyer's, null for a seller who may not know it."""

    id: int
    order: int
    status: str
    lines: list[RefundedLineShown]
    amount: int
    balance: int | None
    created_at: datetime


@post("/", summary="Buy")
async def place(request: Call, data: PlaceOrderBody) -> Response[OrderPlacedShown]:
    """All lines at once from your wallet, or nothing. Repeat it safely with an Idempotency-Key."""
    command = PlaceOrder(
        request.caller,
        wallet_of(request.caller.user_id or 0),
        merge((line.product, line.quantity) for line in data.lines),
        data.change,
        data.client_ref,
        data.machine,
    )
    outcome = await request.settled(command)
    return answered(outcome, OrderPlaced, _show_placed, status=201)


@get("/", summary="Your orders", opt={"query": ("limit", "cursor")})
async def index(request: Call, limit: Limit = 50, cursor: str | None = None) -> OrdersShown:
    """What you have bought, newest first."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    found = await orders.page(
        request.shop, buyer_id=actor.user_id, before_id=cursor_id(cursor), limit=limit + 1
    )
    items = [_show(order) for order in found[:limit]]
    return OrdersShown(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@get("/{order_id:int}", summary="One order")
async def show(request: Call, order_id: PathId) -> OrderShown:
    """Your own order; cashiers and admins see everybody's."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    buyer_id = None if actor.has(Role.CASHIER, Role.ADMIN) else actor.user_id
    return _show(await orders.find(request.shop, order_id=order_id, buyer_id=buyer_id))


@post("/{order_id:int}/refunds", summary="Give back")
async def refund(request: Call, order_id: PathId, data: RefundBody | None = None) -> Response[RefundShown]:
    """The buyer within the window; the lines' seller, cashiers and admins at any time."""
    data = data or RefundBody()
    quantities = None
    if data.lines is not None:
        quantities = dict(merge((line.product, line.quantity) for line in data.lines))
    command = Refund(request.caller, order_id, quantities, data.reason)
    outcome = await request.settled(command)
    return answered(outcome, Refunded, _show_refund, status=201)


def _show(order: OrderStands) -> OrderShown:
    return OrderShown(
        id=order.order_id,
        client_ref=order.client_ref,
        status=order.status,
        payment=order.payment,
        machine=order.machine_id,
        lines=_show_lines(order.lines),
        total=order.total_cents,
        created_at=moment(order.created_us),
    )


def _show_placed(receipt: OrderPlaced) -> OrderPlacedShown:
    return OrderPlacedShown(
        id=receipt.order_id,
        client_ref=receipt.client_ref,
        status=receipt.status,
        payment=receipt.payment,
        machine=receipt.machine_id,
        lines=_show_lines(receipt.lines),
        total=receipt.total_cents,
        balance=receipt.balance_cents,
        change=receipt.change,
        created_at=moment(receipt.created_us),
    )


def _show_lines(lines: tuple[SoldLine, ...]) -> list[LineShown]:
    return [
        LineShown(
            product=line.product_id,
            name=line.name,
            quantity=line.quantity,
            price=line.price_cents,
            refunded=line.refunded_quantity,
        )
        for line in lines
    ]


def _show_refund(receipt: Refunded) -> RefundShown:
    return RefundShown(
        id=receipt.refund_id,
        order=receipt.order_id,
        status=receipt.status,
        lines=[
            RefundedLineShown(product=product_id, quantity=quantity)
            for product_id, quantity in receipt.quantities.items()
        ],
        amount=receipt.amount_cents,
        balance=receipt.balance_cents,
        created_at=moment(receipt.created_us),
    )


router = Router(path="/orders", route_handlers=[place, index, show, refund], tags=["orders"])
