"""/v1/machines/{id}/coins: what is in a coin box, and carrying and counting it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.requests import respond
from tuckshop.api.wallet import Coins, Value
from tuckshop.domain.field_problems import CoinTwice
from tuckshop.domain.machines import COUNTED_MAX, BoxKind
from tuckshop.domain.money import DENOMINATIONS_MAX
from tuckshop.domain.refusals import CoinNotAccepted, CoinsMissing, InvalidField, RoleMissing, UnknownMachine
from tuckshop.http.fields import Moment, PathId, Reason, ResponseBody, moment
from tuckshop.http.handlers import Router, describe, get, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import sessions
from tuckshop.queries import machines
from tuckshop.till.commands.machines import CoinsCarried, CoinsCounted, CollectCoins, CountCoins, FillCoins

Counted = Annotated[int, msgspec.Meta(ge=0, le=COUNTED_MAX)]
_COINS = (RoleMissing, UnknownMachine, CoinNotAccepted, InvalidField)


class CarryCoinsBody(Body):
    """Coins to add or to collect: value in minor units -> how many."""

    coins: Coins
    reason: Reason | None = None


class CountedBody(Body):
    """How many of one coin were there."""

    value: Value
    count: Counted


class CountCoinsBody(Body):
    """What was found in the box: every coin of the currency, also those of which there was none."""

    counted: Annotated[list[CountedBody], msgspec.Meta(min_length=1, max_length=DENOMINATIONS_MAX)]
    reason: Reason | None = None


class CoinBoxResponse(ResponseBody):
    """What a box holds by the books; below 0 what an unlimited one has paid beyond."""

    box_kind: BoxKind
    coins: dict[int, int]
    amount: int


class CoinsCarriedResponse(ResponseBody):
    """Coins that went in or came out."""

    id: int
    machine: int
    amount: int
    coins: dict[int, int]
    created_at: Moment


class CoinsCountedResponse(ResponseBody):
    """What the books expected and what was there; `over_short` below 0: so much was missing."""

    machine: int
    expected: dict[int, int]
    counted: dict[int, int]
    over_short: int
    created_at: Moment


@get(
    "/{machine_id:int}/coins",
    summary="A machine's coins",
    operation=describe("getCoins", RoleMissing, UnknownMachine),
)
async def coins(request: ShopRequest, machine_id: PathId) -> CoinBoxResponse:
    """What is in the box by the books. Cashiers and admins."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    box = await machines.coins(request.shop, actor=actor, machine_id=machine_id)
    return CoinBoxResponse(box_kind=box.box_kind, coins=box.held, amount=box.amount_cents)


@post(
    "/{machine_id:int}/coins/fill",
    summary="Coins into a machine",
    operation=describe("fillCoins", *_COINS, keyed=True, body=CarryCoinsBody),
)
async def fill(request: ShopRequest, machine_id: PathId) -> Response[CoinsCarriedResponse]:
    """From the bank, for change. Cashiers and admins."""
    caller = request.caller
    data = await request.parsed(CarryCoinsBody)
    command = FillCoins(caller, machine_id, data.coins, data.reason)
    return respond(await request.execute(command), CoinsCarried, _show_moved, status=201)


@post(
    "/{machine_id:int}/coins/collect",
    summary="Coins out of a machine",
    operation=describe("collectCoins", *_COINS, CoinsMissing, keyed=True, body=CarryCoinsBody),
)
async def collect(request: ShopRequest, machine_id: PathId) -> Response[CoinsCarriedResponse]:
    """To the bank. Cashiers and admins."""
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
    """The books follow what was counted; the difference goes over or short. Cashiers and admins."""
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
