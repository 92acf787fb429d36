"""/v1/audit: whether the books are right."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.refusals import RoleMissing
from tuckshop.domain.users import Role
from tuckshop.http.fields import ResponseBody
from tuckshop.http.handlers import Router, describe, get
from tuckshop.http.request import ShopRequest
from tuckshop.identity import sessions
from tuckshop.operations import audit


class CheckResponse(ResponseBody):
    """One check: how many rows break it, and the first of them."""

    name: str
    problem_count: int
    problems: list[dict[str, Any]]


class AuditResponse(ResponseBody):
    """The result of every check."""

    clean: bool
    checks: list[CheckResponse]


@get("/", summary="Run an audit", operation=describe("auditBooks", RoleMissing))
async def show(request: ShopRequest) -> AuditResponse:
    """Checks every balance, coin box, shelf, order and refund against its movements. Admins only."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    actor.require(Role.ADMIN)
    shop = request.shop
    report = await audit.audit_and_record(shop.engine, now_us=shop.clock(), actor_id=actor.user_id)
    return AuditResponse(
        clean=report.clean,
        checks=[
            CheckResponse(
                name=check.name,
                problem_count=check.problem_count,
                problems=[dict(row) for row in check.problems],
            )
            for check in report.checks
        ],
    )


router = Router("/audit", [show])
