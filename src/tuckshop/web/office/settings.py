"""`/office/settings`: what is set, and where it comes from; changed where the server is started."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from tuckshop.domain.accounts import Role
from tuckshop.http.calls import Call
from tuckshop.settings import Settings
from tuckshop.web import rooms


@get("/office/settings")
async def show(request: Call) -> Response[Any]:
    """Every setting in force, without secrets."""
    member = await rooms.member(request, Role.ADMIN)
    given = request.settings
    usual = Settings().shown()
    return rooms.page(
        request,
        "office/settings.html",
        member=member,
        settings=[(name, value, value != usual[name]) for name, value in given.shown().items()],
    )


HANDLERS = (show,)
