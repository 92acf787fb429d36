"""`/account/sessions` and `/account/tokens`: where somebody is logged in, and programs that act for them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tuckshop.domain.field_problems import NoScopes
from tuckshop.domain.refusals import Refusal, UnknownSession, UnknownToken
from tuckshop.domain.users import Scope
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import api_tokens, sessions
from tuckshop.identity.api_tokens import NAME_LENGTH_MAX
from tuckshop.web.ui import browser_names, confirming, flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import Number, SignedInUser

PAGE = 25
DAYS = ("30", "90", "365", "3650")


@get("/account/sessions")
async def show_sessions(request: ShopRequest) -> Response[Any]:
    """Where somebody is logged in."""
    member = await rooms.member(request)
    before_id = rooms.before(request)
    found = await sessions.page(request.shop, user_id=member.user_id, before_id=before_id, limit=PAGE + 1)
    return rooms.page(
        request,
        "account/sessions.html",
        member=member,
        sessions=found[:PAGE],
        device=lambda device: browser_names.named(device, i18n.of(request)),
        before=found[PAGE - 1].id if len(found) > PAGE else None,
    )


@post("/account/sessions/{session:str}/end", status_code=303)
async def end_session(request: ShopRequest, session: Number) -> Response[Any]:
    """One of them over, at once."""
    member = await rooms.member(request)
    await forms.read(request)
    with suppress(UnknownSession):  # Pressed twice, or ended elsewhere: it is what was wanted.
        await sessions.end(request.shop, user_id=member.user_id, session_id=rooms.number(session))
    response = forms.to_page("/account/sessions")
    flash.leave(response, request, i18n.of(request).gettext("The session has ended."))
    return response


@get("/account/tokens")
async def show_tokens(request: ShopRequest) -> Response[Any]:
    """The programs that may act for somebody."""
    member = await rooms.member(request)
    return await _tokens(request, member, BoundForm(request, {"name": "", "days": "365", "scope-read": "on"}))


@post("/account/tokens", status_code=200)
async def make_token(request: ShopRequest) -> Response[Any]:
    """A new token. Its secret stands in this answer alone: loaded again, the page would make another one."""
    member = await rooms.member(request)
    if (asking := await confirming.asked(request, member)) is not None:
        return asking
    posted = await forms.read(request, "name", "days", *(f"scope-{scope}" for scope in Scope))
    form = BoundForm(request, posted)
    name = form.text("name", length_max=NAME_LENGTH_MAX)
    days = form.one_of("days", DAYS)
    scopes = [scope for scope in _scopes(member) if posted[f"scope-{scope}"]]
    if not scopes:
        form.complain("scopes", NoScopes())
    if form.is_wrong:
        return await _tokens(request, member, form)
    try:
        made, secret = await api_tokens.make(
            request.shop, user_id=member.user_id, name=name, scopes=scopes, days=int(days)
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return await _tokens(request, member, form)
    return rooms.page(request, "account/token.html", member=member, token=made, secret=secret)


@post("/account/tokens/{token:str}/revoke", status_code=303)
async def revoke_token(request: ShopRequest, token: Number) -> Response[Any]:
    """One of them good for nothing, at once."""
    member = await rooms.member(request)
    await forms.read(request)
    with suppress(UnknownToken):  # As with sessions.
        await api_tokens.revoke(request.shop, user_id=member.user_id, token_id=rooms.number(token))
    response = forms.to_page("/account/tokens")
    flash.leave(response, request, i18n.of(request).gettext("The token is revoked."))
    return response


HANDLERS = (show_sessions, end_session, show_tokens, make_token, revoke_token)


def _scopes(member: SignedInUser) -> list[Scope]:
    """What a token of this one could do at all."""
    lends = {
        Scope.READ: True,
        Scope.BUY: member.buys,
        Scope.SELL: member.sells,
        Scope.ADMIN: member.runs,
    }
    return [scope for scope in Scope if lends[scope]]


async def _tokens(request: ShopRequest, member: SignedInUser, form: BoundForm) -> Response[Any]:
    before_id = rooms.before(request)
    found = await api_tokens.page(request.shop, user_id=member.user_id, before_id=before_id, limit=PAGE + 1)
    return rooms.page(
        request,
        "account/tokens.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        tokens=found[:PAGE],
        scopes=_scopes(member),
        before=found[PAGE - 1].id if len(found) > PAGE else None,
    )
