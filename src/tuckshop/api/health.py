"""/health: for load balancers and supervisors."""

from __future__ import annotations

from typing import Any

from tuckshop.api.problems import PROBLEMS
from tuckshop.http.fields import ResponseBody
from tuckshop.http.handlers import Router, describe, get
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.operations import readiness

RETRY_SECONDS = "5"
STOPPING = "stopping"  # The one cause that is no trouble of the database: those are `troubles.Cause`.


class HealthResponse(ResponseBody):
    """The status of the process."""

    status: str


@get("/live", summary="Liveness check", operation=describe("isLive", login="none"))
async def live(request: ShopRequest) -> HealthResponse:
    """Returns 200 while the process runs."""
    return HealthResponse(status="live")


@get("/ready", summary="Readiness check", operation=describe("isReady", login="none"))
async def ready(request: ShopRequest) -> Response[HealthResponse]:
    """Returns 200 when the shop can sell: the database is there, current and durable, and takes writes.

    Otherwise 503 with a `cause`, such as `disk-full` or `database-read-only`, or `stopping` while the server
    stops. The log says what to do.
    """
    if request.events.closing:
        return _not_ready(STOPPING)
    trouble = await readiness.look(request.shop, unsafe_durability=request.settings.unsafe_durability)
    if trouble is not None:
        return _not_ready(trouble.cause.value)
    return Response(HealthResponse(status="ready"))


def _not_ready(cause: str) -> Response[Any]:
    return PROBLEMS.problem_response(
        503,
        "Unavailable",
        detail="The shop cannot sell at the moment. Its log says what to do.",
        headers={"Retry-After": RETRY_SECONDS},
        more={"cause": cause},
    )


router = Router("/health", [live, ready])
