"""/v1/orders and their refunds."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

import msgspec

from tuckshop.api.guests import GuestName, machine_of, requested_wallet
from tuckshop.api.refunds import RefundResponse, show_refund
from tuckshop.api.requests import Cursor, Limit, Page, cursor_id, cursor_of, respond
from tuckshop.domain.money import BALANCE_CENTS_MAX
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
    FulfilNotOffered,
    InsufficientFunds,
    InvalidField,
    NotOwner,
    NotRefundable,
    OutOfStock,
    PriceChanged,
    RefundExceedsSale,
    RefundNotCovered,
    RefundsExhausted,
    RefundWindowOver,
    RoleMissing,
    SelfService,
    TabLimitExceeded,
    TooManyPlaced,
    UndoAtCounter,
    UnknownGuest,
    UnknownMachine,
    UnknownOrder,
    UnknownProduct,
    WrongStatus,
)
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import ID_MAX, Id, Moment, PathId, Price, Reason, ResponseBody, moment
from tuckshop.http.handlers import Router, describe, get, patch, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import devices, sessions
from tuckshop.operations import refund_requests
from tuckshop.queries import orders
from tuckshop.queries.orders import OrderRecord, OrderScope
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
Total = Annotated[int, msgspec.Meta(ge=1, le=BALANCE_CENTS_MAX)]
ClientRef = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9_-]+\Z",
        min_length=1,
        max_length=CLIENT_REF_LENGTH_MAX,
        examples=["till-7-0001"],
    ),
]

WhoseQuery = Annotated[
    OrderScope, msgspec.Meta(description="Orders that you bought, that you sold in, or all.")
]
BuyerQuery = Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, description="Only orders of this user.")]
StatusQuery = Annotated[OrderStatus, msgspec.Meta(description="Only orders with this status.")]


class LineBody(Body):
    """A product and its quantity. Lines of the same product are added up."""

    product: Id
    quantity: Quantity


class OrderLineBody(LineBody):
    """A product and its quantity. `expected_price`: what the buyer saw that one piece costs."""

    expected_price: Price | None = None


class PlaceOrderBody(Body):
    """What to buy. `change`: what happens to the rest of the wallet. `client_ref`: your reference, used once.

    `fulfil`: whether the products are dispensed now, as from a wallet, or later, as on a tab. `guest`: for
    whom a machine, a cashier or an admin buys. `machine`: by default the first one, or the one that asks.
    `expected_total`: what the buyer saw that it all costs. If a price has changed since, nothing is bought.
    """

    lines: Annotated[list[OrderLineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    payment: Payment = Payment.WALLET
    change: Change = Change.KEEP
    client_ref: ClientRef | None = None
    machine: Id | None = None
    fulfil: Fulfil | None = None
    guest: GuestName | None = None
    expected_total: Total | None = None


class KeptLineBody(Body):
    """The new quantity of a product in the order."""

    product: Id
    quantity: Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX)]


class ChangeOrderBody(Body):
    """Either a status, or all new lines: products that are left out become 0; only zeros cancel the order."""

    status: Literal["cancelled", "dispensed", "failed"] | msgspec.UnsetType = msgspec.UNSET
    lines: (
        Annotated[list[KeptLineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)] | msgspec.UnsetType
    ) = msgspec.UNSET
    reason: Reason | None = None


class RefundBody(Body):
    """What to refund; without `lines`, everything left. `stock`: whether the products can be sold again."""

    lines: Annotated[list[LineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)] | None = None
    reason: Reason | None = None
    stock: Literal["restock", "write_off"] = "restock"


class LineResponse(ResponseBody):
    """A line as sold; `refunded` is the number of refunded pieces."""

    product: int
    name: str
    quantity: int
    price: int
    refunded: int


class OrderResponse(ResponseBody):
    """An order."""

    id: int
    client_ref: str | None
    status: OrderStatus
    payment: Payment
    machine: int
    lines: list[LineResponse]
    total: int
    created_at: Moment


class OrderDetailResponse(OrderResponse):
    """An order and its buyer: a user or a guest. Sellers see their own lines, and no buyer."""

    buyer: int | None
    guest: str | None


class OrderPlacedResponse(OrderResponse):
    """A new order, the balance after it, and the coins of the change.

    `owed` is what the tab owes, for an order on the tab.
    """

    balance: int
    change: dict[int, int]
    owed: int | None


class OrdersResponse(Page):
    """A page of orders, newest first."""

    items: list[OrderDetailResponse]


@post(
    "/",
    summary="Buy",
    operation=describe(
        "placeOrder",
        SelfService,
        RoleMissing,
        CoinsNotAttested,
        UnknownMachine,
        UnknownProduct,
        InvalidField,
        ClientRefTaken,
        OutOfStock,
        PriceChanged,
        InsufficientFunds,
        TabLimitExceeded,
        ChangeUnpayable,
        FulfilNotOffered,
        TooManyPlaced,
        UnknownGuest,
        NotOwner,
        login="attester",
        keyed=True,
        body=PlaceOrderBody,
    ),
)
async def place(request: ShopRequest) -> Response[OrderPlacedResponse]:
    """Buys all lines or none, from your wallet or on your tab; a machine buys from its guest's wallet.

    Send an Idempotency-Key to retry safely.
    """
    caller = request.attester
    data = await request.parsed(PlaceOrderBody)
    caller, ref = await requested_wallet(request, caller, guest=data.guest)
    command = PlaceOrder(
        caller,
        ref,
        merge((line.product, line.quantity) for line in data.lines),
        data.change,
        data.client_ref,
        machine_of(caller, data.machine),
        data.payment,
        data.fulfil,
        expected_total_cents=data.expected_total,
        expected_prices=_expected_prices(data.lines),
    )
    outcome = await request.execute(command)
    return respond(outcome, OrderPlaced, _show_placed, status=201)


@get(
    "/",
    summary="Orders",
    operation=describe("listOrders", RoleMissing),
)
async def index(
    request: ShopRequest,
    whose: WhoseQuery = OrderScope.MINE,
    buyer: BuyerQuery | None = None,
    status: StatusQuery | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> OrdersResponse:
    """Your orders, newest first; orders of your products; or all orders, for cashiers and admins."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    found = await orders.page(
        request.shop,
        actor=actor,
        scope=whose,
        buyer_id=buyer,
        status=status,
        before_id=cursor_id(cursor),
        limit=limit + 1,
    )
    if whose is OrderScope.ALL or buyer is not None:
        request.looks(actor, whose=buyer)
    items = [_show_standing(order) for order in found[:limit]]
    return OrdersResponse(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@get("/{order_id:int}", summary="One order", operation=describe("getOrder", UnknownOrder, login="attester"))
async def show(request: ShopRequest, order_id: PathId) -> OrderDetailResponse:
    """Your own order, or your lines of an order you sold in; machines see theirs, cashiers and admins all."""
    actor = await devices.attester(request.shop, caller=request.attester)
    found = await orders.find(request.shop, order_id=order_id, actor=actor)
    request.looks(actor, whose=found.buyer_id)
    return _show_standing(found)


@patch(
    "/{order_id:int}",
    summary="Cancel, reduce or complete an order",
    operation=describe(
        "changeOrder",
        SelfService,
        UnknownOrder,
        RoleMissing,
        InvalidField,
        WrongStatus,
        NotRefundable,
        RefundWindowOver,
        RefundsExhausted,
        BalanceTooLarge,
        login="attester",
        keyed=True,
        body=ChangeOrderBody,
    ),
)
async def change(request: ShopRequest, order_id: PathId) -> Response[OrderResponse]:
    """While it is `placed`. Buyers cancel and reduce it, one from the wallet as they return what they bought;
    sellers of all lines, and the machine, complete it or mark it as failed; cashiers and admins do either.

    Money and stock are returned.
    """
    caller = request.attester
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
    outcome = await request.execute(command)
    return respond(outcome, OrderChanged, _show, status=200)


@post(
    "/{order_id:int}/refunds",
    summary="Refund an order",
    operation=describe(
        "refundOrder",
        SelfService,
        UnknownOrder,
        RoleMissing,
        InvalidField,
        WrongStatus,
        RefundExceedsSale,
        NotRefundable,
        RefundWindowOver,
        RefundsExhausted,
        UndoAtCounter,
        RefundNotCovered,
        BalanceTooLarge,
        login="attester",
        keyed=True,
        body=RefundBody | None,
    ),
)
async def refund(request: ShopRequest, order_id: PathId) -> Response[RefundResponse]:
    """Buyers, and machines for their guests: within the refund window, three times a day, as far as
    TUCKSHOP_MACHINE_UNDO allows.

    The lines' seller: at any time, as far as the earnings cover it; what they do not cover is listed in the
    office. Cashiers and admins: at any time.

    Only they can write the products off.
    """
    caller = request.attester
    data = await request.parsed(RefundBody, default=RefundBody())
    quantities = None
    if data.lines is not None:
        quantities = dict(merge((line.product, line.quantity) for line in data.lines))
    command = Refund(caller, order_id, quantities, data.reason, data.stock == "write_off")
    outcome = await request.execute(command)
    await refund_requests.note(request.shop, command=command, outcome=outcome)
    return respond(outcome, Refunded, show_refund, status=201)


def _expected_prices(lines: list[OrderLineBody]) -> dict[int, int]:
    """What the buyer saw that a piece of each product costs, as far as said. Raises Malformed."""
    seen: dict[int, int] = {}
    for line in lines:
        if line.expected_price is None:
            continue
        if seen.setdefault(line.product, line.expected_price) != line.expected_price:
            raise Malformed(("lines", "must expect one price for each product"))
    return seen


def _show_standing(order: OrderRecord) -> OrderDetailResponse:
    return OrderDetailResponse(
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


def _show(order: OrderChanged) -> OrderResponse:
    return OrderResponse(
        id=order.order_id,
        client_ref=order.client_ref,
        status=order.status,
        payment=order.payment,
        machine=order.machine_id,
        lines=_show_lines(order.lines),
        total=order.total_cents,
        created_at=moment(order.created_us),
    )


def _show_placed(receipt: OrderPlaced) -> OrderPlacedResponse:
    return OrderPlacedResponse(
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


def _show_lines(lines: tuple[SoldLine, ...]) -> list[LineResponse]:
    return [
        LineResponse(
            product=line.product_id,
            name=line.name,
            quantity=line.quantity,
            price=line.price_cents,
            refunded=line.refunded_quantity,
        )
        for line in lines
    ]


router = Router("/orders", [place, index, show, change, refund])
