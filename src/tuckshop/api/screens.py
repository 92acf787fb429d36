"""/v1/machines/{id}/screens: browsers that are a machine's own, paired by a code."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.requests import fresh_admin
from tuckshop.domain.machines import MACHINE_NAME_LENGTH_MAX
from tuckshop.domain.refusals import (
    ConfirmationRequired,
    InvalidField,
    RoleMissing,
    TooManyScreens,
    UnknownMachine,
    UnknownScreen,
)
from tuckshop.http.fields import Moment, PathId, ResponseBody, moment, name_meta
from tuckshop.http.handlers import Router, delete, describe, get, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import sessions
from tuckshop.operations import screens as screen_operations
from tuckshop.queries import machines, screens

Name = Annotated[str, name_meta(MACHINE_NAME_LENGTH_MAX, example="Tablet at the door")]


class ScreenBody(Body):
    """What the screen is called."""

    name: Name


class ScreenResponse(ResponseBody):
    """A screen. `paired_at` null: its code waits for a browser."""

    id: int
    name: str
    created_at: Moment
    paired_at: Moment | None


class ScreensResponse(ResponseBody):
    """The screens of a machine."""

    items: list[ScreenResponse]


class PairingCodeResponse(ResponseBody):
    """A code to enter at /kiosk on the screen within ten minutes. It is returned only once."""

    code: Annotated[str, msgspec.Meta(examples=["7KQ2M-X4PZA"])]


@get(
    "/{machine_id:int}/screens",
    summary="A machine's screens",
    operation=describe("listScreens", RoleMissing, UnknownMachine),
)
async def index(request: ShopRequest, machine_id: PathId) -> ScreensResponse:
    """Paired browsers, and codes that still wait for one. Admins only."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    request.looks(actor)
    found = await screens.of_machine(request.shop, actor=actor, machine_id=machine_id)
    if not found:
        await machines.find(request.shop, machine_id=machine_id)
    items = [
        ScreenResponse(
            id=one.id,
            name=one.name,
            created_at=moment(one.created_us),
            paired_at=None if one.paired_us is None else moment(one.paired_us),
        )
        for one in found
    ]
    return ScreensResponse(items=items)


@post(
    "/{machine_id:int}/screens",
    summary="Create a pairing code",
    operation=describe(
        "addScreen",
        RoleMissing,
        ConfirmationRequired,
        UnknownMachine,
        InvalidField,
        TooManyScreens,
        login="session",
        body=ScreenBody,
    ),
)
async def add(request: ShopRequest, machine_id: PathId) -> Response[PairingCodeResponse]:
    """A paired browser serves guests at this machine, and can do nothing else. Admins only.

    Needs a log-in or confirmation of the last 10 minutes.
    """
    actor = await fresh_admin(request)
    data = await request.parsed(ScreenBody)
    code = await screen_operations.new_code(request.shop, actor=actor, machine_id=machine_id, name=data.name)
    return Response(PairingCodeResponse(code=code), status_code=201, headers={"Cache-Control": "no-store"})


@delete(
    "/{machine_id:int}/screens/{screen_id:int}",
    summary="Remove a screen",
    operation=describe("removeScreen", RoleMissing, UnknownScreen),
)
async def remove(request: ShopRequest, machine_id: PathId, screen_id: PathId) -> None:
    """The browser, or the code, stops working at once. Admins only."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    await screen_operations.end(request.shop, actor=actor, machine_id=machine_id, screen_id=screen_id)


router = Router("/machines", [index, add, remove])
