"""One product's page, alike at the desk and in the office: its words, its picture, its pieces, its end.

Each room says who may look and who may change; the rest is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tuckshop.domain.products import QUANTITY_MAX, REASON_LENGTH_MAX
from tuckshop.domain.refusals import (
    Refusal,
    SessionEnded,
    StockTooLarge,
    UnknownMachine,
    UnknownProduct,
    VersionChanged,
)
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.operations import pictures
from tuckshop.queries import machines
from tuckshop.queries import products as assortment
from tuckshop.queries.products import Good
from tuckshop.till.commands.products import ChangeProduct, RemoveProduct, Restock
from tuckshop.web.ui import error_pages as errors
from tuckshop.web.ui import flash as notices
from tuckshop.web.ui import forms, rooms, uploads
from tuckshop.web.ui import i18n as texts
from tuckshop.web.ui import product_form as attributes
from tuckshop.web.ui.bound_form import Filled
from tuckshop.web.ui.flash import Mood
from tuckshop.web.ui.rooms import Member

CAME, COUNTED = "came", "counted"
_BESIDE_STOCK: dict[type[Refusal], str] = {StockTooLarge: "pieces", UnknownMachine: "machine"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A product before somebody in a room: "desk" or "office". `seller_id` None: whosever it is."""

    room: str
    member: Member
    seller_id: int | None
    good: Good
    may_change: bool

    @property
    def at(self) -> str:
        """Where its page is."""
        return f"/{self.room}/products/{self.good.product_id}"

    @property
    def on_sale(self) -> Seen:
        """The same, asked before anything large is read. Raises UnknownProduct for one that was removed."""
        if self.good.removed_us is not None:
            raise UnknownProduct(product=self.good.product_id)
        return self


async def look(
    request: Call, product: str, *, room: str, member: Member, seller_id: int | None, may_change: bool = True
) -> Seen:
    """Raises UnknownProduct for none, and for those of others."""
    good = await assortment.find(request.shop, product_id=rooms.number(product), seller_id=seller_id)
    return Seen(room, member, seller_id, good, may_change)


async def change(request: Call, seen: Seen) -> Response[Any]:
    """What is said of it, unless somebody has said otherwise since the page was shown."""
    posted = await forms.read(request, "key", "version", *attributes.FIELDS)
    form = Filled(request, posted)
    said = attributes.read(form)
    version = form.whole("version", least=1)
    if form.is_wrong:
        return await shown(request, seen, edit=form)
    command = ChangeProduct(seen.member.caller, seen.good.product_id, version=version, **said._asdict())
    try:
        await forms.settled(request, command, posted)
    except SessionEnded:
        raise
    except VersionChanged:
        good = await assortment.find(request.shop, product_id=seen.good.product_id, seller_id=seen.seller_id)
        form.trouble = texts.of(request).gettext(
            "This product was changed meanwhile. This is what it says now, and below it what you typed: "
            "save again to have it your way."
        )
        form.typed["version"] = str(good.version)
        now = Seen(seen.room, seen.member, seen.seller_id, good, seen.may_change)
        return await shown(request, now, edit=form, is_changed=True)
    except Refusal as refusal:
        form.refuse(refusal, beside=attributes.BESIDE)
        return await shown(request, seen, edit=form)
    return _done(request, seen, texts.of(request).gettext("Saved."))


async def put_picture(request: Call, seen: Seen) -> Response[Any]:
    """Shown from now on."""
    form, picture = await uploads.read_with_picture(request)
    if picture is None:
        form.miss(uploads.PICTURE)
    if form.is_wrong:
        return await shown(request, seen, picture=form)
    try:
        await uploads.settled(request, ChangeProduct(seen.member.caller, seen.good.product_id), form, picture)
    except SessionEnded:
        raise
    except Refusal as refusal:
        form.refuse(refusal)
        return await shown(request, seen, picture=form)
    return _done(request, seen, texts.of(request).gettext("That is how it looks in the machine now."))


