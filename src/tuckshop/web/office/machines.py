"""`/office/machines`: places of sale, what they are called, how their boxes pay, and their keys."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.machines import MACHINE_NAME_LENGTH_MAX, BoxKind, CoinInput, FulfilMode, MachineRules
from tuckshop.domain.refusals import CoinsOwed, InvalidField, NameTaken, Refusal
from tuckshop.domain.users import Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.operations import machines as machine_operations
from tuckshop.operations import screens as screen_operations
from tuckshop.queries import machines, screens
from tuckshop.queries.machines import Machine
from tuckshop.web.ui import confirming, flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import Number, SignedInUser

PAGE = 24
TIMEZONE_LENGTH_MAX = 64
_FIELDS = ("name", "timezone", "box_kind")
_RULES = ("coin_input", "fulfil", "deposit_max", "hourly_deposit_max")
_BESIDE: dict[type[Refusal], str] = {NameTaken: "name", CoinsOwed: "box_kind"}


@get("/office/machines")
async def index(request: ShopRequest) -> Response[Any]:
    """All of them, and a form for one more."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    zone = str(request.shop.till.policy.days.timezone)
    usual = {"name": "", "timezone": zone, "box_kind": BoxKind.COUNTED.value}
    return await _index(request, member, BoundForm(request, usual))


@post("/office/machines", status_code=303)
async def add(request: ShopRequest) -> Response[Any]:
    """A new one, its box empty."""
    member = await rooms.member(request, Role.ADMIN)
    form = BoundForm(request, await forms.read(request, *_FIELDS))
    name, timezone, box_kind = _read(form)
    if form.is_wrong:
        return await _index(request, member, form)
    try:
        machine = await machine_operations.add(
            request.shop, actor=member.actor, name=name, timezone=timezone, box_kind=box_kind
        )
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE)
        return await _index(request, member, form)
    response = forms.to_page(f"/office/machines/{machine.id}")
    flash.leave(response, request, i18n.of(request).gettext("%(name)s is added.", name=machine.name))
    return response


@get("/office/machines/{machine:str}/settings")
async def settings(request: ShopRequest, machine: Number) -> Response[Any]:
    """What it is called, where its clock stands, how its box pays; and its key."""
    member = await rooms.member(request, Role.ADMIN)
    found = await machines.find(request.shop, machine_id=rooms.number(machine))
    return await _settings(request, member, found, BoundForm(request, _said(request, found)))


@post("/office/machines/{machine:str}/settings", status_code=303)
async def change(request: ShopRequest, machine: Number) -> Response[Any]:
    """Something else instead."""
    member = await rooms.member(request, Role.ADMIN)
    if (asking := await confirming.asked(request, member)) is not None:
        return asking
    found = await machines.find(request.shop, machine_id=rooms.number(machine))
    form = BoundForm(request, await forms.read(request, *_FIELDS, *_RULES))
    name, timezone, box_kind = _read(form)
    rules = MachineRules(
        CoinInput(form.one_of("coin_input", list(CoinInput))),
        FulfilMode(form.one_of("fulfil", list(FulfilMode))),
        form.amount("deposit_max"),
        form.amount("hourly_deposit_max"),
    )
    if form.is_wrong:
        return await _settings(request, member, found, form)
    try:
        await machine_operations.change(
            request.shop,
            actor=member.actor,
            machine_id=found.id,
            name=name,
            timezone=timezone,
            box_kind=box_kind,
            rules=rules._asdict(),
        )
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE)
        return await _settings(request, member, found, form)
    response = forms.to_page(f"/office/machines/{found.id}/settings")
    flash.leave(response, request, i18n.of(request).gettext("Saved."))
    return response


@post("/office/machines/{machine:str}/key", status_code=200)
async def renew_key(request: ShopRequest, machine: Number) -> Response[Any]:
    """A new key. It stands in this answer alone: loaded again, the page would make another one."""
    member = await rooms.member(request, Role.ADMIN)
    if (asking := await confirming.asked(request, member)) is not None:
        return asking
    await forms.read(request)
    found = await machines.find(request.shop, machine_id=rooms.number(machine))
    key = await machine_operations.new_key(request.shop, actor=member.actor, machine_id=found.id)
    return rooms.page(request, "office/machine_key.html", member=member, machine=found, secret=key)


