"""Where a person who opens the kiosk's own address finds the shop."""

from __future__ import annotations

from litestar import get
from litestar.response import Redirect

from tuckshop.http.request import Call

ROOM = "/docs"


@get("/", sync_to_thread=False)
def front(request: Call) -> Redirect:
    """Whoever opens the address alone is shown what there is."""
    return Redirect(ROOM)
