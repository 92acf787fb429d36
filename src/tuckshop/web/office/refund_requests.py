"""`/office/refunds`: refunds that sellers cannot cover, for cashiers and admins to make or dismiss."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.refusals import UnknownOrder
from tuckshop.domain.users import Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.operations import refund_requests
from tuckshop.queries import refund_requests as queries
from tuckshop.web.ui import error_pages, flash, forms, i18n, rooms
from tuckshop.web.ui.rooms import Number

PAGE = 50


@get("/office/refunds")
async def index(request: ShopRequest) -> Response[Any]:
    """Those that wait."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    found = await queries.page(
        request.shop, actor=member.actor, before_id=rooms.before(request), limit=PAGE + 1
    )
    return rooms.page(
        request,
        "office/refund_requests.html",
        member=member,
        requests=found[:PAGE],
        before=found[PAGE - 1].order_id if len(found) > PAGE else None,
    )


@post("/office/refunds/{order:str}/dismiss", status_code=303)
async def dismiss(request: ShopRequest, order: Number) -> Response[Any]:
    """Off the list: the seller gets the refund made by nobody."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    posted = await forms.read(request, "seller")
    order_id = rooms.number(order)
    response = forms.to_page("/office/refunds")
    words = i18n.of(request)
    try:
        seller_id = rooms.number(posted["seller"])
        await refund_requests.dismiss(
            request.shop, actor=member.actor, order_id=order_id, seller_id=seller_id
        )
    except UnknownOrder as refusal:
        error_pages.leave(response, request, refusal)
        return response
    flash.leave(response, request, words.gettext("Request dismissed."))
    return response


HANDLERS = (index, dismiss)
