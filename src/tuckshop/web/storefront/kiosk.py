"""A machine's own screen: paired once by a code, it serves whoever stands before it, one after the other."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.refusals import Refusal
from tuckshop.http import browser_login, cookies
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import screens
from tuckshop.queries import machines, storefront
from tuckshop.web.storefront import flash
from tuckshop.web.storefront.flash import Event, MachineFlash
from tuckshop.web.ui import forms, i18n, layout, visitors
from tuckshop.web.ui.bound_form import BoundForm

CODE_LENGTH_MAX = 40  # Spaces and all.
IDLE_SECONDS = 60  # Without a touch for so long, nobody is there any more.


@get("/kiosk")
async def show(request: ShopRequest) -> Response[Any]:
    """Where the code from the office is typed in."""
    return await _shown(request, BoundForm(request, {"code": ""}))


@post("/kiosk", status_code=303)
async def begin(request: ShopRequest) -> Response[Any]:
    """This browser is a screen of the machine whose code it has."""
    form = BoundForm(request, await forms.read(request, "code"))
    code = form.text("code", length_max=CODE_LENGTH_MAX)
    if form.is_wrong:
        return await _shown(request, form)
    try:
        secret = await screens.pair(request.shop, code=code, address=request.address)
    except Refusal as refusal:
        form.refuse(refusal)
        return await _shown(request, form)
    response = forms.to_page("/")
    visitors.forget(response, request)
    cookies.drop(response, request, visitors.MACHINE)
    visitors.keep_screen(response, request, secret)
    return response


@post("/kiosk/end", status_code=303)
async def end(request: ShopRequest) -> Response[Any]:
    """This browser is a machine's screen no more."""
    await forms.read(request)
    screen = await visitors.screen_of(request)
    if screen is not None:
        await screens.end(request.shop, screen=screen)
    response = forms.to_page("/kiosk")
    cookies.drop(response, request, visitors.SCREEN)
    cookies.drop(response, request, visitors.MACHINE)
    visitors.forget(response, request)
    return response


@post("/kiosk/leave", status_code=303)
async def leave(request: ShopRequest) -> Response[Any]:
    """The guest has gone: the screen begins anew, in its own language.

    Money that was left stays in that guest's wallet, where the office finds it.
    """
    await forms.read(request)
    return await _left(request)


@get("/kiosk/leave")
async def leave_without_script(request: ShopRequest) -> Response[Any]:
    """The same, for a screen without scripts, which can only load a page after a while."""
    return await _left(request)


HANDLERS = (show, begin, end, leave, leave_without_script)


async def _left(request: ShopRequest) -> Response[Any]:
    visitor = await visitors.of(request)
    response = forms.to_page("/")
    if not visitor.is_kiosk:
        return response  # Somebody's own browser keeps its guest.
    await browser_login.log_out(request)
    browser_login.forget(response, request)
    visitors.forget(response, request)
    cookies.drop(response, request, i18n.COOKIE)
    if visitor.wallet is not None and visitor.name is None:
        cents = await storefront.balance_cents(request.shop, wallet=visitor.wallet)
        if cents:
            flash.leave(response, request, MachineFlash(event=Event.PUT_ASIDE, cents=cents))
    return response


async def _shown(request: ShopRequest, form: BoundForm) -> Response[Any]:
    visitor = await visitors.of(request)
    known = None
    if visitor.machine_id is not None:
        known = await machines.find(request.shop, machine_id=visitor.machine_id)
    return layout.page(
        request,
        "kiosk.html",
        status=form.status if form.is_wrong else 200,
        visitor=visitor,
        machine=known,
        form=form,
    )
