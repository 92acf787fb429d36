"""What was ordered, under names that clients make themselves."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from tuckshop.dialects.shared import tab_orders
from tuckshop.dialects.shared.pagination import Counted, Limit, Offset
from tuckshop.dialects.shared.tab_orders import OrderBody
from tuckshop.dialects.shop.common import respond
from tuckshop.domain.money import Currency
from tuckshop.domain.orders import CLIENT_REF_LENGTH_MAX, LINES_MAX
from tuckshop.domain.products import QUANTITY_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    ClientRefTaken,
    InvalidField,
    UnknownOrder,
    WrongStatus,
)
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import Id
from tuckshop.http.handlers import describe, get, patch, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response, rendered
from tuckshop.identity import sessions
from tuckshop.queries import orders as order_queries
from tuckshop.queries.orders import OrderRecord
from tuckshop.till.commands.orders import CancelOrder, OrderChanged, OrderPlaced, ReduceOrder

OrderName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9_-]+\Z",
        min_length=1,
        max_length=CLIENT_REF_LENGTH_MAX,
        description="The client's own; or the shop's number, if the client has given no order that name.",
    ),
]


class KeptLineBody(Body):
    """The new quantity of a product in the order."""

    id: Id
    quantity: Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX)]


class ChangeOrderBody(Body):
    """Either a status, or all new lines: products that are left out become 0; only zeros cancel the order."""

    status: Literal["cancelled"] | UnsetType = UNSET
    products: Annotated[list[KeptLineBody], msgspec.Meta(max_length=LINES_MAX)] | UnsetType = UNSET


class OrderResponse(tab_orders.OrderResponse):
    """An order without its refunded pieces. A fully refunded order has all its lines.

    `id` is the client's own, or else the shop's number.
    """

    id: int | str


class OrdersResponse(Counted):
    """A page of orders, newest first."""

    results: list[OrderResponse]


_ORDERS = "/api/orders"
_ORDER = "/api/orders/{order_id:str}"


@post(
    _ORDERS,
    summary="Order",
    operation=describe("createOrder", *tab_orders.PLACING, keyed=True, body=OrderBody),
)
async def place(request: ShopRequest) -> Response[OrderResponse]:
    """Orders all lines on your tab, or none."""
    caller = request.caller
    command = tab_orders.placing(caller, await request.parsed(OrderBody))
    currency = request.shop.currency
    return respond(
        await request.execute(command), OrderPlaced, lambda order: _show(order, currency), status=201
    )


@get(_ORDERS, summary="Your orders", operation=describe("listOrders"))
async def orders(request: ShopRequest, limit: Limit = 100, offset: Offset = 0) -> OrdersResponse:
    """Your orders, newest first."""
    found, head = await tab_orders.page(request, limit=limit, offset=offset)
    return OrdersResponse(results=[_show(order, request.shop.currency) for order in found], **head)


@post(
    _ORDER,
    summary="Order once",
    operation=describe(
        "createNamedOrder",
        *tab_orders.PLACING,
        ClientRefTaken,
        keyed=True,
        body=OrderBody,
        also={200: "Already ordered; the order as it is now"},
    ),
)
async def place_named(request: ShopRequest, order_id: OrderName) -> Response[OrderResponse]:
    """Orders all lines on your tab, or none. Repeating the request orders once."""
    caller = request.caller
    command = tab_orders.placing(caller, await request.parsed(OrderBody), client_ref=order_id)
    outcome = await request.execute(command)
    currency = request.shop.currency
    if isinstance(outcome.answer, ClientRefTaken):
        made = await _own(request, order_id)
        if order_queries.is_repeated(made, command):
            return rendered(outcome, _show(made, currency), status=200)
    return respond(outcome, OrderPlaced, lambda order: _show(order, currency), status=201)


@get(_ORDER, summary="One order", operation=describe("getOrder", UnknownOrder))
async def order(request: ShopRequest, order_id: OrderName) -> OrderResponse:
    """One of your own."""
    return _show(await _own(request, order_id), request.shop.currency)


@patch(
    _ORDER,
    summary="Cancel or reduce an order",
    operation=describe(
        "changeOrder",
        UnknownOrder,
        InvalidField,
        WrongStatus,
        BalanceTooLarge,
        keyed=True,
        body=ChangeOrderBody,
    ),
)
async def change_order(request: ShopRequest, order_id: OrderName) -> Response[OrderResponse]:
    """While it is `placed`. Removed pieces return to the shelf and come off your tab."""
    caller = request.caller
    data = await request.parsed(ChangeOrderBody)
    command: CancelOrder | ReduceOrder
    match data.status, data.products:
        case ("cancelled", UnsetType()):
            command = CancelOrder(caller, (await _own(request, order_id)).order_id)
        case (UnsetType(), list(products)):
            kept = Counter[int]()
            for line in products:
                kept[line.id] += line.quantity
            command = ReduceOrder(caller, (await _own(request, order_id)).order_id, dict(kept))
        case _:
            raise Malformed(("status", "or products must be given, not both"))
    currency = request.shop.currency
    return respond(
        await request.execute(command), OrderChanged, lambda order: _show(order, currency), status=200
    )


async def _own(request: ShopRequest, order_id: str) -> OrderRecord:
    """The caller's order of this name or number; not even admins see others' here. Raises UnknownOrder."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    return await order_queries.find_named(request.shop, name=order_id, buyer_id=actor.user_id)


def _show(order: OrderRecord | OrderPlaced | OrderChanged, currency: Currency) -> OrderResponse:
    return OrderResponse(id=order.client_ref or order.order_id, **tab_orders.members(order, currency))
