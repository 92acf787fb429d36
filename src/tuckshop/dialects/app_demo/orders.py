"""What was ordered."""

from __future__ import annotations

from tuckshop.dialects.app_demo.common import respond
from tuckshop.dialects.shared import tab_orders
from tuckshop.dialects.shared.pagination import Counted, Limit, Offset
from tuckshop.dialects.shared.tab_orders import OrderBody
from tuckshop.domain.money import Currency
from tuckshop.http.handlers import describe, get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries.orders import OrderRecord
from tuckshop.till.commands.orders import OrderPlaced


class OrderResponse(tab_orders.OrderResponse):
    """An order without its refunded pieces. A fully refunded order has all its lines."""

    id: int


class OrdersResponse(Counted):
    """A page of orders, newest first."""

    results: list[OrderResponse]


@post(
    "/api/order",
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


@get("/api/order", summary="Your orders", operation=describe("listOrders"))
async def orders(request: ShopRequest, limit: Limit = 100, offset: Offset = 0) -> OrdersResponse:
    """Your orders, newest first."""
    found, head = await tab_orders.page(request, limit=limit, offset=offset)
    return OrdersResponse(results=[_show(order, request.shop.currency) for order in found], **head)


def _show(order: OrderRecord | OrderPlaced, currency: Currency) -> OrderResponse:
    return OrderResponse(id=order.order_id, **tab_orders.members(order, currency))
