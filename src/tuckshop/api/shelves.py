"""/v1/machines/{id}/shelves: what is where, and moving it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.requests import Cursor, Limit, Page, answered, cursor_id, cursor_of
from tuckshop.domain.machines import SHELVES_MAX, SLOT_LENGTH_MAX, ShelfPlan
from tuckshop.domain.products import QUANTITY_MAX
from tuckshop.domain.refusals import (
    InvalidField,
    NotOwner,
    OutOfStock,
    RoleMissing,
    StockTooLarge,
    UnknownMachine,
    UnknownProduct,
)
from tuckshop.http.fields import NAME_PATTERN, Id, PathId, Pieces, Price, Reason, Shown
from tuckshop.http.handlers import Router, get, post, put, told
from tuckshop.http.request import Body, Call
from tuckshop.http.response import Response
from tuckshop.identity import sessions
from tuckshop.queries import machines
from tuckshop.till.commands.machines import MoveStock, SetShelves, ShelfRecord, ShelvesSet, StockMoved

Slot = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=SLOT_LENGTH_MAX,
        examples=["A1"],
        extra_json_schema={"pattern": NAME_PATTERN},
    ),
]
Capacity = Annotated[int, msgspec.Meta(ge=1, le=QUANTITY_MAX)]
ParLevel = Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX)]


class ShelfBody(Body):
    """How a product's shelf is to stand. `price`: its own on this machine."""

    product: Id
    slot: Slot | None = None
    capacity: Capacity | None = None
    par_level: ParLevel | None = None
    price: Price | None = None


class ShelvesBody(Body):
    """All shelves that are to have a slot, a capacity, a par level or a price of their own."""

    shelves: Annotated[list[ShelfBody], msgspec.Meta(max_length=SHELVES_MAX)]


class MoveStockBody(Body):
    """So many pieces to another machine."""

    product: Id
    quantity: Pieces
    to: Id
    reason: Reason | None = None


class ShelfShown(Shown):
    """A shelf as it stands. `price` null: the product's own."""

    product: int
    name: str
    quantity: int
    slot: str | None
    capacity: int | None
    par_level: int | None
    price: int | None


class ShelvesShown(Page):
    """A page of shelves."""

    items: list[ShelfShown]


class StockMovedShown(Shown):
    """What is left here, and what is there now."""

    product: int
    machine: int
    stock: int
    to: int
    to_stock: int


@get(
    "/{machine_id:int}/shelves",
    summary="A machine's shelves",
    operation=told("listShelves", RoleMissing, UnknownMachine),
)
async def shelves(
    request: Call, machine_id: PathId, limit: Limit = 50, cursor: Cursor | None = None
) -> ShelvesShown:
    """What is where, by product. Sellers, cashiers and admins."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    found = await machines.shelves_of(
        request.shop,
        actor=actor,
        machine_id=machine_id,
        after_id=cursor_id(cursor) or 0,
        limit=limit + 1,
    )
    items = [_show_shelf(shelf) for shelf in found[:limit]]
    return ShelvesShown(items=items, next=cursor_of(items[-1].product) if len(found) > limit else None)


@put(
    "/{machine_id:int}/shelves",
    summary="Plan a machine's shelves",
    operation=told(
        "setShelves",
        RoleMissing,
        UnknownMachine,
        UnknownProduct,
        InvalidField,
        keyed=True,
        body=ShelvesBody,
    ),
)
async def set_shelves(request: Call, machine_id: PathId) -> Response[ShelvesShown]:
    """All or nothing. Shelves that are not named lose their plan and keep their pieces. Admins only."""
    caller = request.caller
    data = await request.parsed(ShelvesBody)
    plans = tuple(
        ShelfPlan(shelf.product, shelf.slot, shelf.capacity, shelf.par_level, shelf.price)
        for shelf in data.shelves
    )
    outcome = await request.settled(SetShelves(caller, machine_id, plans))
    return answered(outcome, ShelvesSet, _show_shelves, status=200)


@post(
    "/{machine_id:int}/moves",
    status_code=200,
    summary="Move stock to another machine",
    operation=told(
        "moveStock",
        UnknownProduct,
        NotOwner,
        UnknownMachine,
        InvalidField,
        OutOfStock,
        StockTooLarge,
        keyed=True,
        body=MoveStockBody,
    ),
)
async def move(request: Call, machine_id: PathId) -> Response[StockMovedShown]:
    """Pieces of your own product (admins: of any) from this machine to another."""
    caller = request.caller
    data = await request.parsed(MoveStockBody)
    command = MoveStock(caller, machine_id, data.to, data.product, data.quantity, data.reason)
    return answered(await request.settled(command), StockMoved, _show_stock_moved, status=200)


def _show_shelf(shelf: ShelfRecord) -> ShelfShown:
    return ShelfShown(
        product=shelf.product_id,
        name=shelf.name,
        quantity=shelf.quantity,
        slot=shelf.slot,
        capacity=shelf.capacity,
        par_level=shelf.par_level,
        price=shelf.price_cents,
    )


def _show_shelves(receipt: ShelvesSet) -> ShelvesShown:
    return ShelvesShown(items=[_show_shelf(shelf) for shelf in receipt.shelves], next=None)


def _show_stock_moved(receipt: StockMoved) -> StockMovedShown:
    return StockMovedShown(
        product=receipt.product_id,
        machine=receipt.machine_id,
        stock=receipt.stock,
        to=receipt.target_id,
        to_stock=receipt.target_stock,
    )


router = Router("/machines", [shelves, set_shelves, move])
