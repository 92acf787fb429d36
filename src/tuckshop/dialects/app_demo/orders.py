"""What was ordered."""

from __future__ import annotations

from tuckshop.dialects.app_demo.common import answered
from tuckshop.dialects.shared import tab_orders
from tuckshop.dialects.shared.pagination import Counted, Limit, Offset
from tuckshop.dialects.shared.tab_orders import OrderBody
from tuckshop.domain.money import Currency
from tuckshop.http.handlers import get, post, told
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.queries.orders import OrderStands
from tuckshop.till.commands.orders import OrderPlaced


class OrderShown(tab_orders.OrderShown):
    """An order as it stands: what has not come back of it, or all of it where nothing is left."""

    id: int


class OrdersShown(Counted):
    """A page of orders, newest first."""

    results: list[OrderShown]


@post(
    "/api/order",
    summary="Order",
    operation=told("createOrder", *tab_orders.PLACING, keyed=True, body=OrderBody),
)
async def place(request: Call) -> Response[OrderShown]:
    """All of it on your tab, or nothing."""
    caller = request.caller
    command = tab_orders.placing(caller, await request.parsed(OrderBody))
    currency = request.shop.currency
    return answered(
        await request.settled(command), OrderPlaced, lambda order: _show(order, currency), status=201
    )


@get("/api/order", summary="Your orders", operation=told("listOrders"))
async def orders(request: Call, limit: Limit = 100, offset: Offset = 0) -> OrdersShown:
    """What you have ordered, newest first."""
    found, head = await tab_orders.page(request, limit=limit, offset=offset)
    return OrdersShown(results=[_show(order, request.shop.currency) for order in found], **head)


def _show(order: OrderStands | OrderPlaced, currency: Currency) -> OrderShown:
    return OrderShown(id=order.order_id, **tab_orders.members(order, currency))
