"""`/office/audit`: whether the books are right, tried when somebody asks; `/office/log`: who did what."""

from __future__ import annotations

import json
from typing import Any

from litestar import Response, get, post

from tuckshop.domain.accounts import Role
from tuckshop.http.calls import Call
from tuckshop.services import admin_log, audit
from tuckshop.web import forms, rooms

PAGE = 25


@get("/office/audit")
async def show(request: Call) -> Response[Any]:
    """What was found last, and a button."""
    member = await rooms.member(request, Role.ADMIN)
    last = await audit.last(request.shop.engine)
    return rooms.page(request, "office/audit.html", member=member, last=last, report=None)


@post("/office/audit", status_code=200)
async def run(request: Call) -> Response[Any]:
    """Every rule, tried on one instant of the books. It changes nothing: loaded again, it is tried again."""
    member = await rooms.member(request, Role.ADMIN)
    await forms.read(request)
    report = await audit.audit_and_record(request.shop.engine, now_us=request.shop.clock())
    last = await audit.last(request.shop.engine)
    return rooms.page(request, "office/audit.html", member=member, last=last, report=report)


@get("/office/log")
async def show_log(request: Call) -> Response[Any]:
    """What admins, cashiers and the operator did, the newest first."""
    member = await rooms.member(request, Role.ADMIN)
    before_id = rooms.before(request)
    found = await admin_log.page(request.shop, before_id=before_id, limit=PAGE + 1)
    return rooms.page(
        request,
        "office/log.html",
        member=member,
        lines=found[:PAGE],
        names=await admin_log.actors(request.shop, lines=found),
        written=_written,
        before=found[PAGE - 1].id if len(found) > PAGE else None,
        is_first=before_id is None,
    )


HANDLERS = (
    show,
    run,
    show_log,
)


def _written(facts: dict[str, Any] | None) -> str:
    """The facts of a line, as people can read them."""
    if not facts:
        return "–"
    return ", ".join(f"{name}: {_value(value)}" for name, value in facts.items())


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
