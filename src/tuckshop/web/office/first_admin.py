"""`/office/first`: the first admin of a new shop, by the code that the server has printed."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException

from tuckshop.domain.refusals import (
    NameTaken,
    NameTooSimilar,
    Refusal,
)
from tuckshop.domain.users import USERNAME_LENGTH_MAX
from tuckshop.http import browser_login
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import first_admin
from tuckshop.web.ui import forms, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.entrance import check_again

CODE_LENGTH_MAX = 100  # Spaces and all.


@get("/office/first")
async def show(request: ShopRequest) -> Response[Any]:
    """The code, a name and a password, please."""
    await _code_hash(request)
    return _shown(request, BoundForm(request, {"code": "", "username": ""}))


@post("/office/first", status_code=303)
async def make(request: ShopRequest) -> Response[Any]:
    """An admin, who is logged in at once."""
    code_hash = await _code_hash(request)
    posted = await forms.read(request, "code", "username", "password", "again", forms.TOKEN)
    form = BoundForm(request, posted)
    code = form.text("code", length_max=CODE_LENGTH_MAX)
    username = form.text("username", length_max=USERNAME_LENGTH_MAX)
    check_again(form, "password")
    if form.is_wrong:
        return _shown(request, form)
    try:
        await first_admin.make(
            request.shop,
            code=code,
            code_hash=code_hash,
            username=username,
            password=posted["password"],
            address=request.address,
        )
    except Refusal as refusal:
        form.refuse(refusal, beside={NameTaken: "username", NameTooSimilar: "username"})
        return _shown(request, form)
    entered = await browser_login.log_in(
        request, username=username, password=posted["password"], form_token=posted[forms.TOKEN]
    )
    response = forms.to_page("/office")
    browser_login.keep(response, request, entered)
    return response


HANDLERS = (
    show,
    make,
)


async def _code_hash(request: ShopRequest) -> str:
    """Raises HTTPException unless the shop still waits for its first admin."""
    settings = request.settings
    if not settings.first_code_hash or not await first_admin.is_missing(request.shop.engine):
        raise HTTPException(404)
    return settings.first_code_hash


def _shown(request: ShopRequest, form: BoundForm) -> Response[Any]:
    return rooms.page(
        request, "office/first_admin.html", status=form.status if form.is_wrong else 200, form=form
    )
