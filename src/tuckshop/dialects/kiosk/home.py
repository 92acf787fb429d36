"""Where a person who opens the kiosk's own address finds the shop."""

from __future__ import annotations

from starlette.responses import RedirectResponse

from tuckshop.http.handlers import get
from tuckshop.http.request import Call

ROOM = "/docs"


@get("/")
async def front(request: Call) -> RedirectResponse:
    """Whoever opens the address alone is shown what there is."""
    return RedirectResponse(ROOM, 302)
