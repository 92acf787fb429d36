"""Log-ins of browsers: a cookie with the secret of a session, heeded only where a page of ours asks.

Browsers send cookies whoever makes them ask. So what comes with the session's cookie must come from our own
pages: the browser says so (Sec-Fetch-Site, Origin), and a form also brings a token that foreign pages cannot
know. See docs/decisions/0012-browsers-log-in-with-a-cookie.md.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from contextlib import suppress
from typing import Any

from tuckshop.domain.refusals import SessionEnded
from tuckshop.http import cookies
from tuckshop.http.errors import Malformed
from tuckshop.http.request import ADMITTED, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import browser_sessions, sessions
from tuckshop.identity.browser_sessions import BrowserSession
from tuckshop.till.callers import SessionCaller

SESSION = "tuckshop"
VISIT = "tuckshop_visit"
DEVICE = "tuckshop_device"
VISIT_SECONDS = 86_400  # A log-in form left open overnight still works.
DEVICE_SECONDS = 400 * 86_400  # As long as browsers keep any cookie.
SESSION_SECONDS = sessions.SESSION_DAYS * 86_400
READING = frozenset({"GET", "HEAD", "OPTIONS"})
# What a form of any foreign page can declare; everything else browsers ask us about first (CORS).
_FORMS = (b"application/x-www-form-urlencoded", b"multipart/form-data", b"text/plain")
_SEED = re.compile(r"[A-Za-z0-9_-]{32,128}", re.ASCII)


async def admit(request: ShopRequest) -> None:
    """Makes the session of the cookie the request's caller; without one, nothing happens.

    Raises:
        Malformed: a foreign page asks, or may be; or there are other credentials too, and which one counts?
        SessionEnded: there never was such a session.
    """
    said = request.operation
    secret = cookies.read(request, SESSION)
    if secret is None or said is None or said.login == "none":
        return
    if request.given(b"authorization"):
        raise Malformed(("Authorization", "must not be sent together with a session cookie"), status=400)
    require_own_page(request)
    if any(one.partition(b";")[0].strip().lower() in _FORMS for one in request.given(b"content-type")):
        raise Malformed(("Content-Type", "must not be a form's media type"), status=400)
    found = await browser_sessions.caller(request.shop, secret=secret)
    request.scope[ADMITTED] = found
    request.scope["actor_id"] = found.user_id  # for the log


def require_own_page(request: ShopRequest) -> None:
    """Raises Malformed for what a foreign page has sent, and for changes that nobody says are from ours.

    Reading needs no proof: it changes nothing, and no foreign page can see the answer.
    """
    reads = request.method in READING
    sites, origins = request.given(b"sec-fetch-site"), request.given(b"origin")
    typed_in = reads and sites == [b"none"]
    if sites and sites != [b"same-origin"] and not typed_in:
        raise Malformed(("Sec-Fetch-Site", "must be same-origin"), status=400)
    if origins and (len(origins) > 1 or origins[0] not in _own_origins(request)):
        raise Malformed(("Origin", "is not the address of this shop"), status=400)
    if not reads and not sites and not origins:
        raise Malformed(("Origin", "is missing"), status=400)


async def log_in(
    request: ShopRequest,
    *,
    username: str,
    password: str,
    form_token: str,
    machine_id: int | None = None,
    code: str | None = None,
) -> BrowserSession:
    """A new session, which `keep` puts into the answer; the one that the browser had until now is ended.

    `machine_id`: of the machine whose screen the browser is.

    Raises:
        Malformed: the form was no page's of ours, or another browser's.
        BadCredentials, SecondFactorNeeded, SecondFactorWrong, TooManyTries: as `sessions.log_in`.
    """
    require_own_page(request)
    require_form_token(request, form_token)
    before = None
    with suppress(SessionEnded):
        before = await caller(request)
    return await browser_sessions.log_in(
        request.shop,
        username=username,
        password=password,
        device=request.headers.get("user-agent"),
        address=request.address,
        instead_of=before,
        machine_id=machine_id,
        code=code,
        mark=cookies.read(request, DEVICE),
    )


async def caller(request: ShopRequest) -> SessionCaller | None:
    """Whose cookie it is, None without one; whether the session still is good is asked at every use.

    Raises:
        SessionEnded: there never was such a session.
    """
    secret = cookies.read(request, SESSION)
    return None if secret is None else await browser_sessions.caller(request.shop, secret=secret)


async def log_out(request: ShopRequest) -> None:
    """Ends the browser's session at once, if it has one that is good; `forget` has the browser know it."""
    with suppress(SessionEnded):
        known = await caller(request)
        if known is not None:
            await sessions.log_out(request.shop, caller=known)


def keep(response: Response[Any], request: ShopRequest, entered: BrowserSession) -> None:
    """Has the browser stay logged in, and be known afterwards; its forms of before are good no more."""
    cookies.put(response, request, SESSION, entered.secret, seconds=SESSION_SECONDS)
    if entered.mark:
        cookies.put(response, request, DEVICE, entered.mark, seconds=DEVICE_SECONDS)
    cookies.drop(response, request, VISIT)


def forget(response: Response[Any], request: ShopRequest) -> None:
    """Has the browser drop what it was logged in by."""
    cookies.drop(response, request, SESSION)
    cookies.drop(response, request, VISIT)


def seed(request: ShopRequest) -> str:
    """The secret that the browser's forms are bound to: its session's, else its visit's, else a new one.

    Whoever shows a form hands it to `form_token` and `keep_seed`.
    """
    return _known_seed(request) or secrets.token_urlsafe(24)


def form_token(request: ShopRequest, *, seed: str) -> str:
    """What each form has in a hidden field: nobody makes it without the shop's secret and the browser's."""
    return urlsafe_b64encode(request.shop.tokens.seal(b"form\0" + seed.encode())).rstrip(b"=").decode()


def keep_seed(response: Response[Any], request: ShopRequest, *, seed: str) -> None:
    """Has a browser that is not logged in bring the seed again, with the form."""
    if cookies.read(request, SESSION) != seed:
        cookies.put(response, request, VISIT, seed, seconds=VISIT_SECONDS)


def require_form_token(request: ShopRequest, given: str) -> None:
    """Raises Malformed unless the posted form was shown to this browser, in this session."""
    known = _known_seed(request)
    if known is None or not hmac.compare_digest(given.encode(), form_token(request, seed=known).encode()):
        raise Malformed(("form", "belongs to another session. Load the page again"), status=400)


def _known_seed(request: ShopRequest) -> str | None:
    found = cookies.read(request, SESSION) or cookies.read(request, VISIT) or ""
    return found if _SEED.fullmatch(found) else None


def _own_origins(request: ShopRequest) -> tuple[bytes, ...]:
    origin = request.settings.origin
    if origin:
        return (origin.encode(),)
    # Nobody said what our address is: the browser's word for it, whether a proxy ends TLS or not.
    hosts = request.given(b"host")
    return (b"http://" + hosts[0], b"https://" + hosts[0]) if len(hosts) == 1 else ()
