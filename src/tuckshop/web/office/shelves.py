"""`/office/machines/...`: a machine's shelves, what to refill, and the planogram."""

from __future__ import annotations

from typing import Any

import msgspec

from tuckshop.domain.machines import SHELVES_MAX, SLOT_LENGTH_MAX, ShelfPlan, fill_below
from tuckshop.domain.products import PRODUCT_NAME_LENGTH_MAX, QUANTITY_MAX, REASON_LENGTH_MAX
from tuckshop.domain.refusals import (
    OutOfStock,
    PlanChanged,
    Refusal,
    StockTooLarge,
    TooManyPieces,
    UnknownMachine,
    UnknownProduct,
)
from tuckshop.domain.users import Role
from tuckshop.http.errors import Malformed
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries import catalogue, machines, storefront
from tuckshop.queries.machines import Machine
from tuckshop.till.commands.machines import MoveStock, SetShelves, ShelfRecord
from tuckshop.till.commands.products import Restock
from tuckshop.web.ui import flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import Number, SignedInUser

TARGETS_MAX = 100  # Machines to choose from: more would be no list any more.
_PLAN = ("slot", "capacity", "par_level", "price")
_Seen = tuple[str | None, int | None, int | None, int | None]
_BESIDE: dict[type[Refusal], str] = {
    OutOfStock: "quantity",
    StockTooLarge: "quantity",
    TooManyPieces: "quantity",
    UnknownMachine: "to",
    UnknownProduct: "product",
}


