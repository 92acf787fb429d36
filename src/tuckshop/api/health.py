"""/health: for load balancers and supervisors."""

from __future__ import annotations

from tuckshop.http.fields import ResponseBody
from tuckshop.http.handlers import Router, describe, get
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.operations import shop_state


class HealthResponse(ResponseBody):
    """How the process is."""

    status: str


@get("/live", summary="Liveness check", operation=describe("isLive", login="none"))
async def live(request: ShopRequest) -> HealthResponse:
    """200 while the process runs."""
    return HealthResponse(status="live")


@get(
    "/ready",
    summary="Can it sell?",
    operation=describe(
        "isReady", login="none", also={503: "The database does not answer, or the shop is closing"}
    ),
)
async def ready(request: ShopRequest) -> Response[HealthResponse]:
    """200 when the database answers; 503 otherwise, and while the shop is closing."""
    if request.events.closing:
        return Response(HealthResponse(status="closing"), status_code=503)
    if await shop_state.answers(request.shop.engine):
        return Response(HealthResponse(status="ready"))
    return Response(HealthResponse(status="database away"), status_code=503)


router = Router("/health", [live, ready])
