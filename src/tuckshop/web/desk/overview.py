"""`/desk`: what a seller wants to know first."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from tuckshop.domain.accounts import Role
from tuckshop.http.calls import Call
from tuckshop.web import rooms


@get("/desk")
async def show(request: Call) -> Response[Any]:
    """The first page."""
    member = await rooms.member(request, Role.SELLER)
    return rooms.page(request, "desk/overview.html", member=member)


HANDLERS = (show,)
