"""`/login/oidc`: to the provider, and back from there.

What must come back lies encrypted in a cookie of the browser that set out: a log-in that somebody else has
begun is of no use in it.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from typing import Any

import msgspec
from starlette.exceptions import HTTPException

from tuckshop.context import Provider, SignOnAway, SignOnRefused
from tuckshop.domain.refusals import BadCredentials, SessionEnded
from tuckshop.http import browser_login, cookies
from tuckshop.http.handlers import get
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import browser_sessions, sign_on
from tuckshop.web.account import log_in
from tuckshop.web.ui import forms, visitors
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.entrance import back_from

BEGUN = "tuckshop_sign_on"
BEGUN_SECONDS = 600  # To log in at the provider.
VALUE_LENGTH_MAX = 4_000


class _Begun(msgspec.Struct, frozen=True):
    """What the browser must bring back, and what the provider must say."""

    state: str
    nonce: str
    verifier: str
    back: str
    ends_us: int


@get("/login/oidc")
async def begin(request: ShopRequest) -> Response[Any]:
    """To the provider."""
    provider = _provider(request)
    back = back_from(request.query_params.get("next", ""))
    try:
        begun = await provider.begin()
    except SignOnAway:
        return log_in.away(request, back)
    kept = _Begun(
        begun.state,
        begun.nonce,
        begun.verifier,
        back,
        request.shop.clock() + BEGUN_SECONDS * 1_000_000,
    )
    response = forms.to_page(begun.url)
    sealed = request.shop.tokens.encrypt(msgspec.json.encode(kept))
    cookies.put(response, request, BEGUN, sealed, seconds=BEGUN_SECONDS)
    return response


@get("/login/oidc/callback")
async def finish(request: ShopRequest) -> Response[Any]:
    """In, if the provider says who it is to the browser that has set out."""
    provider = _provider(request)
    begun = _opened(request)
    given = {name: request.query_params.getlist(name) for name in ("code", "state")}
    code, state = (
        one[0] if len(one) == 1 and len(one[0]) <= VALUE_LENGTH_MAX else "" for one in given.values()
    )
    words = BoundForm(request).words
    if begun is None or not hmac.compare_digest(state.encode(), begun.state.encode()):
        told = words.gettext("That took too long, or began in another browser. Log in again.")
        return _refused(request, told, begun)
    if not code:
        return _refused(request, words.gettext("You were not logged in. Try again."), begun)
    try:
        external = await provider.finish(code=code, nonce=begun.nonce, verifier=begun.verifier)
        entered = await _entered(request, await sign_on.enter(request.shop, external))
    except SignOnAway:
        return _gone(request, log_in.away(request, begun.back))
    except SignOnRefused:
        return _refused(request, words.gettext("You were not logged in. Try again."), begun)
    except BadCredentials:
        told = words.gettext("You cannot log in to this shop. Ask an admin.")
        return _refused(request, told, begun)
    response = _gone(request, forms.to_page(begun.back))
    browser_login.keep(response, request, entered)
    return response


HANDLERS = (begin, finish)


async def _entered(request: ShopRequest, entered: sign_on.Entered) -> browser_sessions.BrowserSession:
    before = None
    with suppress(SessionEnded):
        before = await browser_login.caller(request)
    screen = await visitors.screen_of(request)
    return await browser_sessions.enter(
        request.shop,
        entered,
        device=request.headers.get("user-agent"),
        address=request.address,
        instead_of=before,
        machine_id=None if screen is None else screen.machine_id,
    )


def _provider(request: ShopRequest) -> Provider:
    found = request.shop.sign_on.provider
    if found is None:
        raise HTTPException(404)
    return found


def _opened(request: ShopRequest) -> _Begun | None:
    """What `begin` sealed for this browser; None for nothing, for what is too old, or not sealed here."""
    sealed = cookies.read(request, BEGUN)
    try:
        begun = msgspec.json.decode(request.shop.tokens.decrypt(sealed or ""), type=_Begun)
    except ValueError:
        return None
    return begun if request.shop.clock() < begun.ends_us else None


def _refused(request: ShopRequest, told: str, begun: _Begun | None) -> Response[Any]:
    form = BoundForm(request, {"username": ""})
    form.trouble = told
    form.status = 403
    return _gone(request, log_in.shown(request, form, back_from("" if begun is None else begun.back)))


def _gone(request: ShopRequest, response: Response[Any]) -> Response[Any]:
    cookies.drop(response, request, BEGUN)  # Each state is good once.
    return response
