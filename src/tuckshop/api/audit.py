"""/v1/audit: whether the books are right."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.refusals import RoleMissing
from tuckshop.domain.users import Role
from tuckshop.http.fields import Shown
from tuckshop.http.handlers import Router, get, told
from tuckshop.http.request import Call
from tuckshop.identity import sessions
from tuckshop.operations import audit


class CheckShown(Shown):
    """One check: how many rows break it, and the first of them."""

    name: str
    problem_count: int
    problems: list[dict[str, Any]]


class AuditShown(Shown):
    """Every check over one instant of the books."""

    clean: bool
    checks: list[CheckShown]


@get("/", summary="Audit the books", operation=told("auditBooks", RoleMissing))
async def show(request: Call) -> AuditShown:
    """Every balance, coin box, shelf, order and refund against its movements. Admins only."""
    (await sessions.actor(request.shop, caller=request.caller)).require(Role.ADMIN)
    report = await audit.audit_and_record(request.shop.engine, now_us=request.shop.clock())
    return AuditShown(
        clean=report.clean,
        checks=[
            CheckShown(
                name=check.name,
                problem_count=check.problem_count,
                problems=[dict(row) for row in check.problems],
            )
            for check in report.checks
        ],
    )


router = Router("/audit", [show])
