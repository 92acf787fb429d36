"""`/account/orders`: what somebody has bought, giving it back, and calling off what is not handed out yet."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.refusals import Refusal
from tuckshop.domain.users import Actor, Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.queries import orders
from tuckshop.queries import pictures as picture_queries
from tuckshop.queries.orders import OrderStands
from tuckshop.till.commands.orders import CancelOrder, OrderChanged
from tuckshop.till.commands.refunds import Refund, Refunded
from tuckshop.web.ui import error_pages as errors
from tuckshop.web.ui import flash as notices
from tuckshop.web.ui import forms, rooms
from tuckshop.web.ui import i18n as texts
from tuckshop.web.ui.rooms import Member, Number

PAGE = 20


@get("/account/orders")
async def index(request: Call) -> Response[Any]:
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
        images=await picture_queries.of_orders(request.shop, orders=bought),
        key=forms.new_key(),
        before=bought[-1].order_id if len(found) > PAGE else None,
    )


@get("/account/orders/{order:str}")
async def show(request: Call, order: Number) -> Response[Any]:
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
async def give_back(request: Call, order: Number) -> Response[Any]:
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
async def cancel(request: Call, order: Number) -> Response[Any]:
    """Called off before anything was handed out."""
    member = await rooms.member(request, Role.BUYER)
    posted = await forms.read(request, "key")
    found = await _own(request, member, rooms.number(order))
    return await _pressed(request, posted, CancelOrder(member.caller, found.order_id))


HANDLERS = (index, show, give_back, cancel)


async def _own(request: Call, member: Member, order_id: int) -> OrderStands:
    """The member's own order; those of others are for the office and the desk. Raises UnknownOrder."""
    buyer = Actor(member.user_id, frozenset({Role.BUYER}))
    return await orders.find(request.shop, order_id=order_id, actor=buyer)


async def _pressed(request: Call, posted: dict[str, str], command: Refund | CancelOrder) -> Response[Any]:
    words = texts.of(request)
    response = forms.to_page(f"/account/orders/{command.order_id}")
    try:
        receipt = await forms.settled(request, command, posted)
    except Refusal as refusal:
        errors.leave(response, request, refusal)
        return response
    if isinstance(receipt, Refunded):
        amount = words.money(receipt.amount_cents, request.shop.currency)
        notices.leave(
            response, request, words.gettext("Given back. %(amount)s is yours again.", amount=amount)
        )
    else:
        assert isinstance(receipt, OrderChanged)
        notices.leave(response, request, words.gettext("The order is cancelled."))
    return response
