"""/v1/machines: places of sale, their shelves and their coin boxes."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from tuckshop.api.products import Reason
from tuckshop.api.requests import Cursor, Limit, Page, answered, cursor_id, cursor_of
from tuckshop.api.wallet import Coins, Value
from tuckshop.domain.field_problems import CoinTwice
from tuckshop.domain.machines import (
    COUNTED_MAX,
    MACHINE_NAME_LENGTH_MAX,
    SHELVES_MAX,
    SLOT_LENGTH_MAX,
    BoxKind,
    ShelfPlan,
)
from tuckshop.domain.money import DENOMINATIONS_MAX
from tuckshop.domain.products import QUANTITY_MAX
from tuckshop.domain.refusals import (
    CoinNotAccepted,
    CoinsMissing,
    CoinsOwed,
    InvalidField,
    NameTaken,
    NotOwner,
    OutOfStock,
    RoleMissing,
    StockTooLarge,
    UnknownMachine,
    UnknownProduct,
)
from tuckshop.http.fields import NAME_PATTERN, Id, Moment, PathId, Pieces, Price, Shown, moment
from tuckshop.http.handlers import Router, get, patch, post, put, told
from tuckshop.http.request import Body, Call
from tuckshop.http.response import Response
from tuckshop.identity import devices, sessions
from tuckshop.queries import machines
from tuckshop.queries.machines import Machine
from tuckshop.till.commands.machines import (
    CoinsCarried,
    CoinsCounted,
    CollectCoins,
    CountCoins,
    FillCoins,
    MoveStock,
    SetShelves,
    ShelfRecord,
    ShelvesSet,
    StockMoved,
)

Name = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MACHINE_NAME_LENGTH_MAX,
        description="Without slashes, invisible characters, and space at the ends; case does not count.",
        examples=["Hall"],
        extra_json_schema={"pattern": NAME_PATTERN},
    ),
]
Timezone = Annotated[
    str,
    msgspec.Meta(pattern=r"^[A-Za-z0-9_+/-]+\Z", min_length=1, max_length=64, examples=["Europe/Berlin"]),
]
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
Counted = Annotated[int, msgspec.Meta(ge=0, le=COUNTED_MAX)]

_COINS = (RoleMissing, UnknownMachine, CoinNotAccepted, InvalidField)


class AddMachineBody(Body):
    """A machine. `counted`: coin changer, pays only with coins it holds; `unlimited`: cash drawer."""

    name: Name
    timezone: Timezone = "UTC"
    box_kind: BoxKind = BoxKind.COUNTED


class ChangeMachineBody(Body):
    """What to change. Fields that are left out stay as they are."""

    name: Name | None = None
    timezone: Timezone | None = None
    box_kind: BoxKind | None = None


class ShelfBody(Body):
    """Settings of a product's shelf. `price`: its own price in this machine."""

    product: Id
    slot: Slot | None = None
    capacity: Capacity | None = None
    par_level: ParLevel | None = None
    price: Price | None = None


class ShelvesBody(Body):
    """All shelves with a slot, a capacity, a refill level or a price of their own."""

    shelves: Annotated[list[ShelfBody], msgspec.Meta(max_length=SHELVES_MAX)]


class MoveStockBody(Body):
    """Pieces to move to another machine."""

    product: Id
    quantity: Pieces
    to: Id
    reason: Reason | None = None


class CarryCoinsBody(Body):
    """Coins to add or to collect: value in minor units -> how many."""

    coins: Coins
    reason: Reason | None = None


class CountedBody(Body):
    """How many of one coin were counted."""

    value: Value
    count: Counted


class CountCoinsBody(Body):
    """The counted coins: every coin of the currency, with 0 for none."""

    counted: Annotated[list[CountedBody], msgspec.Meta(min_length=1, max_length=DENOMINATIONS_MAX)]
    reason: Reason | None = None


class MachineShown(Shown):
    """A place of sale. `exact_money_only`: some change it could not pay now, and would refuse the sale."""

    id: int
    name: str
    timezone: str
    box_kind: BoxKind
    has_key: bool
    exact_money_only: bool


