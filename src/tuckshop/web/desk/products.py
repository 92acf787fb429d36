"""`/desk/products`: all that somebody sells, or sold once; and something new."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.products import PRODUCT_NAME_LENGTH_MAX, QUANTITY_MAX
from tuckshop.domain.refusals import Refusal, SessionEnded
from tuckshop.domain.users import Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.queries import products as assortment
from tuckshop.till.commands.products import AddProduct, ProductRecord
from tuckshop.web.ui import flash as notices
from tuckshop.web.ui import forms, rooms, uploads
from tuckshop.web.ui import i18n as texts
from tuckshop.web.ui import product_form as attributes
from tuckshop.web.ui.bound_form import Filled
from tuckshop.web.ui.rooms import Member

PAGE = 24  # Rows of two, three or four.


@get("/desk/products")
async def index(request: Call) -> Response[Any]:
    """The newest first; with `?q=` in the name, or `?shown=removed`."""
    member = await rooms.member(request, Role.SELLER)
    query = request.query_params
    keyword = query.get("q", "").replace("\0", "").strip()[:PRODUCT_NAME_LENGTH_MAX]
    removed = query.get("shown") == "removed"
    before_id = rooms.before(request)
    found = await assortment.page(
        request.shop,
        seller_id=member.user_id,
        keyword=keyword,
        removed=removed,
        before_id=before_id,
        limit=PAGE + 1,
    )
    return rooms.page(
        request,
        "desk/products.html",
        member=member,
        goods=found[:PAGE],
        form=Filled(request, {"q": keyword}),
        keyword=keyword,
        removed=removed,
        before=found[PAGE - 1].product_id if len(found) > PAGE else None,
        is_first=before_id is None,
    )


@get("/desk/products/new")
async def show_new(request: Call) -> Response[Any]:
    """An empty form."""
    member = await rooms.member(request, Role.SELLER)
    typed = attributes.NEW | {"stock": "", "key": forms.new_key()}
    return _new(request, member, Filled(request, typed))


@post("/desk/products", status_code=303, body_bytes_max=uploads.PICTURE_BODY_BYTES_MAX)
async def add(request: Call) -> Response[Any]:
    """On sale from now on, with its first pieces and perhaps a picture."""
    member = await rooms.member(request, Role.SELLER)
    form, picture = await uploads.read_with_picture(request, *attributes.FIELDS, "stock")
    said = attributes.read(form)
    stock = form.whole("stock", most=QUANTITY_MAX)
    if form.is_wrong:
        return _new(request, member, form)
    command = AddProduct(member.caller, stock=stock, **said._asdict())
    try:
        receipt = await uploads.settled(request, command, form, picture)
    except SessionEnded:
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside=attributes.BESIDE)
        return _new(request, member, form)
    assert isinstance(receipt, ProductRecord)
    response = forms.to_page(f"/desk/products/{receipt.product_id}")
    notices.leave(
        response, request, texts.of(request).gettext("%(product)s is on sale.", product=receipt.name)
    )
    return response


HANDLERS = (index, show_new, add)


def _new(request: Call, member: Member, form: Filled) -> Response[Any]:
    status = form.status if form.is_wrong else 200
    return rooms.page(request, "desk/new.html", member=member, status=status, form=form)
