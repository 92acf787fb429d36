"""/v1/orders and their refunds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post

from tuckshop.api.catalogue import Reason
from tuckshop.api.openapi import told
from tuckshop.api.requests import (
    Body,
    Call,
    Cursor,
    Id,
    Limit,
    Moment,
    Page,
    PathId,
    Shown,
    answered,
    cursor_id,
    cursor_of,
    moment,
)
from tuckshop.domain.accounts import Role
from tuckshop.domain.catalogue import QUANTITY_MAX
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.orders import (
    CLIENT_REF_LENGTH_MAX,
    LINES_MAX,
    Change,
    OrderStatus,
    Payment,
    merge,
)
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    ChangeUnpayable,
    ClientRefTaken,
    CoinsNotAttested,
    InsufficientFunds,
    InvalidField,
    NotRefundable,
    OutOfStock,
    RefundExceedsSale,
    RefundWindowOver,
    RoleMissing,
    UnknownMachine,
    UnknownOrder,
    UnknownProduct,
)
from tuckshop.services import orders, sessions
from tuckshop.services.orders import OrderStands
from tuckshop.till.commands import OrderPlaced, PlaceOrder, Refund, Refunded, SoldLine

Quantity = Annotated[int, msgspec.Meta(ge=1, le=QUANTITY_MAX)]
ClientRef = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9_-]+\Z",
        min_length=1,
        max_length=CLIENT_REF_LENGTH_MAX,
        examples=["till-7-0001"],
    ),
]


class LineBody(Body):
    """So many pieces of a product. A product named twice counts together."""

    product: Id
    quantity: Quantity


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
    status: OrderStatus
    payment: Payment
    machine: int
    lines: list[LineShown]
    total: int
    created_at: Moment


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
    status: OrderStatus
    lines: list[RefundedLineShown]
    amount: int
    balance: int | None
    created_at: Moment


@post(
    "/",
    summary="Buy",
    opt=told(
        "placeOrder",
        RoleMissing,
        CoinsNotAttested,
        UnknownMachine,
        UnknownProduct,
        InvalidField,
        ClientRefTaken,
        OutOfStock,
        InsufficientFunds,
        ChangeUnpayable,
        keyed=True,
        body=PlaceOrderBody,
    ),
)
async def place(request: Call) -> Response[OrderPlacedShown]:
    """All lines at once from your wallet, or nothing. Repeat it safely with an Idempotency-Key."""
    caller = request.caller
    data = await request.parsed(PlaceOrderBody)
    command = PlaceOrder(
        caller,
        wallet_of(caller.user_id or 0),
        merge((line.product, line.quantity) for line in data.lines),
        data.change,
        data.client_ref,
        data.machine,
    )
    outcome = await request.settled(command)
    return answered(outcome, OrderPlaced, _show_placed, status=201)


@get("/", summary="Your orders", opt=told("listOrders", query={"limit": int, "cursor": str}))
async def index(request: Call, limit: Limit = 50, cursor: Cursor = None) -> OrdersShown:
    """What you have bought, newest first."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    found = await orders.page(
        request.shop, buyer_id=actor.user_id, before_id=cursor_id(cursor), limit=limit + 1
    )
    items = [_show(order) for order in found[:limit]]
    return OrdersShown(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@get("/{order_id:int}", summary="One order", opt=told("getOrder", UnknownOrder))
async def show(request: Call, order_id: PathId) -> OrderShown:
    """Your own order; cashiers and admins see everybody's."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    buyer_id = None if actor.has(Role.CASHIER, Role.ADMIN) else actor.user_id
    return _show(await orders.find(request.shop, order_id=order_id, buyer_id=buyer_id))


@post(
    "/{order_id:int}/refunds",
    summary="Give back",
    opt=told(
        "refundOrder",
        UnknownOrder,
        InvalidField,
        RefundExceedsSale,
        NotRefundable,
        RefundWindowOver,
        BalanceTooLarge,
        keyed=True,
        body=RefundBody | None,
    ),
)
async def refund(request: Call, order_id: PathId) -> Response[RefundShown]:
    """The buyer within the window; the lines' seller, cashiers and admins at any time."""
    caller = request.caller
    data = await request.parsed(RefundBody, default=RefundBody())
    quantities = None
    if data.lines is not None:
        quantities = dict(merge((line.product, line.quantity) for line in data.lines))
    command = Refund(caller, order_id, quantities, data.reason)
    outcome = await request.settled(command)
    return answered(outcome, Refunded, _show_refund, status=201)


def _show(order: OrderStands) -> OrderShown:
    return OrderShown(
        id=order.order_id,
        client_ref=order.client_ref,
        status=OrderStatus(order.status),
        payment=Payment(order.payment),
        machine=order.machine_id,
        lines=_show_lines(order.lines),
        total=order.total_cents,
        created_at=moment(order.created_us),
    )


def _show_placed(receipt: OrderPlaced) -> OrderPlacedShown:
    return OrderPlacedShown(
        id=receipt.order_id,
        client_ref=receipt.client_ref,
        status=OrderStatus(receipt.status),
        payment=Payment(receipt.payment),
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
        status=OrderStatus(receipt.status),
        lines=[
            RefundedLineShown(product=product_id, quantity=quantity)
            for product_id, quantity in receipt.quantities.items()
        ],
        amount=receipt.amount_cents,
        balance=receipt.balance_cents,
        created_at=moment(receipt.created_us),
    )


router = Router(path="/orders", route_handlers=[place, index, show, refund])
