"""/v1/orders and their refunds."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

import msgspec

from tuckshop.api.guests import GuestName, machine_of, purse
from tuckshop.api.refunds import RefundShown, show_refund
from tuckshop.api.requests import Cursor, Limit, Page, answered, cursor_id, cursor_of
from tuckshop.domain.orders import (
    CLIENT_REF_LENGTH_MAX,
    LINES_MAX,
    Change,
    Fulfil,
    OrderStatus,
    Payment,
    merge,
)
from tuckshop.domain.products import QUANTITY_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    ChangeUnpayable,
    ClientRefTaken,
    CoinsNotAttested,
    InsufficientFunds,
    InvalidField,
    NotOwner,
    NotRefundable,
    OutOfStock,
    RefundExceedsSale,
    RefundsExhausted,
    RefundWindowOver,
    RoleMissing,
    TabLimitExceeded,
    UnknownGuest,
    UnknownMachine,
    UnknownOrder,
    UnknownProduct,
    WrongStatus,
)
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import ID_MAX, Id, Moment, PathId, Reason, Shown, moment
from tuckshop.http.handlers import Router, get, patch, post, told
from tuckshop.http.request import Body, Call
from tuckshop.http.response import Response
from tuckshop.identity import sessions
from tuckshop.queries import orders
from tuckshop.queries.orders import OrderStands, Whose
from tuckshop.till.commands.orders import (
    CancelOrder,
    Dispense,
    OrderChanged,
    OrderPlaced,
    PlaceOrder,
    ReduceOrder,
    SoldLine,
)
from tuckshop.till.commands.refunds import Refund, Refunded

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

WhoseQuery = Annotated[Whose, msgspec.Meta(description="What you bought, what you sold, or everybody's.")]
BuyerQuery = Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, description="Of this user alone.")]
StatusQuery = Annotated[OrderStatus, msgspec.Meta(description="In this status alone.")]


class LineBody(Body):
    """So many pieces of a product. A product named twice counts together."""

    product: Id
    quantity: Quantity


class PlaceOrderBody(Body):
    """What to buy. `change`: what becomes of the rest of the wallet. `client_ref`: yours, used once ever.

    `fulfil`: whether the goods are handed out now, as from a wallet, or later, as on a tab. `guest`: for whom
    a machine, a cashier or an admin buys. `machine`: the first one, or the one that asks.
    """

    lines: Annotated[list[LineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    payment: Payment = Payment.WALLET
    change: Change = Change.KEEP
    client_ref: ClientRef | None = None
    machine: Id | None = None
    fulfil: Fulfil | None = None
    guest: GuestName | None = None


class KeptLineBody(Body):
    """So many pieces of a product shall stay in the order."""

    product: Id
    quantity: Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX)]


class ChangeOrderBody(Body):
    """Either a status, or all lines as they shall be: what is not named is 0, and nothing but 0 cancels."""

    status: Literal["cancelled", "dispensed", "failed"] | msgspec.UnsetType = msgspec.UNSET
    lines: (
        Annotated[list[KeptLineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)] | msgspec.UnsetType
    ) = msgspec.UNSET
    reason: Reason | None = None


class RefundBody(Body):
    """Which pieces to give back; without `lines`, all that are left. `stock`: may they be sold again?"""

    lines: Annotated[list[LineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)] | None = None
    reason: Reason | None = None
    stock: Literal["restock", "write_off"] = "restock"


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


class OrderStandsShown(OrderShown):
    """An order as it stands, and whose it is: a user's or a guest's. A seller sees own lines, and nobody."""

    buyer: int | None
    guest: str | None


class OrderPlacedShown(OrderShown):
    """A new order, the balance that is left, and the coins that came back with it.

    `owed` is on the tab, if that paid.
    """

    balance: int
    change: dict[int, int]
    owed: int | None


class OrdersShown(Page):
    """A page of orders, newest first."""

    items: list[OrderStandsShown]


@post(
    "/",
    summary="Buy",
    operation=told(
        "placeOrder",
        RoleMissing,
        CoinsNotAttested,
        UnknownMachine,
        UnknownProduct,
        InvalidField,
        ClientRefTaken,
        OutOfStock,
        InsufficientFunds,
        TabLimitExceeded,
        ChangeUnpayable,
        UnknownGuest,
        NotOwner,
        login="witness",
        keyed=True,
        body=PlaceOrderBody,
    ),
)
async def place(request: Call) -> Response[OrderPlacedShown]:
    """All lines at once, from your wallet or on your tab, or nothing; by a machine from its guest's wallet.

    Repeat it safely with an Idempotency-Key.
    """
    caller = request.witness
    data = await request.parsed(PlaceOrderBody)
    caller, ref = await purse(request, caller, guest=data.guest)
    command = PlaceOrder(
        caller,
        ref,
        merge((line.product, line.quantity) for line in data.lines),
        data.change,
        data.client_ref,
        machine_of(caller, data.machine),
        data.payment,
        data.fulfil,
    )
    outcome = await request.settled(command)
    return answered(outcome, OrderPlaced, _show_placed, status=201)


@get(
    "/",
    summary="Orders",
    operation=told("listOrders", RoleMissing),
)
async def index(
    request: Call,
    whose: WhoseQuery = Whose.MINE,
    buyer: BuyerQuery | None = None,
    status: StatusQuery | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> OrdersShown:
    """What you have bought, newest first; what was sold of yours; or, for cashiers and admins, all."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    found = await orders.page(
        request.shop,
        actor=actor,
        whose=whose,
        buyer_id=buyer,
        status=status,
        before_id=cursor_id(cursor),
        limit=limit + 1,
    )
    items = [_show_standing(order) for order in found[:limit]]
    return OrdersShown(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@get("/{order_id:int}", summary="One order", operation=told("getOrder", UnknownOrder))
async def show(request: Call, order_id: PathId) -> OrderStandsShown:
    """Your own order, or your own lines of one in which you sold; cashiers and admins see everybody's."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    return _show_standing(await orders.find(request.shop, order_id=order_id, actor=actor))


@patch(
    "/{order_id:int}",
    summary="Cancel, make smaller, hand out",
    operation=told(
        "changeOrder",
        UnknownOrder,
        RoleMissing,
        InvalidField,
        WrongStatus,
        BalanceTooLarge,
        keyed=True,
        body=ChangeOrderBody,
    ),
)
async def change(request: Call, order_id: PathId) -> Response[OrderShown]:
    """While it is `placed`. Buyers cancel and make smaller; sellers of all lines say what was handed out, or
    could not be; cashiers and admins do either. Money and pieces come back."""
    caller = request.caller
    data = await request.parsed(ChangeOrderBody)
    command: CancelOrder | ReduceOrder | Dispense
    match data.status, data.lines:
        case (msgspec.UnsetType(), list(lines)):
            kept = Counter[int]()
            for line in lines:
                kept[line.product] += line.quantity
            command = ReduceOrder(caller, order_id, dict(kept), data.reason)
        case ("cancelled", msgspec.UnsetType()):
            command = CancelOrder(caller, order_id, data.reason)
        case (("dispensed" | "failed") as status, msgspec.UnsetType()):
            command = Dispense(caller, order_id, status == "failed", data.reason)
        case _:
            raise Malformed(("status", "or lines must be given, not both"))
    outcome = await request.settled(command)
    return answered(outcome, OrderChanged, _show, status=200)


@post(
    "/{order_id:int}/refunds",
    summary="Give back",
    operation=told(
        "refundOrder",
        UnknownOrder,
        RoleMissing,
        InvalidField,
        WrongStatus,
        RefundExceedsSale,
        NotRefundable,
        RefundWindowOver,
        RefundsExhausted,
        BalanceTooLarge,
        login="witness",
        keyed=True,
        body=RefundBody | None,
    ),
)
async def refund(request: Call, order_id: PathId) -> Response[RefundShown]:
    """The buyer within the window and three times a day, and so a machine for its guests; the lines' seller,
    cashiers and admins at any time.

    Only they may write the pieces off.
    """
    caller = request.witness
    data = await request.parsed(RefundBody, default=RefundBody())
    quantities = None
    if data.lines is not None:
        quantities = dict(merge((line.product, line.quantity) for line in data.lines))
    command = Refund(caller, order_id, quantities, data.reason, data.stock == "write_off")
    outcome = await request.settled(command)
    return answered(outcome, Refunded, show_refund, status=201)


def _show_standing(order: OrderStands) -> OrderStandsShown:
    return OrderStandsShown(
        id=order.order_id,
        client_ref=order.client_ref,
        status=OrderStatus(order.status),
        payment=Payment(order.payment),
        machine=order.machine_id,
        lines=_show_lines(order.lines),
        total=order.total_cents,
        created_at=moment(order.created_us),
        buyer=order.buyer_id,
        guest=order.guest,
    )


def _show(order: OrderChanged) -> OrderShown:
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
        owed=receipt.owed_cents,
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


router = Router("/orders", [place, index, show, change, refund])
