"""/health: for load balancers and supervisors."""

from __future__ import annotations

from tuckshop.http.fields import ResponseBody
from tuckshop.http.handlers import Router, describe, get
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.operations import shop_state


class HealthResponse(ResponseBody):
    """The status of the process."""

    status: str


@get("/live", summary="Liveness check", operation=describe("isLive", login="none"))
async def live(request: ShopRequest) -> HealthResponse:
    """Returns 200 while the process runs."""
    return HealthResponse(status="live")


@get(
    "/ready",
    summary="Readiness check",
    operation=describe(
        "isReady", login="none", also={503: "The database does not respond, or the server is stopping"}
    ),
)
async def ready(request: ShopRequest) -> Response[HealthResponse]:
    """Returns 200 when the database responds, otherwise 503. Also 503 while the server is stopping."""
    if request.events.closing:
        return Response(HealthResponse(status="closing"), status_code=503)
    if await shop_state.answers(request.shop.engine):
        return Response(HealthResponse(status="ready"))
    return Response(HealthResponse(status="database away"), status_code=503)


router = Router("/health", [live, ready])
