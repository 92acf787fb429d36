"""`/desk/products/{product}`: what is said of one, its picture, its pieces, and taking it away."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from tuckshop.domain.accounts import Role
from tuckshop.domain.catalogue import QUANTITY_MAX, REASON_LENGTH_MAX
from tuckshop.domain.refusals import (
    Refusal,
    SessionEnded,
    StockTooLarge,
    UnknownMachine,
    UnknownProduct,
    VersionChanged,
)
from tuckshop.http.calls import Call
from tuckshop.services import assortment, machines, pictures
from tuckshop.services.assortment import Good
from tuckshop.till.commands import ChangeProduct, RemoveProduct, Restock
from tuckshop.web import errors, forms, notices, rooms, texts
from tuckshop.web.desk import attributes, uploads
from tuckshop.web.filling import Filled
from tuckshop.web.notices import Mood
from tuckshop.web.rooms import Member, Number

CAME, COUNTED = "came", "counted"
_BESIDE_STOCK: dict[type[Refusal], str] = {StockTooLarge: "pieces", UnknownMachine: "machine"}


@get("/desk/products/{product:str}")
async def show(request: Call, product: Number) -> Response[Any]:
    """All of it; of one that was removed, what it was."""
    member, good = await _own(request, product)
    return await _shown(request, member, good)


@post("/desk/products/{product:str}", status_code=303)
async def change(request: Call, product: Number) -> Response[Any]:
    """What is said of it, unless somebody has said otherwise since the page was shown."""
    member, good = await _on_sale(request, product)
    posted = await forms.read(request, "key", "version", *attributes.FIELDS)
    form = Filled(request, posted)
    said = attributes.read(form)
    version = form.whole("version", least=1)
    if form.is_wrong:
        return await _shown(request, member, good, edit=form)
    command = ChangeProduct(member.caller, good.product_id, version=version, **said._asdict())
    try:
        await forms.settled(request, command, posted)
    except SessionEnded:
        raise
    except VersionChanged:
        good = await assortment.find(request.shop, product_id=good.product_id, seller_id=member.user_id)
        form.trouble = texts.of(request).say(
            "This product was changed meanwhile. This is what it says now, and below it what you typed: "
            "save again to have it your way."
        )
        form.typed["version"] = str(good.version)
        return await _shown(request, member, good, edit=form, is_changed=True)
    except Refusal as refusal:
        form.refuse(refusal, beside=attributes.BESIDE)
        return await _shown(request, member, good, edit=form)
    return _done(request, good, texts.of(request).say("Saved."))


@post(
    "/desk/products/{product:str}/picture",
    status_code=303,
    opt={"body_bytes_max": uploads.PICTURE_BODY_BYTES_MAX},
)
async def put_picture(request: Call, product: Number) -> Response[Any]:
    """Shown from now on."""
    member, good = await _on_sale(request, product)
    form, picture = await uploads.read_with_picture(request)
    if picture is None:
        form.complain(uploads.PICTURE, "must be filled in")
    if form.is_wrong:
        return await _shown(request, member, good, picture=form)
    try:
        await uploads.settled(request, ChangeProduct(member.caller, good.product_id), form, picture)
    except SessionEnded:
        raise
    except Refusal as refusal:
        form.refuse(refusal)
        return await _shown(request, member, good, picture=form)
    return _done(request, good, texts.of(request).say("That is how it looks in the machine now."))


@post("/desk/products/{product:str}/picture/remove", status_code=303)
async def remove_picture(request: Call, product: Number) -> Response[Any]:
    """None is shown any more."""
    member, good = await _on_sale(request, product)
    posted = await forms.read(request, "key")
    command = ChangeProduct(member.caller, good.product_id, without_image=True)
    try:
        (await pictures.remove(request.shop, forms.enveloped(request, command, posted))).receipt()
    except SessionEnded:
        raise
    except Refusal as refusal:
        return _refused(request, good, refusal)
    return _done(request, good, texts.of(request).say("The picture is gone."))


@post("/desk/products/{product:str}/stock", status_code=303)
async def stock(request: Call, product: Number) -> Response[Any]:
    """Pieces that came, or that were counted; a count wants a reason, since it differs."""
    member, good = await _on_sale(request, product)
    posted = await forms.read(request, "key", "what", "pieces", "machine", "reason")
    form = Filled(request, posted)
    what = form.one_of("what", (CAME, COUNTED))
    pieces = form.whole("pieces", least=1 if what == CAME else 0, most=QUANTITY_MAX)
    machine_id = form.whole("machine", least=1)
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=what == COUNTED)
    if form.is_wrong:
        return await _shown(request, member, good, pieces=form)
    command: Restock | ChangeProduct = (
        Restock(member.caller, good.product_id, pieces, reason=reason or None, machine_id=machine_id)
        if what == CAME
        else ChangeProduct(member.caller, good.product_id, stock=pieces, reason=reason, machine_id=machine_id)
    )
    try:
        await forms.settled(request, command, posted)
    except SessionEnded:
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE_STOCK)
        return await _shown(request, member, good, pieces=form)
    words = texts.of(request)
    if what == CAME:
        return _done(request, good, words.say("{count} more.", count=pieces))
    return _done(request, good, words.say("Counted: {count}.", count=pieces))


@post("/desk/products/{product:str}/remove", status_code=303)
async def remove(request: Call, product: Number) -> Response[Any]:
    """Off sale; what it brought stays in the books."""
    member, good = await _own(request, product)
    posted = await forms.read(request, "key")
    try:
        await forms.settled(request, RemoveProduct(member.caller, good.product_id), posted)
    except SessionEnded:
        raise
    except Refusal as refusal:
        return _refused(request, good, refusal)
    response = forms.to_page("/desk/products")
    notices.leave(response, request, texts.of(request).say("{product} is off sale.", product=good.name))
    return response


HANDLERS = (show, change, put_picture, remove_picture, stock, remove)


async def _own(request: Call, product: str) -> tuple[Member, Good]:
    """Who asks, and their product. Raises UnknownProduct for those of others."""
    member = await rooms.member(request, Role.SELLER)
    product_id = rooms.number(product)
    return member, await assortment.find(request.shop, product_id=product_id, seller_id=member.user_id)


async def _on_sale(request: Call, product: str) -> tuple[Member, Good]:
    """As `_own`, asked before anything large is read. Raises UnknownProduct for one that was removed."""
    member, good = await _own(request, product)
    if good.removed_us is not None:
        raise UnknownProduct(product=good.product_id)
    return member, good


def _done(request: Call, good: Good, sentence: str) -> Response[Any]:
    response = forms.to_page(f"/desk/products/{good.product_id}")
    notices.leave(response, request, sentence)
    return response


def _refused(request: Call, good: Good, refusal: Refusal) -> Response[Any]:
    response = forms.to_page(f"/desk/products/{good.product_id}")
    notices.leave(response, request, errors.said(refusal, texts.of(request), request), mood=Mood.BAD)
    return response


async def _shown(
    request: Call,
    member: Member,
    good: Good,
    *,
    edit: Filled | None = None,
    picture: Filled | None = None,
    pieces: Filled | None = None,
    is_changed: bool = False,
) -> Response[Any]:
    wrong = next((form for form in (edit, picture, pieces) if form is not None), None)
    places = {one.id: one.name for one in await machines.page(request.shop)}
    held = await assortment.shelves_of(request.shop, product_id=good.product_id)
    first_id = next((one.machine_id for one in held), next(iter(places)))
    said = attributes.typed(request, good) | {"version": str(good.version)}
    came = {"what": CAME, "pieces": "", "machine": str(first_id), "reason": ""}
    return rooms.page(
        request,
        "desk/product.html",
        member=member,
        status=200 if wrong is None else wrong.status,
        good=good,
        edit=edit or Filled(request, said),
        picture=picture or Filled(request),
        pieces=pieces or Filled(request, came),
        is_changed=is_changed,
        machines=places,
        held=held,
        key=wrong.typed["key"] if wrong is not None else forms.new_key(),
    )
