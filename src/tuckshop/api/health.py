"""/health: for load balancers and supervisors."""

from __future__ import annotations

from tuckshop.http.fields import Shown
from tuckshop.http.handlers import Router, get, told
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.operations import shop_state as shopkeeping


class HealthShown(Shown):
    """How the process is."""

    status: str


@get("/live", summary="Is the process up?", operation=told("isLive", login="none"))
async def live(request: Call) -> HealthShown:
    """200 as long as the process answers."""
    return HealthShown(status="live")


@get(
    "/ready",
    summary="Can it sell?",
    operation=told(
        "isReady", login="none", also={503: "The database does not answer, or the shop is closing"}
    ),
)
async def ready(request: Call) -> Response[HealthShown]:
    """200 when the database answers; 503 otherwise, and while the shop is closing."""
    if request.events.closing:
        return Response(HealthShown(status="closing"), status_code=503)
    if await shopkeeping.answers(request.shop.engine):
        return Response(HealthShown(status="ready"))
    return Response(HealthShown(status="database away"), status_code=503)


router = Router("/health", [live, ready])
