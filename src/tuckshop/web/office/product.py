"""`/office/products/{product}`: any product, on the page that `web.goods` has for it."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.users import Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.web.ui import product_page as goods
from tuckshop.web.ui import rooms, uploads
from tuckshop.web.ui.product_page import Seen
from tuckshop.web.ui.rooms import Number


@get("/office/products/{product:str}")
async def show(request: Call, product: Number) -> Response[Any]:
    """All of it; cashiers look."""
    return await goods.shown(request, await _any(request, product, Role.CASHIER, Role.ADMIN))


@post("/office/products/{product:str}", status_code=303)
async def change(request: Call, product: Number) -> Response[Any]:
    """What is said of it."""
    return await goods.change(request, (await _any(request, product, Role.ADMIN)).on_sale)


@post(
    "/office/products/{product:str}/picture",
    status_code=303,
    body_bytes_max=uploads.PICTURE_BODY_BYTES_MAX,
)
async def put_picture(request: Call, product: Number) -> Response[Any]:
    """Shown from now on."""
    return await goods.put_picture(request, (await _any(request, product, Role.ADMIN)).on_sale)


@post("/office/products/{product:str}/picture/remove", status_code=303)
async def remove_picture(request: Call, product: Number) -> Response[Any]:
    """None is shown any more."""
    return await goods.remove_picture(request, (await _any(request, product, Role.ADMIN)).on_sale)


@post("/office/products/{product:str}/stock", status_code=303)
async def stock(request: Call, product: Number) -> Response[Any]:
    """Pieces that came, or that were counted."""
    return await goods.stock(request, (await _any(request, product, Role.ADMIN)).on_sale)


@get("/office/products/{product:str}/remove")
async def ask_to_remove(request: Call, product: Number) -> Response[Any]:
    """Whether that is meant."""
    return await goods.ask_to_remove(request, (await _any(request, product, Role.ADMIN)).on_sale)


@post("/office/products/{product:str}/remove", status_code=303)
async def remove(request: Call, product: Number) -> Response[Any]:
    """Off sale."""
    return await goods.remove(request, await _any(request, product, Role.ADMIN))


HANDLERS = (show, change, put_picture, remove_picture, stock, ask_to_remove, remove)


async def _any(request: Call, product: str, *roles: Role) -> Seen:
    member = await rooms.member(request, *roles)
    return await goods.look(
        request, product, room="office", member=member, seller_id=None, may_change=member.is_admin
    )
