"""`/office/products`: everything on sale, whosever it is; and something new."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tuckshop.domain.products import PRODUCT_NAME_LENGTH_MAX, QUANTITY_MAX
from tuckshop.domain.refusals import Refusal, RoleMissing, SessionEnded, UnknownMachine, UnknownUser
from tuckshop.domain.users import USERNAME_LENGTH_MAX, Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.identity import users as accounts
from tuckshop.queries import machines
from tuckshop.queries import products as assortment
from tuckshop.till.commands.products import AddProduct, ProductRecord
from tuckshop.web.ui import flash as notices
from tuckshop.web.ui import forms, rooms, uploads
from tuckshop.web.ui import i18n as texts
from tuckshop.web.ui import product_form as attributes
from tuckshop.web.ui.bound_form import Filled
from tuckshop.web.ui.rooms import Member

PAGE = 24  # Rows of two, three or four.
_BESIDE: dict[type[Refusal], str] = attributes.BESIDE | {
    UnknownMachine: "machine",
    UnknownUser: "seller",
    RoleMissing: "seller",
}


@get("/office/products")
async def index(request: Call) -> Response[Any]:
    """All of them, or those whose name says so; the newest first."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    keyword = request.query_params.get("q", "").strip()[:PRODUCT_NAME_LENGTH_MAX].replace("\0", "")
    before_id = rooms.before(request)
    found = await assortment.page(
        request.shop, seller_id=None, keyword=keyword, before_id=before_id, limit=PAGE + 1
    )
    return rooms.page(
        request,
        "office/products.html",
        member=member,
        form=Filled(request, {"q": keyword}),
        goods=found[:PAGE],
        href=f"/office/products?{urlencode({'q': keyword})}" if keyword else "/office/products",
        before=found[PAGE - 1].product_id if len(found) > PAGE else None,
        is_first=before_id is None,
    )


@get("/office/products/new")
async def show_new(request: Call) -> Response[Any]:
    """A form for one more."""
    member = await rooms.member(request, Role.ADMIN)
    typed = attributes.NEW | {"seller": "", "machine": "", "stock": "0", "key": forms.new_key()}
    return await _new(request, member, Filled(request, typed))


@post("/office/products/new", status_code=303, body_bytes_max=uploads.PICTURE_BODY_BYTES_MAX)
async def add(request: Call) -> Response[Any]:
    """For the house, or for a seller; with its first pieces on any machine, and perhaps a picture."""
    member = await rooms.member(request, Role.ADMIN)
    form, picture = await uploads.read_with_picture(request, *attributes.FIELDS, "seller", "machine", "stock")
    said = attributes.read(form)
    seller = form.text("seller", length_max=USERNAME_LENGTH_MAX, needed=False)
    machine_id = form.whole("machine", least=1)
    stock = form.whole("stock", most=QUANTITY_MAX)
    if form.is_wrong:
        return await _new(request, member, form)
    try:
        seller_id = (await accounts.find_by_name(request.shop, username=seller)).id if seller else None
        command = AddProduct(
            member.caller,
            stock=stock,
            machine_id=machine_id,
            for_house=seller_id is None,
            seller_id=seller_id,
            **said._asdict(),
        )
        receipt = await uploads.settled(request, command, form, picture)
    except SessionEnded:
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE)
        return await _new(request, member, form)
    assert isinstance(receipt, ProductRecord)
    response = forms.to_page(f"/office/products/{receipt.product_id}")
    notices.leave(
        response, request, texts.of(request).gettext("%(product)s is on sale.", product=receipt.name)
    )
    return response


HANDLERS = (index, show_new, add)


async def _new(request: Call, member: Member, form: Filled) -> Response[Any]:
    return rooms.page(
        request,
        "office/new_product.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        machines={one.id: one.name for one in await machines.page(request.shop)},
    )
