"""/health: for load balancers and supervisors."""

from __future__ import annotations

from litestar import Router, get

from tuckshop.api.requests import Shown


class HealthShown(Shown):
    """How the process is."""

    status: str


@get("/live", summary="Is the process up?", security=[{}])
async def live() -> HealthShown:
    """200 as long as the process answers."""
    return HealthShown(status="live")


router = Router(path="/health", route_handlers=[live], tags=["health"])
