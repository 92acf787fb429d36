"""`/account/profile`: name, address and password; taking along all that is known; going for good."""

from __future__ import annotations

import asyncio
from typing import Any

from tuckshop.domain.refusals import (
    BadCredentials,
    EmailTaken,
    NameTaken,
    NameTooSimilar,
    Refusal,
)
from tuckshop.domain.users import EMAIL_LENGTH_MAX, USERNAME_LENGTH_MAX, name_key
from tuckshop.http import browser_login, data_export, downloads
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import users
from tuckshop.queries import data_export as data_export_queries
from tuckshop.queries import wallet
from tuckshop.till.commands.users import CloseUser
from tuckshop.web.ui import confirming, flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.entrance import check_again
from tuckshop.web.ui.rooms import SignedInUser


@get("/account/profile")
async def show(request: ShopRequest) -> Response[Any]:
    """Three forms, and a download."""
    return await _shown(request, await rooms.member(request))


@post("/account/profile", status_code=303)
async def change(request: ShopRequest) -> Response[Any]:
    """Another name or address; the address needs a log-in or confirmation of the last 10 minutes."""
    member = await rooms.member(request)
    posted = await forms.read(request, "username", "email")
    form = BoundForm(request, posted)
    username = form.text("username", length_max=USERNAME_LENGTH_MAX)
    email = form.text("email", length_max=EMAIL_LENGTH_MAX, needed=False)
    if form.is_wrong:
        return await _shown(request, member, profile=form)
    is_new = email != (member.user.email or "")
    if is_new and (asking := await confirming.asked(request, member)) is not None:
        return asking
    try:
        await users.change(request.shop, user_id=member.user_id, username=username, email=email or None)
    except Refusal as refusal:
        form.refuse(refusal, beside={NameTaken: "username", NameTooSimilar: "username", EmailTaken: "email"})
        return await _shown(request, member, profile=form)
    return _done(request, i18n.of(request).gettext("Saved."))


@post("/account/password", status_code=303)
async def change_password(request: ShopRequest) -> Response[Any]:
    """A new password: every other session ends, and this one goes on under the new one."""
    member = await rooms.member(request)
    posted = await forms.read(request, "current_password", "password", "again", forms.TOKEN)
    form = BoundForm(request, posted)
    if not posted["current_password"]:
        form.miss("current_password")
    check_again(form, "password")
    if form.is_wrong:
        return await _shown(request, member, secret=form)
    try:
        user = await users.change(
            request.shop,
            user_id=member.user_id,
            password=posted["password"],
            current_password=posted["current_password"],
            address=request.address,
        )
    except BadCredentials:
        form.tell("current_password", form.words.gettext("That is not your current password."))
        return await _shown(request, member, secret=form)
    except Refusal as refusal:
        form.refuse(refusal)
        return await _shown(request, member, secret=form)
    entered = await browser_login.log_in(
        request, username=user.username, password=posted["password"], form_token=posted[forms.TOKEN]
    )
    response = _done(
        request, i18n.of(request).gettext("Your password is changed. All your other sessions have ended.")
    )
    browser_login.keep(response, request, entered)
    return response


@get("/account/profile/file")
async def take_along(request: ShopRequest) -> Response[Any]:
    """All that the shop keeps about somebody."""
    member = await rooms.member(request)
    found = await data_export_queries.collect(request.shop, user_id=member.user_id)
    return await asyncio.to_thread(downloads.document, data_export.readable(found), "my-data")


@post("/account/close", status_code=303)
async def close(request: ShopRequest) -> Response[Any]:
    """Gone for good, once the own name was typed."""
    member = await rooms.member(request)
    posted = await forms.read(request, "key", "name")
    form = BoundForm(request, posted)
    if name_key(posted["name"].strip()) != name_key(member.user.username):
        form.tell("name", form.words.gettext("Enter your own username."))
        return await _shown(request, member, closing=form)
    try:
        await forms.execute(request, CloseUser(member.caller, member.user_id), posted)
    except Refusal as refusal:
        form.refuse(refusal)
        return await _shown(request, member, closing=form)
    response = forms.to_page("/login")
    browser_login.forget(response, request)
    flash.leave(response, request, i18n.of(request).gettext("Your user account is closed."))
    return response


HANDLERS = (show, change, change_password, take_along, close)


def _done(request: ShopRequest, sentence: str) -> Response[Any]:
    response = forms.to_page("/account/profile")
    flash.leave(response, request, sentence)
    return response


async def _shown(
    request: ShopRequest,
    member: SignedInUser,
    *,
    profile: BoundForm | None = None,
    secret: BoundForm | None = None,
    closing: BoundForm | None = None,
) -> Response[Any]:
    wrong = next((form for form in (profile, secret, closing) if form is not None), None)
    said = {"username": member.user.username, "email": member.user.email or ""}
    return rooms.page(
        request,
        "account/profile.html",
        member=member,
        status=200 if wrong is None else wrong.status,
        profile=profile or BoundForm(request, said),
        secret=secret or BoundForm(request),
        closing=closing or BoundForm(request),
        held=await wallet.balance(request.shop, user_id=member.user_id),
        key=closing.typed["key"] if closing is not None else forms.new_key(),
    )
