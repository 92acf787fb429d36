"""`/login` and the way out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec

from tuckshop.context import SignOnAway
from tuckshop.domain.refusals import Refusal, SecondFactorNeeded, SecondFactorWrong, SessionEnded
from tuckshop.domain.users import PASSWORD_LENGTH_MAX, USERNAME_LENGTH_MAX
from tuckshop.http import browser_login
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import sessions
from tuckshop.identity.second_factor import CODE_LENGTH_MAX
from tuckshop.web.ui import browser_names, flash, forms, i18n, rooms, visitors
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.entrance import back_from, offered

SESSIONS_SHOWN = 10
CODE_SECONDS = 300  # To find the phone; the password is asked again after that.


@get("/login")
async def show(request: ShopRequest) -> Response[Any]:
    """Name and password, please; whoever is logged in already goes on."""
    back = back_from(request.query_params.get("next", ""))
    try:
        await rooms.member(request)
    except SessionEnded:
        return shown(request, BoundForm(request, {"username": ""}), back)
    return forms.to_page(back)


@post("/login", status_code=303)
async def log_in(request: ShopRequest) -> Response[Any]:
    """In, and back to where somebody wanted to go; by way of their other sessions, if there are any."""
    posted = await forms.read(request, "username", "password", "next", "sealed", "code", forms.TOKEN)
    back = back_from(posted["next"])
    form = BoundForm(request, posted)
    typed = _opened(request, posted["sealed"]) if posted["sealed"] else _Shown.typed(form)
    if typed is None:
        form.trouble = form.words.gettext("That took too long. Log in again.")
    if typed is None or form.is_wrong:
        return shown(request, form, back)
    screen = await visitors.screen_of(request)
    try:
        entered = await browser_login.log_in(
            request,
            username=typed.username,
            password=typed.password,
            form_token=posted[forms.TOKEN],
            machine_id=None if screen is None else screen.machine_id,
            code=posted["code"][: CODE_LENGTH_MAX + 1] or None,
        )
    except SecondFactorNeeded:
        return _asking_code(request, typed, form, back)
    except SecondFactorWrong as refusal:
        form.refuse(refusal, beside={SecondFactorWrong: "code"})
        return _asking_code(request, typed, form, back)
    except SignOnAway:
        return away(request, back, username=typed.username)
    except Refusal as refusal:
        form.refuse(refusal)
        return shown(request, form, back)
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


def shown(request: ShopRequest, form: BoundForm, back: str) -> Response[Any]:
    """The log-in's form, with what is wrong, and leading `back` afterwards."""
    provider = request.shop.sign_on.provider
    return rooms.page(
        request,
        "account/log_in.html",
        status=form.status if form.is_wrong else 200,
        form=form,
        back=back,
        is_open=bool(offered(request)),
        provider=None if provider is None else provider.name,
    )


def away(request: ShopRequest, back: str, *, username: str = "") -> Response[Any]:
    """The same where an outside service has to let somebody in, and does not answer."""
    form = BoundForm(request, {"username": username})
    form.trouble = form.words.gettext(
        "The service that checks this log-in is not available. Try again later, or log in with a password of"
        " this shop."
    )
    form.status = 503
    return shown(request, form, back)


HANDLERS = (show, log_in, show_others, end_others, log_out)


class _Shown(msgspec.Struct, frozen=True):
    """A name with its password, as somebody typed them; `ends_us`: until when a code may follow."""

    username: str
    password: str
    ends_us: int = 0

    @classmethod
    def typed(cls, form: BoundForm) -> _Shown:
        """As they stand in the form, which says what is wrong with them."""
        if not form.typed["password"]:
            form.miss("password")
        # One letter more than any password has is nobody's.
        username = form.text("username", length_max=USERNAME_LENGTH_MAX)
        return cls(username, form.typed["password"][: PASSWORD_LENGTH_MAX + 1])


def _opened(request: ShopRequest, sealed: str) -> _Shown | None:
    """What `_asking_code` sealed; None for what is older than CODE_SECONDS, or was not sealed here."""
    try:
        shown = msgspec.json.decode(request.shop.tokens.decrypt(sealed), type=_Shown)
    except ValueError:
        return None
    return shown if request.shop.clock() < shown.ends_us else None


def _asking_code(request: ShopRequest, shown: _Shown, form: BoundForm, back: str) -> Response[Any]:
    """The second step. The password that was typed is in it, so that nobody types it twice: encrypted."""
    ends_us = shown.ends_us or request.shop.clock() + CODE_SECONDS * 1_000_000
    kept = msgspec.json.encode(msgspec.structs.replace(shown, ends_us=ends_us))
    return rooms.page(
        request,
        "account/log_in_code.html",
        status=form.status if form.is_wrong else 200,
        form=form,
        back=back,
        sealed=request.shop.tokens.encrypt(kept),
    )


def _with_next(path: str, back: str) -> str:
    return f"{path}?{urlencode({'next': back})}"
