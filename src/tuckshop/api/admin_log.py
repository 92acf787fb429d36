"""/v1/admin-log: what admins, cashiers and the operator did."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from tuckshop.api.requests import Cursor, Limit, Page, admin_looking, cursor_id, cursor_of
from tuckshop.domain.refusals import RoleMissing
from tuckshop.http.fields import Moment, ResponseBody, moment
from tuckshop.http.handlers import Router, describe, get
from tuckshop.http.request import ShopRequest
from tuckshop.queries import admin_log

Reads = Annotated[
    Literal["true", "false"],
    msgspec.Meta(description="`true`: also what was looked at; `false`: changes only."),
]


class AdminLogLineResponse(ResponseBody):
    """One change; `actor` is null for the operator at the command line."""

    id: int
    actor: int | None
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    created_at: Moment


class AdminLogResponse(Page):
    """A page of the log."""

    items: list[AdminLogLineResponse]


@get(
    "/",
    summary="List the admin log",
    operation=describe("listAdminLog", RoleMissing),
)
async def index(
    request: ShopRequest, limit: Limit = 50, cursor: Cursor | None = None, reads: Reads | None = None
) -> AdminLogResponse:
    """Changes by admins, cashiers and the operator, newest first. Admins only.

    With `reads`, also what they looked at that is not for others.
    """
    await admin_looking(request)
    found = await admin_log.page(
        request.shop, before_id=cursor_id(cursor), limit=limit + 1, with_reads=reads == "true"
    )
    items = [
        AdminLogLineResponse(
            id=line.id,
            actor=line.actor_id,
            action=line.action,
            subject=line.subject,
            before=line.before,
            after=line.after,
            created_at=moment(line.created_us),
        )
        for line in found[:limit]
    ]
    return AdminLogResponse(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


router = Router("/admin-log", [index])
