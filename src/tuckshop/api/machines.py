"""/v1/machines: places of sale."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.requests import Cursor, Limit, Page, cursor_id, cursor_of, fresh_admin
from tuckshop.domain.machines import (
    DEPOSIT_CENTS_MAX,
    HOURLY_DEPOSIT_CENTS_MAX,
    MACHINE_NAME_LENGTH_MAX,
    BoxKind,
    CoinInput,
    FulfilMode,
    MachineRules,
)
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import (
    CoinsOwed,
    ConfirmationRequired,
    InvalidField,
    NameTaken,
    NotOwner,
    RoleMissing,
    UnknownMachine,
)
from tuckshop.http.fields import PathId, ResponseBody, name_meta
from tuckshop.http.handlers import Router, describe, get, patch, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import devices, sessions
from tuckshop.operations import machines as machine_operations
from tuckshop.queries import machines
from tuckshop.queries.machines import Machine
from tuckshop.till.commands.base import require_own_machine

Name = Annotated[
    str,
    name_meta(
        MACHINE_NAME_LENGTH_MAX,
        example="Hall",
        description="Without slashes, invisible characters, and space at the ends; case does not count.",
    ),
]
Timezone = Annotated[
    str,
    msgspec.Meta(pattern=r"^[A-Za-z0-9_+/-]+\Z", min_length=1, max_length=64, examples=["Europe/Berlin"]),
]


CentsMax = Annotated[int, msgspec.Meta(ge=1, le=BALANCE_CENTS_MAX)]


class AddMachineBody(Body):
    """A machine. `counted`: coin changer, pays only with coins it holds; `unlimited`: cash drawer.

    `coin_input`: `drawn` lets whoever stands at the machine's page tap drawn coins, on trust. `fulfil`: when
    orders from a wallet are dispensed. `deposit_max` and `hourly_deposit_max`: what the machine's key can
    credit at a time and in an hour.
    """

    name: Name
    timezone: Timezone = "UTC"
    box_kind: BoxKind = BoxKind.COUNTED
    coin_input: CoinInput = CoinInput.NONE
    fulfil: FulfilMode = FulfilMode.NOW
    deposit_max: CentsMax = DEPOSIT_CENTS_MAX
    hourly_deposit_max: CentsMax = HOURLY_DEPOSIT_CENTS_MAX


class ChangeMachineBody(Body):
    """What to change. Fields that are left out stay as they are."""

    name: Name | None = None
    timezone: Timezone | None = None
    box_kind: BoxKind | None = None
    coin_input: CoinInput | None = None
    fulfil: FulfilMode | None = None
    deposit_max: CentsMax | None = None
    hourly_deposit_max: CentsMax | None = None


class MachineResponse(ResponseBody):
    """A machine. `exact_money_only`: it lacks coins for change and may refuse a sale."""

    id: int
    name: str
    timezone: str
    box_kind: BoxKind
    has_key: bool
    exact_money_only: bool
    coin_input: CoinInput
    fulfil: FulfilMode
    deposit_max: int
    hourly_deposit_max: int


class MachinesResponse(Page):
    """A page of machines."""

    items: list[MachineResponse]


class MachineKeyResponse(ResponseBody):
    """A machine's key. It is returned only once."""

    key: str


@get("/", summary="Machines", operation=describe("listMachines"))
async def index(request: ShopRequest, limit: Limit = 50, cursor: Cursor | None = None) -> MachinesResponse:
    """All machines."""
    await sessions.actor(request.shop, caller=request.caller)
    found = await machines.page(request.shop, after_id=cursor_id(cursor) or 0, limit=limit + 1)
    items = [_show_machine(machine) for machine in found[:limit]]
    return MachinesResponse(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@get(
    "/{machine_id:int}",
    summary="A machine",
    operation=describe("getMachine", NotOwner, UnknownMachine, login="attester"),
)
async def show(request: ShopRequest, machine_id: PathId) -> MachineResponse:
    """A machine. Machines can read themselves."""
    actor = await devices.attester(request.shop, caller=request.attester)
    if actor.machine_id is not None:
        require_own_machine(actor, machine_id)
    return _show_machine(await machines.find(request.shop, machine_id=machine_id))


@post(
    "/",
    summary="Add a machine",
    operation=describe("addMachine", RoleMissing, InvalidField, NameTaken, body=AddMachineBody),
)
async def add(request: ShopRequest) -> MachineResponse:
    """Creates a machine with an empty coin box. Admins only."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    data = await request.parsed(AddMachineBody)
    machine = await machine_operations.add(
        request.shop,
        actor=actor,
        name=data.name,
        timezone=data.timezone,
        box_kind=data.box_kind,
        rules=MachineRules(data.coin_input, data.fulfil, data.deposit_max, data.hourly_deposit_max),
    )
    return _show_machine(machine)


@patch(
    "/{machine_id:int}",
    summary="Change a machine",
    operation=describe(
        "changeMachine",
        RoleMissing,
        ConfirmationRequired,
        UnknownMachine,
        InvalidField,
        NameTaken,
        CoinsOwed,
        login="session",
        body=ChangeMachineBody,
    ),
)
async def change(request: ShopRequest, machine_id: PathId) -> Response[MachineResponse]:
    """Changes what is given of a machine. A box below zero in a coin cannot become a counted one.

    Needs a log-in or confirmation of the last 10 minutes.
    """
    actor = await fresh_admin(request)
    data = await request.parsed(ChangeMachineBody)
    machine = await machine_operations.change(
        request.shop,
        actor=actor,
        machine_id=machine_id,
        name=data.name,
        timezone=data.timezone,
        box_kind=data.box_kind,
        rules={name: rule for name, rule in _rules(data).items() if rule is not None},
    )
    return Response(_show_machine(machine))


@post(
    "/{machine_id:int}/key",
    summary="Create a machine key",
    operation=describe("renewMachineKey", RoleMissing, ConfirmationRequired, UnknownMachine, login="session"),
)
async def renew_key(request: ShopRequest, machine_id: PathId) -> Response[MachineKeyResponse]:
    """With `Authorization: Machine <key>` a machine reports its coins. The old key stops working at once.

    Needs a log-in or confirmation of the last 10 minutes.
    """
    actor = await fresh_admin(request)
    key = await machine_operations.new_key(request.shop, actor=actor, machine_id=machine_id)
    return Response(MachineKeyResponse(key=key), status_code=201, headers={"Cache-Control": "no-store"})


def _rules(data: ChangeMachineBody) -> dict[str, object]:
    return {
        "coin_input": data.coin_input,
        "fulfil": data.fulfil,
        "deposit_cents_max": data.deposit_max,
        "hourly_deposit_cents_max": data.hourly_deposit_max,
    }


def _show_machine(machine: Machine) -> MachineResponse:
    return MachineResponse(
        id=machine.id,
        name=machine.name,
        timezone=machine.timezone,
        box_kind=machine.box_kind,
        has_key=machine.has_key,
        exact_money_only=machine.exact_money_only,
        coin_input=machine.rules.coin_input,
        fulfil=machine.rules.fulfil,
        deposit_max=machine.rules.deposit_cents_max,
        hourly_deposit_max=machine.rules.hourly_deposit_cents_max,
    )


router = Router("/machines", [index, show, add, change, renew_key])
