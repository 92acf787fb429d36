"""`/office/orders`: all orders; refunding, completing and cancelling them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import StreamingResponse

from tuckshop.domain.field_problems import NotAWholeNumber
from tuckshop.domain.orders import OrderStatus
from tuckshop.domain.products import REASON_LENGTH_MAX
from tuckshop.domain.refusals import RefundExceedsSale, Refusal, UnknownUser
from tuckshop.domain.users import USERNAME_LENGTH_MAX, Role
from tuckshop.http import downloads
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import users
from tuckshop.queries import exports, orders, refund_requests
from tuckshop.queries.orders import OrderDetails, OrderScope
from tuckshop.till.commands.orders import CancelOrder, Dispense
from tuckshop.till.commands.refunds import Refund, Refunded
from tuckshop.web.ui import error_pages, flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import Number, SignedInUser

PAGE = 25
_STATUSES = [status.value for status in OrderStatus]
_STOCK = ("restock", "write_off")


@get("/office/orders")
async def index(request: ShopRequest) -> Response[Any]:
    """All of them, or those of one buyer or in one status; the newest first."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    asked = {name: request.query_params.get(name, "") for name in ("buyer", "status", "number")}
    if asked["number"].isdecimal() and asked["number"].isascii():
        return forms.to_page(f"/office/orders/{asked['number']}")
    form = BoundForm(request, asked)
    buyer_id = None
    if asked["buyer"].strip():
        name = form.text("buyer", length_max=USERNAME_LENGTH_MAX)
        try:
            buyer_id = (await users.find_by_name(request.shop, username=name)).id
        except UnknownUser as refusal:
            form.refuse(refusal, beside={UnknownUser: "buyer"})
    if asked["number"]:
        form.complain("number", NotAWholeNumber())
    before_id = rooms.before(request)
    found = []
    if not form.is_wrong:
        found = await orders.page(
            request.shop,
            actor=member.actor,
            scope=OrderScope.ALL,
            buyer_id=buyer_id,
            status=OrderStatus(asked["status"]) if asked["status"] in _STATUSES else None,
            before_id=before_id,
            limit=PAGE + 1,
        )
    kept = {name: value for name, value in asked.items() if value}
    return rooms.page(
        request,
        "office/orders.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        statuses=_STATUSES,
        orders=found[:PAGE],
        href=f"/office/orders?{urlencode(kept)}" if kept else "/office/orders",
        before=found[PAGE - 1].order_id if len(found) > PAGE else None,
    )


@get("/office/orders/file")
async def save(request: ShopRequest) -> StreamingResponse:
    """Every line of every order, for a spreadsheet."""
    await rooms.member(request, Role.CASHIER, Role.ADMIN)
    return downloads.long_sheet(exports.sold(request.shop), "orders")


@get("/office/orders/{order:str}")
async def show(request: ShopRequest, order: Number) -> Response[Any]:
    """One of them: every line, and what came back of it."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    return await _shown(request, member, await _found(request, member, order))


@post("/office/orders/{order:str}/refund", status_code=303)
async def refund(request: ShopRequest, order: Number) -> Response[Any]:
    """So many pieces of each line; onto the shelf again, or written off."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    found = await _found(request, member, order)
    fields = [f"pieces-{line.product_id}" for line in found.order.lines]
    posted = await forms.read(request, "key", "stock", "reason", *fields)
    form = BoundForm(request, posted)
    pieces: dict[int, int] = {}
    for line in found.order.lines:
        name = f"pieces-{line.product_id}"
        count = form.whole(name, most=line.quantity) if posted[name].strip() else 0
        pieces |= {line.product_id: count} if count else {}
    stock = form.one_of("stock", _STOCK)
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=False)
    if not pieces and not form.is_wrong:
        form.trouble = i18n.of(request).gettext("Enter how many pieces were returned.")
    if form.is_wrong:
        return await _shown(request, member, found, form)
    command = Refund(member.caller, found.order.order_id, pieces, reason or None, stock == "write_off")
    try:
        receipt = await forms.execute(request, command, posted)
    except Refusal as refusal:
        named = refusal.facts().get("product") if isinstance(refusal, RefundExceedsSale) else None
        form.refuse(refusal, beside={RefundExceedsSale: f"pieces-{named}"} if named else None)
        return await _shown(request, member, found, form)
    assert isinstance(receipt, Refunded)
    words = i18n.of(request)
    response = forms.to_page(f"/office/orders/{found.order.order_id}")
    amount = words.money(receipt.amount_cents, request.shop.currency)
    flash.leave(response, request, words.gettext("%(amount)s refunded.", amount=amount))
    return response


@post("/office/orders/{order:str}/hand-out", status_code=303)
async def hand_out(request: ShopRequest, order: Number) -> Response[Any]:
    """Completed, or failed with a refund."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    posted = await forms.read(request, "key", "failed")
    order_id = rooms.number(order)
    failed = posted["failed"] == "yes"
    words = i18n.of(request)
    told = words.gettext("Order refunded.") if failed else words.gettext("Order completed.")
    return await _pressed(request, posted, Dispense(member.caller, order_id, failed), told)


@post("/office/orders/{order:str}/cancel", status_code=303)
async def cancel(request: ShopRequest, order: Number) -> Response[Any]:
    """Cancelled before it was completed."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    posted = await forms.read(request, "key")
    command = CancelOrder(member.caller, rooms.number(order))
    return await _pressed(request, posted, command, i18n.of(request).gettext("Order cancelled."))


HANDLERS = (
    index,
    save,
    show,
    refund,
    hand_out,
    cancel,
)


async def _found(request: ShopRequest, member: SignedInUser, order: str) -> OrderDetails:
    return await orders.details(request.shop, order_id=rooms.number(order), actor=member.actor)


async def _pressed(
    request: ShopRequest, posted: dict[str, str], command: Dispense | CancelOrder, told: str
) -> Response[Any]:
    response = forms.to_page(f"/office/orders/{command.order_id}")
    try:
        await forms.execute(request, command, posted)
    except Refusal as refusal:
        error_pages.leave(response, request, refusal)
        return response
    flash.leave(response, request, told)
    return response


async def _shown(
    request: ShopRequest, member: SignedInUser, found: OrderDetails, form: BoundForm | None = None
) -> Response[Any]:
    left = {line.product_id: line.quantity - line.refunded_quantity for line in found.order.lines}
    typed = {f"pieces-{product_id}": str(count) for product_id, count in left.items()}
    return rooms.page(
        request,
        "office/order.html",
        member=member,
        status=200 if form is None else form.status,
        details=found,
        requests=await refund_requests.of_order(
            request.shop, actor=member.actor, order_id=found.order.order_id
        ),
        order=found.order,
        names={line.product_id: line.name for line in found.order.lines},
        left=left,
        form=form or BoundForm(request, typed | {"stock": "restock", "reason": ""}),
        key=forms.new_key() if form is None else form.typed["key"],
    )
