"""`/account/second-factor`: a code of an app at every log-in, beside the password."""

from __future__ import annotations

from typing import Any

import segno
from markupsafe import Markup

from tuckshop.domain.refusals import Refusal, SecondFactorWrong
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import second_factor
from tuckshop.identity.second_factor import CODE_LENGTH_MAX
from tuckshop.web.ui import confirming, error_pages, flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import SignedInUser

_PAGE = "/account/second-factor"


@get(_PAGE)
async def show(request: ShopRequest) -> Response[Any]:
    """Whether it is on, and what can be done about it."""
    member = await rooms.member(request)
    return rooms.page(
        request,
        "account/second_factor.html",
        member=member,
        state=await second_factor.state(request.shop, user_id=member.user_id),
        is_required=request.shop.till.policy.staff_second_factor and member.is_staff,
    )


@post(_PAGE, status_code=200)
async def begin(request: ShopRequest) -> Response[Any]:
    """A new secret, for an app to scan; nothing is changed until it has sent a code."""
    member = await rooms.member(request)
    if (asking := await confirming.asked(request, member)) is not None:
        return asking
    await forms.read(request)
    shop = request.shop
    try:
        made = await second_factor.begin(shop, user_id=member.user_id, issuer=request.settings.shop_name)
    except Refusal as refusal:
        return _refused(request, refusal)
    return _set_up(request, member, made, BoundForm(request, {"code": ""}))


@post(f"{_PAGE}/enable", status_code=200)
async def enable(request: ShopRequest) -> Response[Any]:
    """On, once the app has sent a code. The recovery codes stand in this answer alone."""
    member = await rooms.member(request)
    if (asking := await confirming.asked(request, member)) is not None:
        return asking
    form = BoundForm(request, await forms.read(request, "code"))
    shop, code = request.shop, form.text("code", length_max=CODE_LENGTH_MAX)
    try:
        if form.is_wrong:
            raise SecondFactorWrong
        codes = await second_factor.turn_on(shop, user_id=member.user_id, code=code)
    except SecondFactorWrong as refusal:
        form.refuse(refusal, beside={SecondFactorWrong: "code"})
    except Refusal as refusal:
        return _refused(request, refusal)
    else:
        return rooms.page(request, "account/recovery_codes.html", member=member, codes=codes)
    begun = await second_factor.begun(shop, user_id=member.user_id, issuer=request.settings.shop_name)
    return forms.to_page(_PAGE) if begun is None else _set_up(request, member, begun, form)


@post(f"{_PAGE}/codes", status_code=200)
async def renew_codes(request: ShopRequest) -> Response[Any]:
    """Other recovery codes. They stand in this answer alone."""
    member = await rooms.member(request)
    if (asking := await confirming.asked(request, member)) is not None:
        return asking
    await forms.read(request)
    try:
        codes = await second_factor.renew_codes(request.shop, user_id=member.user_id)
    except Refusal as refusal:
        return _refused(request, refusal)
    return rooms.page(request, "account/recovery_codes.html", member=member, codes=codes)


@post(f"{_PAGE}/off", status_code=303)
async def turn_off(request: ShopRequest) -> Response[Any]:
    """The password alone, from now on."""
    member = await rooms.member(request)
    if (asking := await confirming.asked(request, member)) is not None:
        return asking
    await forms.read(request)
    try:
        await second_factor.turn_off(request.shop, user_id=member.user_id)
    except Refusal as refusal:
        return _refused(request, refusal)
    response = forms.to_page(_PAGE)
    flash.leave(response, request, i18n.of(request).gettext("The second step is off."))
    return response


HANDLERS = (show, begin, enable, renew_codes, turn_off)


def _set_up(
    request: ShopRequest, member: SignedInUser, made: second_factor.SetUp, form: BoundForm
) -> Response[Any]:
    # Drawn here: no other site is told the secret. Dark on white in every scheme, or no camera reads it.
    drawn = segno.make_qr(made.uri, error="m").svg_inline(omitsize=True, dark="#000", light="#fff")
    return rooms.page(
        request,
        "account/second_factor_set_up.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        secret=" ".join(made.secret[start : start + 4] for start in range(0, len(made.secret), 4)),
        code_to_scan=Markup(drawn),  # noqa: S704  # Of our own making: nothing of it was typed by anybody.
    )


def _refused(request: ShopRequest, refusal: Refusal) -> Response[Any]:
    response = forms.to_page(_PAGE)
    error_pages.leave(response, request, refusal)
    return response
