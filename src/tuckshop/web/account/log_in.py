"""`/login` and the way out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tuckshop.domain.refusals import Refusal, SessionEnded
from tuckshop.domain.users import PASSWORD_LENGTH_MAX, USERNAME_LENGTH_MAX
from tuckshop.http import browser_login
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import sessions
from tuckshop.web.ui import browser_names, flash, forms, i18n, rooms, visitors
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.entrance import back_from, offered

SESSIONS_SHOWN = 10


@get("/login")
async def show(request: ShopRequest) -> Response[Any]:
    """Name and password, please; whoever is logged in already goes on."""
    back = back_from(request.query_params.get("next", ""))
    try:
        await rooms.member(request)
    except SessionEnded:
        return _shown(request, BoundForm(request, {"username": ""}), back)
    return forms.to_page(back)


@post("/login", status_code=303)
async def log_in(request: ShopRequest) -> Response[Any]:
    """In, and back to where somebody wanted to go; by way of their other sessions, if there are any."""
    posted = await forms.read(request, "username", "password", "next", forms.TOKEN)
    back = back_from(posted["next"])
    form = BoundForm(request, posted)
    username = form.text("username", length_max=USERNAME_LENGTH_MAX)
    if not posted["password"]:
        form.miss("password")
    if form.is_wrong:
        return _shown(request, form, back)
    screen = await visitors.screen_of(request)
    try:
        entered = await browser_login.log_in(
            request,
            username=username,
            password=posted["password"][: PASSWORD_LENGTH_MAX + 1],  # Which is nobody's.
            form_token=posted[forms.TOKEN],
            machine_id=None if screen is None else screen.machine_id,
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return _shown(request, form, back)
    response = forms.to_page(_with_next("/login/others", back) if entered.active_sessions else back)
    browser_login.keep(response, request, entered)
    return response


@get("/login/others")
async def show_others(request: ShopRequest) -> Response[Any]:
    """Where else the account is in use, for whoever has just logged in."""
    member = await rooms.member(request)
    found = await sessions.page(
        request.shop, user_id=member.user_id, before_id=None, limit=SESSIONS_SHOWN + 1
    )
    return rooms.page(
        request,
        "account/other_sessions.html",
        member=member,
        others=[one for one in found if one.id != member.caller.session_id],
        device=lambda device: browser_names.named(device, i18n.of(request)),
        back=back_from(request.query_params.get("next", "")),
    )


@post("/login/others", status_code=303)
async def end_others(request: ShopRequest) -> Response[Any]:
    """This log-in stays, and no other."""
    member = await rooms.member(request)
    posted = await forms.read(request, "next")
    await sessions.end_others(request.shop, caller=member.caller)
    response = forms.to_page(back_from(posted["next"]))
    flash.leave(response, request, i18n.of(request).gettext("All your other sessions have ended."))
    return response


@post("/account/logout", status_code=303)
async def log_out(request: ShopRequest) -> Response[Any]:
    """Out, at once."""
    await forms.read(request)
    await browser_login.log_out(request)
    response = forms.to_page("/login")
    browser_login.forget(response, request)
    flash.leave(response, request, i18n.of(request).gettext("You are logged out."))
    return response


HANDLERS = (show, log_in, show_others, end_others, log_out)


def _shown(request: ShopRequest, form: BoundForm, back: str) -> Response[Any]:
    return rooms.page(
        request,
        "account/log_in.html",
        status=form.status if form.is_wrong else 200,
        form=form,
        back=back,
        is_open=bool(offered(request)),
    )


def _with_next(path: str, back: str) -> str:
    return f"{path}?{urlencode({'next': back})}"
