"""Guests and their money."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.dialects.kiosk import parameters
from tuckshop.dialects.kiosk.common import (
    API,
    UserName,
    UserQuery,
    checked_name,
    kiosk,
    respond,
)
from tuckshop.domain.coins import inserted_as
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import BalanceTooLarge, InvalidField, UnknownGuest
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import ID_MAX, ResponseBody
from tuckshop.http.handlers import describe, get, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import guests
from tuckshop.queries import guests as guest_queries
from tuckshop.queries import idempotency_keys
from tuckshop.queries.guests import Guest
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit

ANYBODY = 0  # The id of a guest of whom only the name is known.

GuestId = Annotated[
    int, msgspec.Meta(ge=ANYBODY, le=ID_MAX, description="A guest's; 0 if only its name is known.")
]
Amount = Annotated[int, msgspec.Meta(ge=1, le=BALANCE_CENTS_MAX, examples=[150])]
AmountQuery = Annotated[int, msgspec.Meta(ge=1, le=BALANCE_CENTS_MAX, description="In cents.")]


class BalanceBody(Body):
    """The guest, and the inserted cents. Without an amount nothing changes."""

    user_name: UserName | None = None
    amount: Amount | None = None


class GuestResponse(ResponseBody):
    """A guest and the guest's credit, with the name as first written."""

    id: int
    user_name: str
    balance: int


@post(
    f"{API}/users/{{user_id:int}}/add_balance",
    status_code=200,
    summary="Insert coins",
    operation=describe(
        "addBalance",
        InvalidField,
        BalanceTooLarge,
        login="attester",
        keyed=True,
        body=BalanceBody | None,
        forms=True,
    ),
)
async def add_balance(
    request: ShopRequest,
    user_id: GuestId,
    user_name: UserQuery | None = None,
    amount: AmountQuery | None = None,
) -> Response[GuestResponse]:
    """Adds coins of this amount to the machine. With a new name and coins, a guest is created.

    The id of a guest without coins so far is 0.
    """
    machine = kiosk(request)
    wanted = await parameters.read(request, BalanceBody, user_name=user_name, amount=amount)
    name = checked_name(wanted.user_name)
    accepted = request.shop.currency.accepted_cents
    coins = {} if wanted.amount is None else inserted_as(wanted.amount, accepted=accepted)
    try:
        guest = await guest_queries.find(request.shop, caller=machine, name=name)
        is_new = False
    except UnknownGuest:
        if not coins:
            return Response(GuestResponse(id=ANYBODY, user_name=name, balance=0), status_code=200)
        await guests.wallet(request.shop, caller=machine, name=name, make=True)
        guest = await guest_queries.find(request.shop, caller=machine, name=name)
        is_new = True
    caller, wallet = await guests.wallet(request.shop, caller=machine, name=name)
    envelope = await request.enveloped(Deposit(caller, wallet, coins, machine.machine_id))
    if not is_new and not (coins and await _is_sent_again(request, envelope, guest)):
        _require_own(guest, user_id)
    if not coins:
        return Response(_show_guest(guest, guest.balance_cents), status_code=200)
    outcome = await request.shop.till.execute(envelope)
    return respond(outcome, CoinsDeposited, lambda paid: _show_guest(guest, paid.balance_cents), status=200)


@get(
    f"{API}/users/{{user_id:int}}",
    summary="A guest",
    operation=describe("getUser", InvalidField, UnknownGuest, login="attester"),
)
async def user(request: ShopRequest, user_id: GuestId, user_name: UserQuery | None = None) -> GuestResponse:
    """The guest with this name, and the guest's credit."""
    guest = await guest_queries.find(request.shop, caller=kiosk(request), name=checked_name(user_name))
    _require_own(guest, user_id)
    return _show_guest(guest, guest.balance_cents)


async def _is_sent_again(request: ShopRequest, envelope: Envelope, guest: Guest) -> bool:
    """Whether this may be the call that made the guest, sent again with its key: done already, or not yet."""
    if envelope.key is None:
        return False
    return not guest.has_wallet or await idempotency_keys.is_used(request.shop, envelope)


def _require_own(guest: Guest, user_id: int) -> None:
    if user_id not in (ANYBODY, guest.id):
        raise Malformed(("id", f"must be {ANYBODY} or the guest's own"))


def _show_guest(guest: Guest, balance_cents: int) -> GuestResponse:
    return GuestResponse(id=guest.id, user_name=guest.name, balance=balance_cents)