@get("/office/machines/{machine:str}")
async def show(request: ShopRequest, machine: Number) -> Response[Any]:
    """The machine, shelf by shelf."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    found = await machines.find(request.shop, machine_id=rooms.number(machine))
    return await _machine(request, member, found, BoundForm(request))


@post("/office/machines/{machine:str}/shelves", status_code=303)
async def choose(request: ShopRequest, machine: Number) -> Response[Any]:
    """To the shelf of the product that was named, whether or not it is there yet."""
    member = await rooms.member(request, Role.ADMIN)
    found = await machines.find(request.shop, machine_id=rooms.number(machine))
    form = BoundForm(request, await forms.read(request, "product"))
    name = form.text("product", length_max=PRODUCT_NAME_LENGTH_MAX)
    if form.is_wrong:
        return await _machine(request, member, found, form)
    product = await catalogue.find_by_name(request.shop, name=name)
    if product is None:
        form.refuse(UnknownProduct(product=name), beside=_BESIDE)
        return await _machine(request, member, found, form)
    return forms.to_page(f"/office/machines/{found.id}/shelves/{product.product_id}")


@get("/office/machines/{machine:str}/shelves/{product:str}")
async def show_shelf(request: ShopRequest, machine: Number, product: Number) -> Response[Any]:
    """One shelf: how it is planned, pieces into it, pieces to elsewhere."""
    member = await rooms.member(request, Role.ADMIN)
    return await _shelf(request, member, machine, product)


@post("/office/machines/{machine:str}/shelves/{product:str}/plan", status_code=303)
async def plan(request: ShopRequest, machine: Number, product: Number) -> Response[Any]:
    """Its slot, how much fits, from when on it is to be filled, and a price of its own.

    `seen` is how it stood on the page: who planned it since then is not run over.
    """
    member = await rooms.member(request, Role.ADMIN)
    posted = await forms.read(request, "key", "seen", *_PLAN)
    form = BoundForm(request, posted)
    machine_id, product_id = rooms.number(machine), rooms.number(product)
    wanted = ShelfPlan(
        product_id,
        slot=form.text("slot", length_max=SLOT_LENGTH_MAX, needed=False) or None,
        capacity=form.whole("capacity", least=1, most=QUANTITY_MAX) if _given(form, "capacity") else None,
        par_level=form.whole("par_level", most=QUANTITY_MAX) if _given(form, "par_level") else None,
        price_cents=form.amount("price") if _given(form, "price") else None,
    )
    if form.is_wrong:
        return await _shelf(request, member, machine, product, planned=form, key=posted["key"])
    others = [
        _plan(one) for one in await _standing(request, member, machine_id) if one.product_id != product_id
    ]
    planned = tuple(filter(_is_planned, others))
    seen = _seen(product_id, posted["seen"])
    command = SetShelves(member.caller, machine_id, (*planned, wanted), seen=(*planned, seen))
    try:
        await forms.execute(request, command, posted)
    except (UnknownMachine, UnknownProduct):
        raise
    except PlanChanged:
        form.trouble = i18n.of(request).gettext(
            "Somebody else changed this shelf. These are its current values, and below is what you"
            " typed: save again to replace them."
        )
        return await _shelf(request, member, machine, product, planned=form, is_changed=True)
    except Refusal as refusal:
        form.refuse(refusal)
        return await _shelf(request, member, machine, product, planned=form, key=posted["key"])
    return _done(request, machine_id, i18n.of(request).gettext("Shelf saved."))


@post("/office/machines/{machine:str}/shelves/{product:str}/restock", status_code=303)
async def restock(request: ShopRequest, machine: Number, product: Number) -> Response[Any]:
    """Pieces into it."""
    member = await rooms.member(request, Role.ADMIN)
    posted = await forms.read(request, "key", "quantity", "reason")
    form = BoundForm(request, posted)
    quantity = form.whole("quantity", least=1, most=QUANTITY_MAX)
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=False)
    if form.is_wrong:
        return await _shelf(request, member, machine, product, filled=form, key=posted["key"])
    machine_id, product_id = rooms.number(machine), rooms.number(product)
    command = Restock(member.caller, product_id, quantity, reason or None, machine_id)
    try:
        await forms.execute(request, command, posted)
    except (UnknownMachine, UnknownProduct):
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE)
        return await _shelf(request, member, machine, product, filled=form, key=posted["key"])
    told = i18n.of(request).ngettext("%(num)s refilled.", "%(num)s refilled.", quantity)
    return _done(request, machine_id, told)


@post("/office/machines/{machine:str}/shelves/{product:str}/move", status_code=303)
async def move(request: ShopRequest, machine: Number, product: Number) -> Response[Any]:
    """Pieces from it to another machine."""
    member = await rooms.member(request, Role.ADMIN)
    posted = await forms.read(request, "key", "quantity", "to", "reason")
    form = BoundForm(request, posted)
    quantity = form.whole("quantity", least=1, most=QUANTITY_MAX)
    to_id = form.whole("to", least=1)
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=False)
    if form.is_wrong:
        return await _shelf(request, member, machine, product, moved=form, key=posted["key"])
    machine_id, product_id = rooms.number(machine), rooms.number(product)
    command = MoveStock(member.caller, machine_id, to_id, product_id, quantity, reason or None)
    try:
        await forms.execute(request, command, posted)
    except UnknownProduct:
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE)
        return await _shelf(request, member, machine, product, moved=form, key=posted["key"])
    told = i18n.of(request).ngettext("%(num)s moved.", "%(num)s moved.", quantity)
    return _done(request, machine_id, told)


HANDLERS = (show, choose, show_shelf, plan, restock, move)


def _given(form: BoundForm, name: str) -> bool:
    return bool(form.typed[name].strip())


def _plan(record: ShelfRecord) -> ShelfPlan:
    return ShelfPlan(record.product_id, record.slot, record.capacity, record.par_level, record.price_cents)


def _seen(product_id: int, written: str) -> ShelfPlan:
    """The plan as the page had it. Raises Malformed for what no page of ours says."""
    try:
        return ShelfPlan(product_id, *msgspec.json.decode(written, type=_Seen))
    except msgspec.MsgspecError:
        raise Malformed(("seen", "is not what a form sends"), status=400) from None


def _is_planned(plan: ShelfPlan) -> bool:
    """Whether there is anything to keep: all others may stay unnamed."""
    return plan != ShelfPlan(plan.product_id)


def _done(request: ShopRequest, machine_id: int, sentence: str) -> Response[Any]:
    response = forms.to_page(f"/office/machines/{machine_id}")
    flash.leave(response, request, sentence)
    return response


async def _standing(request: ShopRequest, member: SignedInUser, machine_id: int) -> list[ShelfRecord]:
    return await machines.shelves_of(
        request.shop, actor=member.actor, machine_id=machine_id, limit=SHELVES_MAX
    )


async def _machine(
    request: ShopRequest, member: SignedInUser, machine: Machine, form: BoundForm
) -> Response[Any]:
    plans = {one.product_id: one for one in await _standing(request, member, machine.id)}
    sold = await storefront.stocked(request.shop, machine_id=machine.id)
    shelves = [(one, plans[one.product_id]) for one in sold if one.product_id in plans]
    low = [(one, plan) for one, plan in shelves if plan.quantity < fill_below(plan.par_level)]
    return rooms.page(
        request,
        "office/machine.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        machine=machine,
        shelves=shelves,
        low=low,
        low_ids={one.product_id for one, _ in low},
        form=form,
    )


async def _shelf(
    request: ShopRequest,
    member: SignedInUser,
    machine: Number,
    product: Number,
    *,
    planned: BoundForm | None = None,
    filled: BoundForm | None = None,
    moved: BoundForm | None = None,
    key: str = "",
    is_changed: bool = False,
) -> Response[Any]:
    shop, product_id = request.shop, rooms.number(product)
    found = await machines.find(shop, machine_id=rooms.number(machine))
    sold = await catalogue.find(shop, product_id=product_id, machine_id=found.id)
    record = next(
        (one for one in await _standing(request, member, found.id) if one.product_id == product_id), None
    )
    wrong = next((form for form in (planned, filled, moved) if form is not None), None)
    others = [one for one in await machines.page(shop, limit=TARGETS_MAX) if one.id != found.id]
    return rooms.page(
        request,
        "office/shelf.html",
        member=member,
        status=200 if wrong is None else wrong.status,
        machine=found,
        product=sold,
        shelf=record,
        others=others,
        key=forms.key_of(key),
        is_changed=is_changed,
        now=_typed(request, record),
        seen=planned.typed["seen"] if planned and not is_changed else _written(record),
        planned=planned or BoundForm(request, _typed(request, record)),
        filled=filled or BoundForm(request, {"quantity": _missing(record), "reason": ""}),
        moved=moved or BoundForm(request),
    )


def _typed(request: ShopRequest, record: ShelfRecord | None) -> dict[str, str]:
    """The plan as it would be typed."""
    if record is None:
        return {}
    price = record.price_cents
    return {
        "slot": record.slot or "",
        "capacity": "" if record.capacity is None else str(record.capacity),
        "par_level": "" if record.par_level is None else str(record.par_level),
        "price": "" if price is None else i18n.of(request).plain(price, request.shop.currency),
    }


def _written(record: ShelfRecord | None) -> str:
    """The plan as `_seen` reads it."""
    seen: _Seen = (None, None, None, None)
    if record is not None:
        seen = (record.slot, record.capacity, record.par_level, record.price_cents)
    return msgspec.json.encode(seen).decode()


def _missing(record: ShelfRecord | None) -> str:
    """How many pieces are missing from a shelf that is to be filled."""
    short = 0 if record is None else (record.par_level or 0) - record.quantity
    return str(short) if short > 0 else ""
