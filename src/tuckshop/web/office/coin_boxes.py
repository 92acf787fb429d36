"""`/office/machines/.../coins`: what is in a coin box; coins into it, out of it, and counting them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from tuckshop.domain.coins import total_cents
from tuckshop.domain.products import REASON_LENGTH_MAX
from tuckshop.domain.refusals import Refusal, UnknownMachine
from tuckshop.domain.users import Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries import idempotency_keys, machines
from tuckshop.queries.machines import Machine
from tuckshop.till.commands.machines import CoinsCarried, CoinsCounted, CollectCoins, CountCoins, FillCoins
from tuckshop.web.office import coin_form
from tuckshop.web.ui import flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.flash import Mood
from tuckshop.web.ui.rooms import Number, SignedInUser

_Carry = Callable[..., FillCoins | CollectCoins]


@get("/office/machines/{machine:str}/coins")
async def show(request: ShopRequest, machine: Number) -> Response[Any]:
    """The box by the books, coin by coin."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    found = await machines.find(request.shop, machine_id=rooms.number(machine))
    return await _box(request, member, found)


@post("/office/machines/{machine:str}/coins/fill", status_code=303)
async def fill(request: ShopRequest, machine: Number) -> Response[Any]:
    """Coins from the bank into it."""
    return await _carried(request, machine, FillCoins, "filled")


@post("/office/machines/{machine:str}/coins/collect", status_code=303)
async def collect(request: ShopRequest, machine: Number) -> Response[Any]:
    """Coins out of it to the bank."""
    return await _carried(request, machine, CollectCoins, "collected")


@get("/office/machines/{machine:str}/coins/count")
async def compare(request: ShopRequest, machine: Number) -> Response[Any]:
    """What was found beside what the books say: the difference is told before anything is written."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    found = await machines.find(request.shop, machine_id=rooms.number(machine))
    values = request.shop.currency.values_cents
    asked = {name: request.query_params.get(name, "") for name in ("key", "reason", *coin_form.names(values))}
    form = BoundForm(request, asked)
    counted = coin_form.counted(form, values)
    form.text("reason", length_max=REASON_LENGTH_MAX, needed=False)
    if form.is_wrong:
        return await _box(request, member, found, counted=form, key=asked["key"])
    box = await machines.coins(request.shop, actor=member.actor, machine_id=found.id)
    return rooms.page(
        request,
        "office/coin_count.html",
        member=member,
        machine=found,
        form=form,
        key=forms.key_of(asked["key"]),
        expected=_written(box.held),
        rows=[
            (one, box.held[one.value_cents], counted[one.value_cents])
            for one in coin_form.of(request.shop.currency)
        ],
        expected_cents=box.amount_cents,
        counted_cents=total_cents(counted),
        is_right=box.held == counted,
        currency=request.shop.currency,
    )


@post("/office/machines/{machine:str}/coins/count", status_code=303)
async def count(request: ShopRequest, machine: Number) -> Response[Any]:
    """The books follow what was found.

    `expected` is what they said when the difference was told: if they say otherwise now, it is told again.
    """
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    found = await machines.find(request.shop, machine_id=rooms.number(machine))
    values = request.shop.currency.values_cents
    posted = await forms.read(request, "key", "expected", "reason", *coin_form.names(values))
    form = BoundForm(request, posted)
    counted = coin_form.counted(form, values)
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=False)
    if form.is_wrong:
        return await _box(request, member, found, counted=form, key=posted["key"])
    command = CountCoins(member.caller, found.id, counted, reason or None)
    held = (await machines.coins(request.shop, actor=member.actor, machine_id=found.id)).held
    is_told = posted["expected"] == _written(held)
    # A second press finds the books as the first has left them, and is to be answered as that was.
    if not is_told and not await idempotency_keys.is_used(
        request.shop, forms.enveloped(request, command, posted)
    ):
        return _tell_again(request, found, form)
    try:
        receipt = await forms.execute(request, command, posted)
    except UnknownMachine:
        raise
    except Refusal as refusal:
        coin_form.refuse(form, refusal)
        return await _box(request, member, found, counted=form, key=posted["key"])
    assert isinstance(receipt, CoinsCounted)
    return _done(request, found, _difference(request, receipt.over_short_cents))


HANDLERS = (show, fill, collect, compare, count)


async def _carried(request: ShopRequest, machine: Number, command: _Carry, which: str) -> Response[Any]:
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    found = await machines.find(request.shop, machine_id=rooms.number(machine))
    values = request.shop.currency.values_cents
    posted = await forms.read(request, "key", "reason", *coin_form.names(values))
    form = BoundForm(request, posted)
    moving = coin_form.carried(form, values)
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=False)
    if form.is_wrong:
        return await _box(request, member, found, key=posted["key"], **{which: form})
    try:
        receipt = await forms.execute(
            request, command(member.caller, found.id, moving, reason or None), posted
        )
    except UnknownMachine:
        raise
    except Refusal as refusal:
        coin_form.refuse(form, refusal)
        return await _box(request, member, found, key=posted["key"], **{which: form})
    assert isinstance(receipt, CoinsCarried)
    words = i18n.of(request)
    amount = words.money(receipt.amount_cents, request.shop.currency)
    if command is FillCoins:
        return _done(request, found, words.gettext("%(amount)s added to the coin box.", amount=amount))
    return _done(request, found, words.gettext("%(amount)s collected from the coin box.", amount=amount))


def _written(held: dict[int, int]) -> str:
    """What the books say, in one field."""
    return " ".join(f"{value}:{pieces}" for value, pieces in sorted(held.items()))


def _difference(request: ShopRequest, over_short_cents: int) -> str:
    words = i18n.of(request)
    amount = words.money(abs(over_short_cents), request.shop.currency)
    if over_short_cents > 0:
        return words.gettext("Count recorded. %(amount)s more than expected.", amount=amount)
    if over_short_cents < 0:
        return words.gettext("Count recorded. %(amount)s less than expected.", amount=amount)
    return words.gettext("Count recorded. The amount is as expected.")


def _done(request: ShopRequest, machine: Machine, sentence: str) -> Response[Any]:
    response = forms.to_page(f"/office/machines/{machine.id}/coins")
    flash.leave(response, request, sentence)
    return response


def _tell_again(request: ShopRequest, machine: Machine, form: BoundForm) -> Response[Any]:
    """To the comparison, with what was found."""
    found = {name: typed for name, typed in form.typed.items() if name not in ("key", "expected")}
    response = forms.to_page(f"/office/machines/{machine.id}/coins/count?{urlencode(found)}")
    words = i18n.of(request)
    flash.leave(
        response,
        request,
        words.gettext("Coins were added or removed while you counted. Compare again."),
        mood=Mood.BAD,
    )
    return response


async def _box(
    request: ShopRequest,
    member: SignedInUser,
    machine: Machine,
    *,
    filled: BoundForm | None = None,
    collected: BoundForm | None = None,
    counted: BoundForm | None = None,
    key: str = "",
) -> Response[Any]:
    wrong = next((form for form in (filled, collected, counted) if form is not None), None)
    box = await machines.coins(request.shop, actor=member.actor, machine_id=machine.id)
    return rooms.page(
        request,
        "office/coin_box.html",
        member=member,
        status=200 if wrong is None else wrong.status,
        machine=machine,
        box=box,
        most=max(*box.held.values(), 1),
        denominations=coin_form.of(request.shop.currency),
        currency=request.shop.currency,
        key=forms.key_of(key),
        filled=filled or BoundForm(request),
        collected=collected or BoundForm(request),
        counted=counted or BoundForm(request),
    )
