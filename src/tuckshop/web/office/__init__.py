"""The office: the whole shop, for those who run it."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from tuckshop.domain.accounts import Role
from tuckshop.http.calls import Call
from tuckshop.web import rooms
from tuckshop.web.office import boxes, counter, leftovers, machines, payouts, shelves, tabs, topups


@get("/office")
async def show(request: Call) -> Response[Any]:
    """The first page."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    return rooms.page(request, "office/overview.html", member=member)


HANDLERS = (
    show,
    *machines.HANDLERS,
    *shelves.HANDLERS,
    *boxes.HANDLERS,
    *payouts.HANDLERS,
    *topups.HANDLERS,
    *tabs.HANDLERS,
    *counter.HANDLERS,
    *leftovers.HANDLERS,
)
