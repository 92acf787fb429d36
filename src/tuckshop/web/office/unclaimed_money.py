"""`/office/left-behind`: unclaimed money of guests, and what was written off."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.users import Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.operations import guests as guest_operations
from tuckshop.queries import guests as guest_queries
from tuckshop.web.ui import flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import SignedInUser

PAGE = 50
DAYS_MAX = 36_500
USUAL_DAYS = "90"  # A season: whoever was to come back has.


@get("/office/left-behind")
async def show(request: ShopRequest) -> Response[Any]:
    """Guests with money that nothing has moved for so many days."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    look = BoundForm(request, {"days": request.query_params.get("days", "0")})
    return await _shown(request, member, look, BoundForm(request, {"days": USUAL_DAYS}))


@post("/office/left-behind", status_code=303)
async def sweep(request: ShopRequest) -> Response[Any]:
    """Writes off what was not used for so long. Done once more, it finds nothing."""
    member = await rooms.member(request, Role.ADMIN)
    form = BoundForm(request, await forms.read(request, "days"))
    days = form.whole("days", least=1, most=DAYS_MAX)
    if form.is_wrong:
        return await _shown(request, member, BoundForm(request, {"days": "0"}), form)
    closed = await guest_operations.write_off(request.shop, caller=member.caller, days=days)
    words = i18n.of(request)
    amount = words.money(sum(one.amount_cents for one in closed), request.shop.currency)
    response = forms.to_page("/office/unclaimed")
    flash.leave(
        response,
        request,
        words.gettext("Wallets closed: %(count)s. %(amount)s written off.", count=len(closed), amount=amount),
    )
    return response


@get("/office/unclaimed")
async def unclaimed(request: ShopRequest) -> Response[Any]:
    """What was written off, newest first."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    before_id = rooms.before(request)
    found = await guest_queries.written_off(
        request.shop, actor=member.actor, before_id=before_id, limit=PAGE + 1
    )
    return rooms.page(
        request,
        "office/written_off.html",
        member=member,
        found=found[:PAGE],
        before=found[PAGE - 1].transfer_id if len(found) > PAGE else None,
    )


HANDLERS = (show, sweep, unclaimed)


async def _shown(
    request: ShopRequest, member: SignedInUser, look: BoundForm, form: BoundForm
) -> Response[Any]:
    days = look.whole("days", most=DAYS_MAX)
    found = await guest_queries.unclaimed(
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
