"""`/account`: the wallet, what is owed, what was bought last."""

from __future__ import annotations

from typing import Any

from tuckshop.http.handlers import get
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.queries import orders, wallet
from tuckshop.queries import pictures as picture_queries
from tuckshop.web.ui import forms, rooms

ORDERS_SHOWN = 5


@get("/account")
async def show(request: Call) -> Response[Any]:
    """What somebody wants to know first."""
    member = await rooms.member(request)
    bought = await orders.page(request.shop, actor=member.actor, limit=ORDERS_SHOWN)
    back = await orders.returnable(
        request.shop, buyer_id=member.user_id, order_ids=[order.order_id for order in bought]
    )
    return rooms.page(
        request,
        "account/overview.html",
        member=member,
        held=await wallet.balance(request.shop, user_id=member.user_id),
        orders=bought,
        returnable=back,
        images=await picture_queries.of_orders(request.shop, orders=bought),
        key=forms.new_key(),
    )


HANDLERS = (show,)
