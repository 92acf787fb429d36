"""The products of a room, and a new one: alike at the desk and in the office."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.products import PRODUCT_NAME_LENGTH_MAX, QUANTITY_MAX
from tuckshop.domain.refusals import Refusal, RoleMissing, UnknownMachine, UnknownUser
from tuckshop.domain.users import USERNAME_LENGTH_MAX
from tuckshop.http.handlers import Handler, get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import users
from tuckshop.queries import machines, products
from tuckshop.till.commands.products import AddProduct, ProductRecord
from tuckshop.web.ui import flash, forms, i18n, product_form, rooms, uploads
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.product_page import ProductRoom
from tuckshop.web.ui.rooms import SignedInUser

PAGE = 24  # Rows of two, three or four.
_NEW_OF_ANY = {"seller": "", "machine": "", "stock": "0"}
"""What is typed of a new product where it may be anybody's, on any machine."""
_BESIDE_OF_ANY: dict[type[Refusal], str] = {
    UnknownMachine: "machine",
    UnknownUser: "seller",
    RoleMissing: "seller",
}


def handlers(room: ProductRoom) -> tuple[Handler, ...]:
    """The list of this room, and its form for a new product."""

    @get(room.at)
    async def index(request: ShopRequest) -> Response[Any]:
        return await _index(request, room, await rooms.member(request, *room.viewers))

    @get(f"{room.at}/new")
    async def show_new(request: ShopRequest) -> Response[Any]:
        member = await rooms.member(request, *room.editors)
        typed = (
            product_form.NEW | ({"stock": ""} if room.own_only else _NEW_OF_ANY) | {"key": forms.new_key()}
        )
        return await _new(request, room, member, BoundForm(request, typed))

    @post(f"{room.at}/new", status_code=303, body_bytes_max=uploads.PICTURE_BODY_BYTES_MAX)
    async def add(request: ShopRequest) -> Response[Any]:
        return await _add(request, room, await rooms.member(request, *room.editors))

    return (index, show_new, add)


async def _index(request: ShopRequest, room: ProductRoom, member: SignedInUser) -> Response[Any]:
    """The newest first; with `?q=` in the name. Sellers see what they removed with `?shown=removed`."""
    query = request.query_params
    keyword = query.get("q", "").replace("\0", "").strip()[:PRODUCT_NAME_LENGTH_MAX]
    removed = room.own_only and query.get("shown") == "removed"
    before_id = rooms.before(request)
    found = await products.page(
        request.shop,
        seller_id=member.user_id if room.own_only else None,
        keyword=keyword,
        removed=removed,
        before_id=before_id,
        limit=PAGE + 1,
    )
    asked = ({"q": keyword} if keyword else {}) | ({"shown": "removed"} if removed else {})
    return rooms.page(
        request,
        f"{room.name}/products.html",
        member=member,
        products=found[:PAGE],
        form=BoundForm(request, {"q": keyword}),
        keyword=keyword,
        removed=removed,
        href=f"{room.at}?{urlencode(asked)}" if asked else room.at,
        before=found[PAGE - 1].product_id if len(found) > PAGE else None,
    )


async def _add(request: ShopRequest, room: ProductRoom, member: SignedInUser) -> Response[Any]:
    """On sale from now on, with its first stock and perhaps a picture."""
    fields = ["stock"] if room.own_only else [*_NEW_OF_ANY]
    form, picture = await uploads.read_with_picture(request, *product_form.FIELDS, *fields)
    said = product_form.read(form)
    seller, machine_id, beside = "", DEFAULT_MACHINE_ID, product_form.BESIDE
    if not room.own_only:
        seller = form.text("seller", length_max=USERNAME_LENGTH_MAX, needed=False)
        machine_id = form.whole("machine", least=1)
        beside = product_form.BESIDE | _BESIDE_OF_ANY
    stock = form.whole("stock", most=QUANTITY_MAX)
    if form.is_wrong:
        return await _new(request, room, member, form)
    try:
        seller_id = (await users.find_by_name(request.shop, username=seller)).id if seller else None
        command = AddProduct(
            member.caller,
            stock=stock,
            machine_id=machine_id,
            for_house=seller_id is None and not room.own_only,
            seller_id=seller_id,
            **said._asdict(),
        )
        receipt = await uploads.execute(request, command, form, picture)
    except Refusal as refusal:
        form.refuse(refusal, beside=beside)
        return await _new(request, room, member, form)
    assert isinstance(receipt, ProductRecord)
    response = forms.to_page(f"{room.at}/{receipt.product_id}")
    flash.leave(response, request, i18n.of(request).gettext("%(product)s is on sale.", product=receipt.name))
    return response


async def _new(
    request: ShopRequest, room: ProductRoom, member: SignedInUser, form: BoundForm
) -> Response[Any]:
    return rooms.page(
        request,
        "new_product.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        room=room.name,
        at=room.at,
        own_only=room.own_only,
        form=form,
        machines={one.id: one.name for one in await machines.page(request.shop)},
    )