async def remove_picture(request: Call, seen: Seen) -> Response[Any]:
    """None is shown any more."""
    posted = await forms.read(request, "key")
    command = ChangeProduct(seen.member.caller, seen.good.product_id, without_image=True)
    try:
        (await pictures.remove(request.shop, forms.enveloped(request, command, posted))).receipt()
    except SessionEnded:
        raise
    except Refusal as refusal:
        return _refused(request, seen, refusal)
    return _done(request, seen, texts.of(request).gettext("The picture is gone."))


async def stock(request: Call, seen: Seen) -> Response[Any]:
    """Pieces that came, or that were counted; a count wants a reason, since it differs."""
    posted = await forms.read(request, "key", "what", "pieces", "machine", "reason")
    form = Filled(request, posted)
    what = form.one_of("what", (CAME, COUNTED))
    pieces = form.whole("pieces", least=1 if what == CAME else 0, most=QUANTITY_MAX)
    machine_id = form.whole("machine", least=1)
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=what == COUNTED)
    if form.is_wrong:
        return await shown(request, seen, pieces=form)
    caller, product_id = seen.member.caller, seen.good.product_id
    command: Restock | ChangeProduct = (
        Restock(caller, product_id, pieces, reason=reason or None, machine_id=machine_id)
        if what == CAME
        else ChangeProduct(caller, product_id, stock=pieces, reason=reason, machine_id=machine_id)
    )
    try:
        await forms.settled(request, command, posted)
    except SessionEnded:
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE_STOCK)
        return await shown(request, seen, pieces=form)
    words = texts.of(request)
    if what == CAME:
        return _done(request, seen, words.ngettext("%(num)s more.", "%(num)s more.", pieces))
    return _done(request, seen, words.gettext("Counted: %(count)s.", count=pieces))


async def ask_to_remove(request: Call, seen: Seen) -> Response[Any]:
    """Whether that is meant: it cannot be undone."""
    held = await assortment.shelves_of(request.shop, product_id=seen.good.product_id)
    return rooms.page(
        request,
        "remove_product.html",
        member=seen.member,
        room=seen.room,
        at=seen.at,
        good=seen.good,
        held=[one for one in held if one.quantity],
        key=forms.new_key(),
    )


async def remove(request: Call, seen: Seen) -> Response[Any]:
    """Off sale; what it brought stays in the books."""
    posted = await forms.read(request, "key")
    command = RemoveProduct(seen.member.caller, seen.good.product_id)
    try:
        await forms.settled(request, command, posted)
    except SessionEnded:
        raise
    except Refusal as refusal:
        return _refused(request, seen, refusal)
    response = forms.to_page(f"/{seen.room}/products")
    notices.leave(
        response, request, texts.of(request).gettext("%(product)s is off sale.", product=seen.good.name)
    )
    return response


async def shown(
    request: Call,
    seen: Seen,
    *,
    edit: Filled | None = None,
    picture: Filled | None = None,
    pieces: Filled | None = None,
    is_changed: bool = False,
) -> Response[Any]:
    """All of it; of one that was removed, what it was."""
    good = seen.good
    wrong = next((form for form in (edit, picture, pieces) if form is not None), None)
    places = {one.id: one.name for one in await machines.page(request.shop)}
    held = await assortment.shelves_of(request.shop, product_id=good.product_id)
    first_id = next((one.machine_id for one in held), next(iter(places)))
    said = attributes.typed(request, good) | {"version": str(good.version)}
    came = {"what": CAME, "pieces": "", "machine": str(first_id), "reason": ""}
    return rooms.page(
        request,
        "product.html",
        member=seen.member,
        status=200 if wrong is None else wrong.status,
        room=seen.room,
        at=seen.at,
        may_change=seen.may_change,
        good=good,
        edit=edit or Filled(request, said),
        picture=picture or Filled(request),
        pieces=pieces or Filled(request, came),
        is_changed=is_changed,
        machines=places,
        held=held,
        key=wrong.typed["key"] if wrong is not None else forms.new_key(),
    )


def _done(request: Call, seen: Seen, sentence: str) -> Response[Any]:
    response = forms.to_page(seen.at)
    notices.leave(response, request, sentence)
    return response


def _refused(request: Call, seen: Seen, refusal: Refusal) -> Response[Any]:
    response = forms.to_page(seen.at)
    notices.leave(response, request, errors.said(refusal, texts.of(request), request), mood=Mood.BAD)
    return response
