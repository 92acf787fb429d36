"""/v1/machines/{id}/coins: what is in a coin box, and carrying and counting it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.requests import respond
from tuckshop.api.wallet import Coins, Value
from tuckshop.domain.field_problems import CoinTwice
from tuckshop.domain.machines import COUNTED_MAX, BoxKind
from tuckshop.domain.money import DENOMINATIONS_MAX
from tuckshop.domain.refusals import (
    CoinNotAccepted,
    CoinsMissing,
    InvalidField,
    NotOwner,
    RoleMissing,
    UnknownMachine,
)
from tuckshop.http.fields import Moment, PathId, Reason, ResponseBody, moment
from tuckshop.http.handlers import Router, describe, get, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import devices
from tuckshop.queries import machines
from tuckshop.till.commands.machines import CoinsCarried, CoinsCounted, CollectCoins, CountCoins, FillCoins

Counted = Annotated[int, msgspec.Meta(ge=0, le=COUNTED_MAX)]
_COINS = (RoleMissing, UnknownMachine, CoinNotAccepted, InvalidField)


class CarryCoinsBody(Body):
    """Coins to add or to collect: value in minor units -> how many."""

    coins: Coins
    reason: Reason | None = None


class CountedBody(Body):
    """The counted number of one coin."""

    value: Value
    count: Counted


class CountCoinsBody(Body):
    """The counted coins: every coin of the currency, with 0 for none."""

    counted: Annotated[list[CountedBody], msgspec.Meta(min_length=1, max_length=DENOMINATIONS_MAX)]
    reason: Reason | None = None


class CoinBoxResponse(ResponseBody):
    """The recorded coins of a box. Below 0: an unlimited box has paid out more than was recorded."""

    box_kind: BoxKind
    coins: dict[int, int]
    amount: int


class CoinsCarriedResponse(ResponseBody):
    """Coins that were added or collected."""

    id: int
    machine: int
    amount: int
    coins: dict[int, int]
    created_at: Moment


class CoinsCountedResponse(ResponseBody):
    """The expected and the counted coins. `over_short` below 0: the missing amount."""

    machine: int
    expected: dict[int, int]
    counted: dict[int, int]
    over_short: int
    created_at: Moment


@get(
    "/{machine_id:int}/coins",
    summary="A machine's coins",
    operation=describe("getCoins", RoleMissing, NotOwner, UnknownMachine, login="attester"),
)
async def coins(request: ShopRequest, machine_id: PathId) -> CoinBoxResponse:
    """The coins recorded in the box. Cashiers and admins; machines their own."""
    actor = await devices.attester(request.shop, caller=request.attester)
    box = await machines.coins(request.shop, actor=actor, machine_id=machine_id)
    request.looks(actor)
    return CoinBoxResponse(box_kind=box.box_kind, coins=box.held, amount=box.amount_cents)


@post(
    "/{machine_id:int}/coins/fill",
    summary="Add change to a machine",
    operation=describe("fillCoins", *_COINS, keyed=True, body=CarryCoinsBody),
)
async def fill(request: ShopRequest, machine_id: PathId) -> Response[CoinsCarriedResponse]:
    """Adds coins from the bank to the box. Cashiers and admins."""
    caller = request.caller
    data = await request.parsed(CarryCoinsBody)
    command = FillCoins(caller, machine_id, data.coins, data.reason)
    return respond(await request.execute(command), CoinsCarried, _show_moved, status=201)


@post(
    "/{machine_id:int}/coins/collect",
    summary="Collect coins from a machine",
    operation=describe("collectCoins", *_COINS, CoinsMissing, keyed=True, body=CarryCoinsBody),
)
async def collect(request: ShopRequest, machine_id: PathId) -> Response[CoinsCarriedResponse]:
    """Removes coins from the box, for the bank. Cashiers and admins."""
    caller = request.caller
    data = await request.parsed(CarryCoinsBody)
    command = CollectCoins(caller, machine_id, data.coins, data.reason)
    return respond(await request.execute(command), CoinsCarried, _show_moved, status=201)


@post(
    "/{machine_id:int}/coins/count",
    summary="Count a machine's coins",
    operation=describe("countCoins", *_COINS, keyed=True, body=CountCoinsBody),
)
async def count(request: ShopRequest, machine_id: PathId) -> Response[CoinsCountedResponse]:
    """Records the counted coins; the difference is booked as over or short. Cashiers and admins."""
    caller = request.caller
    data = await request.parsed(CountCoinsBody)
    command = CountCoins(caller, machine_id, _counted(data.counted), data.reason)
    return respond(await request.execute(command), CoinsCounted, _show_counted, status=201)


def _counted(rows: list[CountedBody]) -> dict[int, int]:
    counted = {row.value: row.count for row in rows}
    if len(counted) < len(rows):
        raise InvalidField(field="counted", problem=CoinTwice())
    return counted


def _show_moved(receipt: CoinsCarried) -> CoinsCarriedResponse:
    return CoinsCarriedResponse(
        id=receipt.transfer_id,
        machine=receipt.machine_id,
        amount=receipt.amount_cents,
        coins=receipt.coins,
        created_at=moment(receipt.created_us),
    )


def _show_counted(receipt: CoinsCounted) -> CoinsCountedResponse:
    return CoinsCountedResponse(
        machine=receipt.machine_id,
        expected=receipt.expected,
        counted=receipt.counted,
        over_short=receipt.over_short_cents,
        created_at=moment(receipt.created_us),
    )


router = Router("/machines", [coins, fill, collect, count])
