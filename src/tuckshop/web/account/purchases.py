"""`/account/orders`: purchases of the user, returning them, and cancelling orders that are not completed."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.refusals import Refusal
from tuckshop.domain.users import Actor, Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries import orders, pictures
from tuckshop.queries.orders import OrderRecord
from tuckshop.till.commands.orders import CancelOrder, OrderChanged
from tuckshop.till.commands.refunds import Refund, Refunded
from tuckshop.web.ui import error_pages, flash, forms, i18n, rooms
from tuckshop.web.ui.rooms import Number, SignedInUser

PAGE = 20


@get("/account/orders")
async def index(request: ShopRequest) -> Response[Any]:
    """All of them, the newest first."""
    member = await rooms.member(request, Role.BUYER)
    before_id = rooms.before(request)
    found = await orders.page(request.shop, actor=member.actor, before_id=before_id, limit=PAGE + 1)
    bought = found[:PAGE]
    return rooms.page(
        request,
        "account/orders.html",
        member=member,
        orders=bought,
        returnable=await orders.returnable(
            request.shop, buyer_id=member.user_id, order_ids=[order.order_id for order in bought]
        ),
        images=await pictures.of_orders(request.shop, orders=bought),
        key=forms.new_key(),
        before=bought[-1].order_id if len(found) > PAGE else None,
    )


@get("/account/orders/{order:str}")
async def show(request: ShopRequest, order: Number) -> Response[Any]:
    """One of them, line by line."""
    member = await rooms.member(request, Role.BUYER)
    found = await _own(request, member, rooms.number(order))
    returnable = await orders.returnable(request.shop, buyer_id=member.user_id, order_ids=[found.order_id])
    return rooms.page(
        request,
        "account/order.html",
        member=member,
        order=found,
        returnable=returnable.get(found.order_id),
        key=forms.new_key(),
    )


@post("/account/orders/{order:str}/give-back", status_code=303)
async def give_back(request: ShopRequest, order: Number) -> Response[Any]:
    """All that is left of it, or all of one product."""
    member = await rooms.member(request, Role.BUYER)
    posted = await forms.read(request, "key", "product")
    found = await _own(request, member, rooms.number(order))
    pieces = None
    if posted["product"]:
        product_id = rooms.number(posted["product"])
        pieces = {
            line.product_id: line.quantity - line.refunded_quantity
            for line in found.lines
            if line.product_id == product_id
        }
    return await _pressed(request, posted, Refund(member.caller, found.order_id, pieces))


@post("/account/orders/{order:str}/cancel", status_code=303)
async def cancel(request: ShopRequest, order: Number) -> Response[Any]:
    """Cancelled before it was completed."""
    member = await rooms.member(request, Role.BUYER)
    posted = await forms.read(request, "key")
    found = await _own(request, member, rooms.number(order))
    return await _pressed(request, posted, CancelOrder(member.caller, found.order_id))


HANDLERS = (index, show, give_back, cancel)


async def _own(request: ShopRequest, member: SignedInUser, order_id: int) -> OrderRecord:
    """The member's own order; those of others are for the office and the desk. Raises UnknownOrder."""
    buyer = Actor(member.user_id, frozenset({Role.BUYER}))
    return await orders.find(request.shop, order_id=order_id, actor=buyer)


async def _pressed(
    request: ShopRequest, posted: dict[str, str], command: Refund | CancelOrder
) -> Response[Any]:
    words = i18n.of(request)
    response = forms.to_page(f"/account/orders/{command.order_id}")
    try:
        receipt = await forms.execute(request, command, posted)
    except Refusal as refusal:
        error_pages.leave(response, request, refusal)
        return response
    if isinstance(receipt, Refunded):
        amount = words.money(receipt.amount_cents, request.shop.currency)
        flash.leave(
            response, request, words.gettext("Returned. %(amount)s is back in your wallet.", amount=amount)
        )
    else:
        assert isinstance(receipt, OrderChanged)
        flash.leave(response, request, words.gettext("Order cancelled."))
    return response
