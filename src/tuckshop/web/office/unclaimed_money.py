"""`/office/left-behind`: guests' money that nobody came back for, and what went to nobody."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.users import Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.identity import guests
from tuckshop.web.ui import flash as notices
from tuckshop.web.ui import forms, rooms
from tuckshop.web.ui import i18n as texts
from tuckshop.web.ui.bound_form import Filled
from tuckshop.web.ui.rooms import Member

PAGE = 50
DAYS_MAX = 36_500
USUAL_DAYS = "90"  # A season: whoever was to come back has.


@get("/office/left-behind")
async def show(request: Call) -> Response[Any]:
    """Guests with money that nothing has moved for so many days."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    look = Filled(request, {"days": request.query_params.get("days", "0")})
    return await _shown(request, member, look, Filled(request, {"days": USUAL_DAYS}))


@post("/office/left-behind", status_code=303)
async def sweep(request: Call) -> Response[Any]:
    """What was left behind so long ago, to nobody. Done once more, it finds nothing."""
    member = await rooms.member(request, Role.ADMIN)
    form = Filled(request, await forms.read(request, "days"))
    days = form.whole("days", least=1, most=DAYS_MAX)
    if form.is_wrong:
        return await _shown(request, member, Filled(request, {"days": "0"}), form)
    closed = await guests.close_left_behind(request.shop, caller=member.caller, days=days)
    words = texts.of(request)
    amount = words.money(sum(one.amount_cents for one in closed), request.shop.currency)
    response = forms.to_page("/office/unclaimed")
    notices.leave(
        response,
        request,
        words.gettext(
            "Wallets closed: %(count)s. %(amount)s went to nobody.", count=len(closed), amount=amount
        ),
    )
    return response


@get("/office/unclaimed")
async def unclaimed(request: Call) -> Response[Any]:
    """What went to nobody, the newest first."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    before_id = rooms.before(request)
    found = await guests.unclaimed(request.shop, actor=member.actor, before_id=before_id, limit=PAGE + 1)
    return rooms.page(
        request,
        "office/written_off.html",
        member=member,
        found=found[:PAGE],
        before=found[PAGE - 1].transfer_id if len(found) > PAGE else None,
    )


HANDLERS = (show, sweep, unclaimed)


async def _shown(request: Call, member: Member, look: Filled, form: Filled) -> Response[Any]:
    days = look.whole("days", most=DAYS_MAX)
    found = await guests.left_behind(
        request.shop, actor=member.actor, days=days, after_id=rooms.after(request), limit=PAGE + 1
    )
    return rooms.page(
        request,
        "office/unclaimed_money.html",
        member=member,
        status=422 if form.is_wrong or look.is_wrong else 200,
        look=look,
        days=days,
        form=form,
        found=found[:PAGE],
        after=found[PAGE - 1].guest_id if len(found) > PAGE else None,
    )