class MachinesShown(Page):
    """A page of machines."""

    items: list[MachineShown]


class MachineKeyShown(Shown):
    """A machine's key. It is returned only once."""

    key: str


class ShelfShown(Shown):
    """A shelf. `price` null: the product's own price."""

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
    """The stock in both machines after the move."""

    product: int
    machine: int
    stock: int
    to: int
    to_stock: int


class BoxShown(Shown):
    """The coins in a box; below 0: an unlimited box has paid out more than it held."""

    box_kind: BoxKind
    coins: dict[int, int]
    amount: int


class BoxMovedShown(Shown):
    """Coins that were inserted or paid out."""

    id: int
    machine: int
    amount: int
    coins: dict[int, int]
    created_at: Moment


class CoinsCountedShown(Shown):
    """The expected and the counted coins; `over_short` below 0: coins are missing."""

    machine: int
    expected: dict[int, int]
    counted: dict[int, int]
    over_short: int
    created_at: Moment


@get("/", summary="Machines", operation=told("listMachines"))
async def index(request: Call, limit: Limit = 50, cursor: Cursor | None = None) -> MachinesShown:
    """All machines."""
    await sessions.actor(request.shop, caller=request.caller)
    found = await machines.page(request.shop, after_id=cursor_id(cursor) or 0, limit=limit + 1)
    items = [_show_machine(machine) for machine in found[:limit]]
    return MachinesShown(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@get("/{machine_id:int}", summary="A machine", operation=told("getMachine", UnknownMachine, login="witness"))
async def show(request: Call, machine_id: PathId) -> MachineShown:
    """A machine. Machines can read themselves."""
    await devices.witness(request.shop, caller=request.witness)
    return _show_machine(await machines.find(request.shop, machine_id=machine_id))


@post(
    "/",
    summary="Add a machine",
    operation=told("addMachine", RoleMissing, InvalidField, NameTaken, body=AddMachineBody),
)
async def add(request: Call) -> MachineShown:
    """Creates a machine with an empty coin box. Admins only."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    data = await request.parsed(AddMachineBody)
    machine = await machines.add(
        request.shop, actor=actor, name=data.name, timezone=data.timezone, box_kind=data.box_kind
    )
    return _show_machine(machine)


@patch(
    "/{machine_id:int}",
    summary="Change a machine",
    operation=told(
        "changeMachine",
        RoleMissing,
        UnknownMachine,
        InvalidField,
        NameTaken,
        CoinsOwed,
        body=ChangeMachineBody,
    ),
)
async def change(request: Call, machine_id: PathId) -> Response[MachineShown]:
    """Changes name, time zone or kind of box. A box below zero in a coin cannot become a counted one."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    data = await request.parsed(ChangeMachineBody)
    machine = await machines.change(
        request.shop,
        actor=actor,
        machine_id=machine_id,
        name=data.name,
        timezone=data.timezone,
        box_kind=data.box_kind,
    )
    return Response(_show_machine(machine))


@post(
    "/{machine_id:int}/key",
    summary="Create a machine key",
    operation=told("renewMachineKey", RoleMissing, UnknownMachine),
)
async def renew_key(request: Call, machine_id: PathId) -> Response[MachineKeyShown]:
    """With `Authorization: Machine <key>` a machine reports its coins. The old key ends at once."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    key = await machines.new_key(request.shop, actor=actor, machine_id=machine_id)
    return Response(MachineKeyShown(key=key), status_code=201, headers={"Cache-Control": "no-store"})


@get(
    "/{machine_id:int}/shelves",
    summary="A machine's shelves",
    operation=told("listShelves", RoleMissing, UnknownMachine),
)
async def shelves(
    request: Call, machine_id: PathId, limit: Limit = 50, cursor: Cursor | None = None
) -> ShelvesShown:
    """The shelves, by product. Sellers, cashiers and admins."""
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
    summary="Set a machine's planogram",
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
    """All or nothing. Shelves that are not named lose their settings and keep their stock. Admins only."""
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
    """Moves stock of your own product (admins: any) from this machine to another."""
    caller = request.caller
    data = await request.parsed(MoveStockBody)
    command = MoveStock(caller, machine_id, data.to, data.product, data.quantity, data.reason)
    return answered(await request.settled(command), StockMoved, _show_stock_moved, status=200)


@get(
    "/{machine_id:int}/coins",
    summary="A machine's coins",
    operation=told("getCoins", RoleMissing, UnknownMachine),
)
async def coins(request: Call, machine_id: PathId) -> BoxShown:
    """The coins in the coin box. Cashiers and admins."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    box = await machines.coins(request.shop, actor=actor, machine_id=machine_id)
    return BoxShown(box_kind=box.box_kind, coins=box.held, amount=box.amount_cents)


@post(
    "/{machine_id:int}/coins/fill",
    summary="Fill a coin box",
    operation=told("fillCoins", *_COINS, keyed=True, body=CarryCoinsBody),
)
async def fill(request: Call, machine_id: PathId) -> Response[BoxMovedShown]:
    """Adds coins from the bank, for change. Cashiers and admins."""
    caller = request.caller
    data = await request.parsed(CarryCoinsBody)
    command = FillCoins(caller, machine_id, data.coins, data.reason)
    return answered(await request.settled(command), CoinsCarried, _show_moved, status=201)


@post(
    "/{machine_id:int}/coins/collect",
    summary="Collect coins",
    operation=told("collectCoins", *_COINS, CoinsMissing, keyed=True, body=CarryCoinsBody),
)
async def collect(request: Call, machine_id: PathId) -> Response[BoxMovedShown]:
    """Removes coins for the bank. Cashiers and admins."""
    caller = request.caller
    data = await request.parsed(CarryCoinsBody)
    command = CollectCoins(caller, machine_id, data.coins, data.reason)
    return answered(await request.settled(command), CoinsCarried, _show_moved, status=201)


@post(
    "/{machine_id:int}/coins/count",
    summary="Count a machine's coins",
    operation=told("countCoins", *_COINS, keyed=True, body=CountCoinsBody),
)
async def count(request: Call, machine_id: PathId) -> Response[CoinsCountedShown]:
    """Records a count; the difference is over or short. Cashiers and admins."""
    caller = request.caller
    data = await request.parsed(CountCoinsBody)
    command = CountCoins(caller, machine_id, _counted(data.counted), data.reason)
    return answered(await request.settled(command), CoinsCounted, _show_counted, status=201)


def _counted(rows: list[CountedBody]) -> dict[int, int]:
    counted = {row.value: row.count for row in rows}
    if len(counted) < len(rows):
        raise InvalidField(field="counted", problem=CoinTwice())
    return counted


def _show_machine(machine: Machine) -> MachineShown:
    return MachineShown(
        id=machine.id,
        name=machine.name,
        timezone=machine.timezone,
        box_kind=machine.box_kind,
        has_key=machine.has_key,
        exact_money_only=machine.exact_money_only,
    )


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


def _show_moved(receipt: CoinsCarried) -> BoxMovedShown:
    return BoxMovedShown(
        id=receipt.transfer_id,
        machine=receipt.machine_id,
        amount=receipt.amount_cents,
        coins=receipt.coins,
        created_at=moment(receipt.created_us),
    )


def _show_counted(receipt: CoinsCounted) -> CoinsCountedShown:
    return CoinsCountedShown(
        machine=receipt.machine_id,
        expected=receipt.expected,
        counted=receipt.counted,
        over_short=receipt.over_short_cents,
        created_at=moment(receipt.created_us),
    )


_HANDLERS: list[Any] = [
    index,
    show,
    add,
    change,
    renew_key,
    shelves,
    set_shelves,
    move,
    coins,
    fill,
    collect,
    count,
]
router = Router("/machines", _HANDLERS)
