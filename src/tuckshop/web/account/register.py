"""`/register`: becoming a buyer, a seller or both, as far as registration is open."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tuckshop.domain.refusals import (
    BadCredentials,
    EmailTaken,
    NameTaken,
    NameTooSimilar,
    Refusal,
    RegistrationClosed,
    TooManyTries,
)
from tuckshop.domain.users import EMAIL_LENGTH_MAX, USERNAME_LENGTH_MAX, UserState
from tuckshop.http import browser_login
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import registration
from tuckshop.identity.browser_sessions import BrowserSession
from tuckshop.web.ui import forms, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.entrance import ROLES, back_from, check_again, offered

_BESIDE: dict[type[Refusal], str] = {
    NameTaken: "username",
    NameTooSimilar: "username",
    EmailTaken: "email",
    RegistrationClosed: "roles",
}


@get("/register")
async def show(request: ShopRequest) -> Response[Any]:
    """The roles that can register, and the form."""
    typed = {"username": "", "email": "", "roles": next(iter(offered(request)), "")}
    return _shown(request, BoundForm(request, typed), request.query_params.get("next", ""))


@post("/register", status_code=303)
async def register(request: ShopRequest) -> Response[Any]:
    """A new user, who is logged in at once; or waits for an admin."""
    posted = await forms.read(request, "username", "email", "password", "again", "roles", "next", forms.TOKEN)
    settings = request.settings
    form = BoundForm(request, posted)
    username = form.text("username", length_max=USERNAME_LENGTH_MAX)
    email = form.text("email", length_max=EMAIL_LENGTH_MAX, needed=False)
    roles = ROLES[form.one_of("roles", ROLES)]
    check_again(form, "password")
    if form.is_wrong:
        return _shown(request, form, posted["next"])
    try:
        user = await registration.register(
            request.shop,
            username=username,
            email=email or None,
            password=posted["password"],
            roles=roles,
            buyers=settings.registration,
            sellers=settings.sellers_register,
            address=request.address,
            per_hour=settings.registrations_per_hour,
        )
    except Refusal as refusal:
        entered = await _entered(request, posted) if isinstance(refusal, NameTaken) else None
        if entered is not None:  # Pressed twice: the first time it has worked.
            return _logged_in(request, entered, posted["next"])
        form.refuse(refusal, beside=_BESIDE)
        return _shown(request, form, posted["next"])
    if user.state is UserState.PENDING:
        return forms.to_page("/register/waiting")
    entered = await _entered(request, posted)
    return forms.to_page("/login") if entered is None else _logged_in(request, entered, posted["next"])


@get("/register/waiting")
async def show_waiting(request: ShopRequest) -> Response[Any]:
    """For users whom an admin has to approve."""
    return rooms.page(request, "account/approval_pending.html")


HANDLERS = (show, register, show_waiting)


async def _entered(request: ShopRequest, posted: dict[str, str]) -> BrowserSession | None:
    with suppress(BadCredentials, TooManyTries):
        return await browser_login.log_in(
            request,
            username=posted["username"].strip(),
            password=posted["password"],
            form_token=posted[forms.TOKEN],
        )
    return None


def _logged_in(request: ShopRequest, entered: BrowserSession, back: str) -> Response[None]:
    response = forms.to_page(back_from(back))
    browser_login.keep(response, request, entered)
    return response


def _shown(request: ShopRequest, form: BoundForm, back: str) -> Response[Any]:
    return rooms.page(
        request,
        "account/register.html",
        status=form.status if form.is_wrong else 200,
        form=form,
        offered=offered(request),
        back=back_from(back),
    )
