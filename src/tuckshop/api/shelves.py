"""/v1/machines/{id}/shelves: what is where, and moving it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.requests import Cursor, Limit, Page, cursor_id, cursor_of, respond
from tuckshop.domain.machines import SHELVES_MAX, SLOT_LENGTH_MAX, ShelfPlan
from tuckshop.domain.products import QUANTITY_MAX
from tuckshop.domain.refusals import (
    InvalidField,
    NotOwner,
    OutOfStock,
    RoleMissing,
    SellerNotInvited,
    StockTooLarge,
    UnknownMachine,
    UnknownProduct,
)
from tuckshop.http.fields import Id, PathId, Pieces, Price, Reason, ResponseBody, name_meta
from tuckshop.http.handlers import Router, describe, get, post, put
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import devices
from tuckshop.queries import machines
from tuckshop.till.commands.machines import MoveStock, SetShelves, ShelfRecord, ShelvesSet, StockMoved

Slot = Annotated[
    str,
    name_meta(SLOT_LENGTH_MAX, example="A1"),
]
Capacity = Annotated[int, msgspec.Meta(ge=1, le=QUANTITY_MAX)]
ParLevel = Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX)]


class ShelfBody(Body):
    """The planogram of one product's shelf. `price`: the price in this machine only."""

    product: Id
    slot: Slot | None = None
    capacity: Capacity | None = None
    par_level: ParLevel | None = None
    price: Price | None = None


class ShelvesBody(Body):
    """All shelves with a slot, a capacity, a refill level or a price of their own."""

    shelves: Annotated[list[ShelfBody], msgspec.Meta(max_length=SHELVES_MAX)]


class MoveStockBody(Body):
    """The pieces to move, and the machine that receives them."""

    product: Id
    quantity: Pieces
    to: Id
    reason: Reason | None = None


class ShelfResponse(ResponseBody):
    """A shelf of a machine. `price` null: the product's own price."""

    product: int
    name: str
    quantity: int
    slot: str | None
    capacity: int | None
    par_level: int | None
    price: int | None


class ShelvesResponse(Page):
    """A page of shelves."""

    items: list[ShelfResponse]


class StockMovedResponse(ResponseBody):
    """The stock of both machines."""

    product: int
    machine: int
    stock: int
    to: int
    to_stock: int


@get(
    "/{machine_id:int}/shelves",
    summary="A machine's shelves",
    operation=describe("listShelves", RoleMissing, NotOwner, UnknownMachine, login="attester"),
)
async def shelves(
    request: ShopRequest, machine_id: PathId, limit: Limit = 50, cursor: Cursor | None = None
) -> ShelvesResponse:
    """The shelves by product. Sellers, cashiers and admins; machines their own."""
    actor = await devices.attester(request.shop, caller=request.attester)
    found = await machines.shelves_of(
        request.shop,
        actor=actor,
        machine_id=machine_id,
        after_id=cursor_id(cursor) or 0,
        limit=limit + 1,
    )
    items = [_show_shelf(shelf) for shelf in found[:limit]]
    return ShelvesResponse(items=items, next=cursor_of(items[-1].product) if len(found) > limit else None)


@put(
    "/{machine_id:int}/shelves",
    summary="Set a machine's planogram",
    operation=describe(
        "setShelves",
        RoleMissing,
        UnknownMachine,
        UnknownProduct,
        InvalidField,
        keyed=True,
        body=ShelvesBody,
    ),
)
async def set_shelves(request: ShopRequest, machine_id: PathId) -> Response[ShelvesResponse]:
    """Replaces the whole planogram. Shelves that are left out keep only their stock. Admins only."""
    caller = request.caller
    data = await request.parsed(ShelvesBody)
    plans = tuple(
        ShelfPlan(shelf.product, shelf.slot, shelf.capacity, shelf.par_level, shelf.price)
        for shelf in data.shelves
    )
    outcome = await request.execute(SetShelves(caller, machine_id, plans))
    return respond(outcome, ShelvesSet, _show_shelves, status=200)


@post(
    "/{machine_id:int}/moves",
    status_code=200,
    summary="Move stock to another machine",
    operation=describe(
        "moveStock",
        UnknownProduct,
        NotOwner,
        UnknownMachine,
        InvalidField,
        OutOfStock,
        StockTooLarge,
        SellerNotInvited,
        keyed=True,
        body=MoveStockBody,
    ),
)
async def move(request: ShopRequest, machine_id: PathId) -> Response[StockMovedResponse]:
    """Moves pieces of your own product to another machine. Admins can move any product."""
    caller = request.caller
    data = await request.parsed(MoveStockBody)
    command = MoveStock(caller, machine_id, data.to, data.product, data.quantity, data.reason)
    return respond(await request.execute(command), StockMoved, _show_stock_moved, status=200)


def _show_shelf(shelf: ShelfRecord) -> ShelfResponse:
    return ShelfResponse(
        product=shelf.product_id,
        name=shelf.name,
        quantity=shelf.quantity,
        slot=shelf.slot,
        capacity=shelf.capacity,
        par_level=shelf.par_level,
        price=shelf.price_cents,
    )


def _show_shelves(receipt: ShelvesSet) -> ShelvesResponse:
    return ShelvesResponse(items=[_show_shelf(shelf) for shelf in receipt.shelves], next=None)


def _show_stock_moved(receipt: StockMoved) -> StockMovedResponse:
    return StockMovedResponse(
        product=receipt.product_id,
        machine=receipt.machine_id,
        stock=receipt.stock,
        to=receipt.target_id,
        to_stock=receipt.target_stock,
    )


router = Router("/machines", [shelves, set_shelves, move])
