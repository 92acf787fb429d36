"""One product's page, alike at the desk and in the office: attributes, picture, stock and removal.

Each room says who may look and who may change; the rest is here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from tuckshop.domain.products import QUANTITY_MAX, REASON_LENGTH_MAX
from tuckshop.domain.refusals import (
    Refusal,
    SellerNotInvited,
    StockTooLarge,
    TooManyPieces,
    UnknownMachine,
    UnknownProduct,
    VersionChanged,
)
from tuckshop.domain.users import Role
from tuckshop.http.handlers import Answering, Handler, get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.operations import pictures
from tuckshop.queries import machines, products
from tuckshop.queries.products import ProductOverview
from tuckshop.till.commands.approvals import ApproveProduct
from tuckshop.till.commands.products import ChangeProduct, RemoveProduct, Restock
from tuckshop.web.ui import error_pages, flash, forms, i18n, product_form, rooms, uploads
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import Number, SignedInUser

CAME, COUNTED = "came", "counted"
_BESIDE_STOCK: dict[type[Refusal], str] = {
    StockTooLarge: "pieces",
    TooManyPieces: "pieces",
    UnknownMachine: "machine",
    SellerNotInvited: "machine",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductRoom:
    """A room in which products are looked at and changed; `own_only`: by their sellers, who see no others."""

    name: str
    viewers: tuple[Role, ...]
    editors: tuple[Role, ...]
    own_only: bool

    @property
    def at(self) -> str:
        """Where its list of products is."""
        return f"/{self.name}/products"


@dataclass(frozen=True, slots=True)
class Seen:
    """A product before somebody in a room. `seller_id` None: whosever it is."""

    room: ProductRoom
    member: SignedInUser
    seller_id: int | None
    product: ProductOverview

    @property
    def at(self) -> str:
        """Where its page is."""
        return f"{self.room.at}/{self.product.product_id}"


_Act = Callable[[ShopRequest, Seen], Awaitable[Response[Any]]]


def handlers(room: ProductRoom) -> tuple[Handler, ...]:
    """A product's page in this room, and what can be done there."""
    at = f"{room.at}/{{product:str}}"

    def changing(act: _Act, *, of_removed: bool = False) -> Answering:
        return _answering(act, room, room.editors, of_removed=of_removed)

    return (
        get(at)(_answering(show, room, room.viewers, of_removed=True)),
        post(at, status_code=303)(changing(change)),
        post(f"{at}/picture", status_code=303, body_bytes_max=uploads.PICTURE_BODY_BYTES_MAX)(
            changing(put_picture)
        ),
        post(f"{at}/picture/remove", status_code=303)(changing(remove_picture)),
        post(f"{at}/stock", status_code=303)(changing(stock)),
        get(f"{at}/remove")(changing(ask_to_remove)),
        post(f"{at}/remove", status_code=303)(
            changing(remove, of_removed=True)
        ),  # Sent twice, it is done once.
        *([post(f"{at}/approve", status_code=303)(changing(approve))] if Role.ADMIN in room.editors else ()),
    )


def _answering(act: _Act, room: ProductRoom, roles: tuple[Role, ...], *, of_removed: bool) -> Answering:
    """The handler that finds the product for one of these roles. `of_removed`: also one that was removed."""

    async def answer(request: ShopRequest, product: Number) -> Response[Any]:
        member = await rooms.member(request, *roles)
        seller_id = member.user_id if room.own_only else None
        found = await products.find(request.shop, product_id=rooms.number(product), seller_id=seller_id)
        if found.removed_us is not None and not of_removed:
            raise UnknownProduct(product=found.product_id)  # Before anything large is read.
        return await act(request, Seen(room, member, seller_id, found))

    return answer


async def change(request: ShopRequest, seen: Seen) -> Response[Any]:
    """What is said of it, unless somebody has said otherwise since the page was shown."""
    posted = await forms.read(request, "key", "version", *product_form.FIELDS)
    form = BoundForm(request, posted)
    said = product_form.read(form)
    version = form.whole("version", least=1)
    if form.is_wrong:
        return await show(request, seen, edit=form)
    command = ChangeProduct(seen.member.caller, seen.product.product_id, version=version, **said._asdict())
    try:
        await forms.execute(request, command, posted)
    except VersionChanged:
        product = await products.find(
            request.shop, product_id=seen.product.product_id, seller_id=seen.seller_id
        )
        form.trouble = i18n.of(request).gettext(
            "Somebody else changed this product. These are its current values, and below is what you"
            " typed: save again to replace them."
        )
        form.typed["version"] = str(product.version)
        return await show(request, replace(seen, product=product), edit=form, is_changed=True)
    except Refusal as refusal:
        form.refuse(refusal, beside=product_form.BESIDE)
        return await show(request, seen, edit=form)
    return _done(request, seen, i18n.of(request).gettext("Saved."))


