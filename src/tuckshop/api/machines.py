"""/v1/machines: places of sale."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.requests import Cursor, Limit, Page, cursor_id, cursor_of
from tuckshop.domain.machines import MACHINE_NAME_LENGTH_MAX, BoxKind
from tuckshop.domain.refusals import CoinsOwed, InvalidField, NameTaken, RoleMissing, UnknownMachine
from tuckshop.http.fields import NAME_PATTERN, PathId, Shown
from tuckshop.http.handlers import Router, get, patch, post, told
from tuckshop.http.request import Body, Call
from tuckshop.http.response import Response
from tuckshop.identity import devices, sessions
from tuckshop.queries import machines
from tuckshop.queries.machines import Machine

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


class AddMachineBody(Body):
    """A place of sale. `counted`: it pays only with coins it holds; `unlimited`: a cashier sees to it."""

    name: Name
    timezone: Timezone = "UTC"
    box_kind: BoxKind = BoxKind.COUNTED


class ChangeMachineBody(Body):
    """What to change; what is left out stays."""

    name: Name | None = None
    timezone: Timezone | None = None
    box_kind: BoxKind | None = None


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
    """A machine's key, told this once."""

    key: str


@get("/", summary="Machines", operation=told("listMachines"))
async def index(request: Call, limit: Limit = 50, cursor: Cursor | None = None) -> MachinesShown:
    """Every place of sale."""
    await sessions.actor(request.shop, caller=request.caller)
    found = await machines.page(request.shop, after_id=cursor_id(cursor) or 0, limit=limit + 1)
    items = [_show_machine(machine) for machine in found[:limit]]
    return MachinesShown(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@get("/{machine_id:int}", summary="A machine", operation=told("getMachine", UnknownMachine, login="witness"))
async def show(request: Call, machine_id: PathId) -> MachineShown:
    """One place of sale; also asked by a machine."""
    await devices.witness(request.shop, caller=request.witness)
    return _show_machine(await machines.find(request.shop, machine_id=machine_id))


@post(
    "/",
    summary="Add a machine",
    operation=told("addMachine", RoleMissing, InvalidField, NameTaken, body=AddMachineBody),
)
async def add(request: Call) -> MachineShown:
    """A new place of sale, its box empty. Admins only."""
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
    """Another name, timezone or kind of box. No box that is below zero in a coin becomes a counted one."""
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
    summary="A new key for a machine",
    operation=told("renewMachineKey", RoleMissing, UnknownMachine),
)
async def renew_key(request: Call, machine_id: PathId) -> Response[MachineKeyShown]:
    """With `Authorization: Machine <key>` it says which coins went in and out. The last key ends at once."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    key = await machines.new_key(request.shop, actor=actor, machine_id=machine_id)
    return Response(MachineKeyShown(key=key), status_code=201, headers={"Cache-Control": "no-store"})


def _show_machine(machine: Machine) -> MachineShown:
    return MachineShown(
        id=machine.id,
        name=machine.name,
        timezone=machine.timezone,
        box_kind=machine.box_kind,
        has_key=machine.has_key,
        exact_money_only=machine.exact_money_only,
    )


router = Router("/machines", [index, show, add, change, renew_key])
