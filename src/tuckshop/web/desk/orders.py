"""`/desk/orders`: what was sold, taking it back, and handing out what was ordered ahead."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.orders import OrderStatus
from tuckshop.domain.products import REASON_LENGTH_MAX
from tuckshop.domain.refusals import RefundExceedsSale, Refusal
from tuckshop.domain.users import Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.operations import refund_requests
from tuckshop.queries import orders, pictures
from tuckshop.queries.orders import OrderRecord, OrderScope
from tuckshop.till.commands.orders import Dispense
from tuckshop.till.commands.refunds import Refund, Refunded
from tuckshop.web.ui import error_pages, flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import Number, SignedInUser

PAGE = 20
ALL = "all"
SHELF, WRITE_OFF = "shelf", "write-off"


@get("/desk/orders")
async def index(request: ShopRequest) -> Response[Any]:
    """Those with own products, the newest first; with `?shown=placed`, those that wait."""
    member = await rooms.member(request, Role.SELLER)
    is_waiting = request.query_params.get("shown") == "placed"
    before_id = rooms.before(request)
    found = await orders.page(
        request.shop,
        actor=member.as_seller,
        scope=OrderScope.SOLD,
        status=OrderStatus.PLACED if is_waiting else None,
        before_id=before_id,
        limit=PAGE + 1,
    )
    sold = found[:PAGE]
    return rooms.page(
        request,
        "desk/orders.html",
        member=member,
        orders=sold,
        shared=await orders.shared(
            request.shop, order_ids=[order.order_id for order in sold], seller=member.as_seller
        ),
        images=await pictures.of_orders(request.shop, orders=sold),
        is_waiting=is_waiting,
        key=forms.new_key(),
        before=sold[-1].order_id if len(found) > PAGE else None,
    )


@get("/desk/orders/{order:str}")
async def show(request: ShopRequest, order: Number) -> Response[Any]:
    """The own lines of one of them."""
    member, found = await _sold(request, order)
    typed = {"product": ALL, "pieces": "", "way": SHELF, "reason": "", "key": forms.new_key()}
    return await _shown(request, member, found, BoundForm(request, typed))


@post("/desk/orders/{order:str}/refund", status_code=303)
async def refund(request: ShopRequest, order: Number) -> Response[Any]:
    """All own lines, one, or some pieces of one; back to be sold, or written off."""
    member, found = await _sold(request, order)
    posted = await forms.read(request, "key", "product", "pieces", "way", "reason")
    form = BoundForm(request, posted)
    quantities = _pieces(form, found)
    way = form.one_of("way", (SHELF, WRITE_OFF))
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=False)
    if form.is_wrong:
        return await _shown(request, member, found, form)
    command = Refund(member.caller, found.order_id, quantities, reason or None, way == WRITE_OFF)
    try:
        outcome = await request.shop.till.execute(forms.enveloped(request, command, posted))
        await refund_requests.note(request.shop, command=command, outcome=outcome)
        receipt = outcome.receipt()
    except Refusal as refusal:
        form.refuse(refusal, beside={RefundExceedsSale: "pieces"})
        return await _shown(request, member, found, form)
    assert isinstance(receipt, Refunded)
    words = i18n.of(request)
    amount = words.money(receipt.amount_cents, request.shop.currency)
    response = forms.to_page(f"/desk/orders/{found.order_id}")
    flash.leave(response, request, words.gettext("%(amount)s refunded to the buyer.", amount=amount))
    return response


@post("/desk/orders/{order:str}/hand-out", status_code=303)
async def hand_out(request: ShopRequest, order: Number) -> Response[Any]:
    """The buyer has it now."""
    return await _ended(request, order, failed=False)


@post("/desk/orders/{order:str}/fail", status_code=303)
async def fail(request: ShopRequest, order: Number) -> Response[Any]:
    """The order failed: stock and money are returned."""
    return await _ended(request, order, failed=True)


HANDLERS = (index, show, refund, hand_out, fail)


async def _sold(request: ShopRequest, order: str) -> tuple[SignedInUser, OrderRecord]:
    """Who asks, and an order with products of theirs. Raises UnknownOrder."""
    member = await rooms.member(request, Role.SELLER)
    order_id = rooms.number(order)
    return member, await orders.find_sold(request.shop, order_id=order_id, seller=member.as_seller)


def _pieces(form: BoundForm, order: OrderRecord) -> dict[int, int]:
    """What comes back, by product; never more than the own lines."""
    left = {line.product_id: line.quantity - line.refunded_quantity for line in order.lines}
    chosen = form.one_of("product", (ALL, *map(str, left)))
    if chosen == ALL:
        if form.typed["pieces"].strip():
            form.tell("product", form.words.gettext("Choose one product to refund single pieces."))
        return {product_id: pieces for product_id, pieces in left.items() if pieces} or left
    if not form.typed["pieces"].strip():
        return {int(chosen): left[int(chosen)]}
    return {int(chosen): form.whole("pieces", least=1, most=max(left[int(chosen)], 1))}


async def _ended(request: ShopRequest, order: str, *, failed: bool) -> Response[Any]:
    member, found = await _sold(request, order)
    posted = await forms.read(request, "key")
    words = i18n.of(request)
    response = forms.to_page(f"/desk/orders/{found.order_id}")
    try:
        await forms.execute(request, Dispense(member.caller, found.order_id, failed), posted)
    except Refusal as refusal:
        error_pages.leave(response, request, refusal)
        return response
    told = (
        words.gettext("The order failed. The buyer is refunded.")
        if failed
        else words.gettext("Order completed.")
    )
    flash.leave(response, request, told)
    return response


async def _shown(
    request: ShopRequest, member: SignedInUser, order: OrderRecord, form: BoundForm
) -> Response[Any]:
    shared = await orders.shared(request.shop, order_ids=[order.order_id], seller=member.as_seller)
    return rooms.page(
        request,
        "desk/order.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        order=order,
        left={line.product_id: line.quantity - line.refunded_quantity for line in order.lines},
        shared=shared,
        form=form,
    )