async def put_picture(request: ShopRequest, seen: Seen) -> Response[Any]:
    """Shown from now on."""
    form, picture = await uploads.read_with_picture(request)
    if picture is None:
        form.miss(uploads.PICTURE)
    if form.is_wrong:
        return await show(request, seen, picture=form)
    try:
        await uploads.execute(
            request, ChangeProduct(seen.member.caller, seen.product.product_id), form, picture
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return await show(request, seen, picture=form)
    return _done(
        request, seen, i18n.of(request).gettext("Picture saved. This is how it looks in the machine.")
    )


async def remove_picture(request: ShopRequest, seen: Seen) -> Response[Any]:
    """None is shown any more."""
    posted = await forms.read(request, "key")
    command = ChangeProduct(seen.member.caller, seen.product.product_id, without_image=True)
    try:
        (await pictures.remove(request.shop, forms.enveloped(request, command, posted))).receipt()
    except Refusal as refusal:
        return _refused(request, seen, refusal)
    return _done(request, seen, i18n.of(request).gettext("Picture removed."))


async def stock(request: ShopRequest, seen: Seen) -> Response[Any]:
    """Pieces that came, or that were counted; a count wants a reason, since it differs."""
    posted = await forms.read(request, "key", "what", "pieces", "machine", "reason")
    form = BoundForm(request, posted)
    what = form.one_of("what", (CAME, COUNTED))
    pieces = form.whole("pieces", least=1 if what == CAME else 0, most=QUANTITY_MAX)
    machine_id = form.whole("machine", least=1)
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=what == COUNTED)
    if form.is_wrong:
        return await show(request, seen, pieces=form)
    caller, product_id = seen.member.caller, seen.product.product_id
    command: Restock | ChangeProduct = (
        Restock(caller, product_id, pieces, reason=reason or None, machine_id=machine_id)
        if what == CAME
        else ChangeProduct(caller, product_id, stock=pieces, reason=reason, machine_id=machine_id)
    )
    try:
        await forms.execute(request, command, posted)
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE_STOCK)
        return await show(request, seen, pieces=form)
    words = i18n.of(request)
    if what == CAME:
        return _done(request, seen, words.ngettext("%(num)s piece added.", "%(num)s pieces added.", pieces))
    return _done(request, seen, words.gettext("Stock corrected to %(count)s.", count=pieces))


async def ask_to_remove(request: ShopRequest, seen: Seen) -> Response[Any]:
    """Whether that is meant: it cannot be undone."""
    held = await products.shelves_of(request.shop, product_id=seen.product.product_id)
    return rooms.page(
        request,
        "remove_product.html",
        member=seen.member,
        room=seen.room.name,
        at=seen.at,
        product=seen.product,
        held=[one for one in held if one.quantity],
        key=forms.new_key(),
    )


async def remove(request: ShopRequest, seen: Seen) -> Response[Any]:
    """Off sale; what it brought stays in the books."""
    posted = await forms.read(request, "key")
    command = RemoveProduct(seen.member.caller, seen.product.product_id)
    try:
        await forms.execute(request, command, posted)
    except Refusal as refusal:
        return _refused(request, seen, refusal)
    response = forms.to_page(seen.room.at)
    flash.leave(
        response, request, i18n.of(request).gettext("%(product)s is off sale.", product=seen.product.name)
    )
    return response


async def approve(request: ShopRequest, seen: Seen) -> Response[Any]:
    """On sale, although it looks like another seller's."""
    posted = await forms.read(request, "key")
    try:
        await forms.execute(request, ApproveProduct(seen.member.caller, seen.product.product_id), posted)
    except Refusal as refusal:
        return _refused(request, seen, refusal)
    words = i18n.of(request)
    return _done(request, seen, words.gettext("%(product)s is on sale.", product=seen.product.name))


async def show(
    request: ShopRequest,
    seen: Seen,
    *,
    edit: BoundForm | None = None,
    picture: BoundForm | None = None,
    pieces: BoundForm | None = None,
    is_changed: bool = False,
) -> Response[Any]:
    """All of it; of one that was removed, what it was."""
    product = seen.product
    wrong = next((form for form in (edit, picture, pieces) if form is not None), None)
    places = {one.id: one.name for one in await machines.page(request.shop)}
    held = await products.shelves_of(request.shop, product_id=product.product_id)
    first_id = next((one.machine_id for one in held), next(iter(places)))
    said = product_form.typed(request, product) | {"version": str(product.version)}
    came = {"what": CAME, "pieces": "", "machine": str(first_id), "reason": ""}
    return rooms.page(
        request,
        "product.html",
        member=seen.member,
        status=200 if wrong is None else wrong.status,
        room=seen.room.name,
        at=seen.at,
        may_change=seen.member.actor.has(*seen.room.editors),
        product=product,
        edit=edit or BoundForm(request, said),
        picture=picture or BoundForm(request),
        pieces=pieces or BoundForm(request, came),
        is_changed=is_changed,
        machines=places,
        held=held,
        key=wrong.typed["key"] if wrong is not None else forms.new_key(),
    )


def _done(request: ShopRequest, seen: Seen, sentence: str) -> Response[Any]:
    response = forms.to_page(seen.at)
    flash.leave(response, request, sentence)
    return response


def _refused(request: ShopRequest, seen: Seen, refusal: Refusal) -> Response[Any]:
    response = forms.to_page(seen.at)
    error_pages.leave(response, request, refusal)
    return response
