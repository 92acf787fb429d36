"""`/office/audit`: whether the books are right, tried when somebody asks."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.users import Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.operations import audit
from tuckshop.web.ui import forms, rooms


@get("/office/audit")
async def show(request: ShopRequest) -> Response[Any]:
    """What was found last, and a button."""
    member = await rooms.member(request, Role.ADMIN)
    last = await audit.last(request.shop.engine)
    return rooms.page(request, "office/audit.html", member=member, last=last, report=None)


@post("/office/audit", status_code=200)
async def run(request: ShopRequest) -> Response[Any]:
    """Every rule, tried on one instant of the books. It changes nothing: loaded again, it is tried again."""
    member = await rooms.member(request, Role.ADMIN)
    await forms.read(request)
    report = await audit.audit_and_record(
        request.shop.engine, now_us=request.shop.clock(), actor_id=member.user_id
    )
    last = await audit.last(request.shop.engine)
    return rooms.page(request, "office/audit.html", member=member, last=last, report=report)


HANDLERS = (show, run)
