"""`/account`: the wallet, what is owed, what was bought last."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from tuckshop.http.calls import Call
from tuckshop.services import wallet
from tuckshop.web import rooms


@get("/account")
async def show(request: Call) -> Response[Any]:
    """What somebody wants to know first."""
    member = await rooms.member(request)
    held = await wallet.balance(request.shop, user_id=member.user_id)
    return rooms.page(request, "account/overview.html", member=member, held=held)


HANDLERS = (show,)