@post("/office/machines/{machine:str}/screens", status_code=200)
async def add_screen(request: ShopRequest, machine: Number) -> Response[Any]:
    """A code that pairs a screen. It stands in this answer alone."""
    member = await rooms.member(request, Role.ADMIN)
    if (asking := await confirming.asked(request, member)) is not None:
        return asking
    form = BoundForm(request, await forms.read(request, "screen"))
    found = await machines.find(request.shop, machine_id=rooms.number(machine))
    name = form.text("screen", length_max=MACHINE_NAME_LENGTH_MAX)
    code = ""
    if not form.is_wrong:
        try:
            code = await screen_operations.new_code(
                request.shop, actor=member.actor, machine_id=found.id, name=name
            )
        except Refusal as refusal:
            form.refuse(refusal, beside={InvalidField: "screen"})
    if form.is_wrong:
        return await _settings(request, member, found, BoundForm(request, _said(request, found)), form)
    origin = request.settings.origin or f"{request.scope['scheme']}://{request.headers.get('host', '')}"
    return rooms.page(
        request,
        "office/screen_code.html",
        member=member,
        machine=found,
        secret=code,
        address=f"{origin}/kiosk",
    )


@post("/office/machines/{machine:str}/screens/{screen:str}/end", status_code=303)
async def end_screen(request: ShopRequest, machine: Number, screen: Number) -> Response[Any]:
    """The screen serves nobody any more."""
    member = await rooms.member(request, Role.ADMIN)
    await forms.read(request)
    machine_id = rooms.number(machine)
    await screen_operations.end(
        request.shop, actor=member.actor, machine_id=machine_id, screen_id=rooms.number(screen)
    )
    response = forms.to_page(f"/office/machines/{machine_id}/settings")
    flash.leave(response, request, i18n.of(request).gettext("The screen is removed."))
    return response


HANDLERS = (index, add, settings, change, renew_key, add_screen, end_screen)


def _read(form: BoundForm) -> tuple[str, str, BoxKind]:
    return (
        form.text("name", length_max=MACHINE_NAME_LENGTH_MAX),
        form.text("timezone", length_max=TIMEZONE_LENGTH_MAX),
        BoxKind(form.one_of("box_kind", list(BoxKind))),
    )


def _said(request: ShopRequest, found: Machine) -> dict[str, str]:
    """The machine as its form shows it."""
    rules, plain = found.rules, i18n.of(request).plain
    return {
        "name": found.name,
        "timezone": found.timezone,
        "box_kind": found.box_kind.value,
        "coin_input": rules.coin_input.value,
        "fulfil": rules.fulfil.value,
        "deposit_max": plain(rules.deposit_cents_max, request.shop.currency),
        "hourly_deposit_max": plain(rules.hourly_deposit_cents_max, request.shop.currency),
    }


async def _index(request: ShopRequest, member: SignedInUser, form: BoundForm) -> Response[Any]:
    after_id = rooms.after(request)
    found = await machines.page(request.shop, after_id=after_id, limit=PAGE + 1)
    return rooms.page(
        request,
        "office/machines.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        machines=found[:PAGE],
        after=found[PAGE - 1].id if len(found) > PAGE else None,
    )


async def _settings(
    request: ShopRequest,
    member: SignedInUser,
    machine: Machine,
    form: BoundForm,
    pairing: BoundForm | None = None,
) -> Response[Any]:
    wrong = next((one for one in (form, pairing) if one is not None and one.is_wrong), None)
    return rooms.page(
        request,
        "office/machine_settings.html",
        member=member,
        status=200 if wrong is None else wrong.status,
        machine=machine,
        form=form,
        screens=await screens.of_machine(request.shop, actor=member.actor, machine_id=machine.id),
        pairing=pairing or BoundForm(request, {"screen": ""}),
    )
