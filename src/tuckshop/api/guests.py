"""/v1/guests: whom machines serve without a log-in, and what they leave behind; and whose wallet is meant."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.refunds import RefundResponse, show_refund
from tuckshop.api.requests import Cursor, Limit, Page, cursor_id, cursor_of, respond
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    InvalidField,
    NotOwner,
    NotRefundable,
    RefundsExhausted,
    RefundWindowOver,
    RoleMissing,
    UndoAtCounter,
    UnknownGuest,
    UnknownMachine,
    UnknownPurchase,
)
from tuckshop.domain.users import USERNAME_LENGTH_MAX
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import NAME_PATTERN, Id, Moment, ResponseBody, moment, name_meta
from tuckshop.http.handlers import Router, describe, get, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import guests, sessions
from tuckshop.operations import guests as guest_operations
from tuckshop.queries import guests as guest_queries
from tuckshop.till.callers import MachineCaller, SessionCaller, user_of
from tuckshop.till.commands.refunds import Refunded, RefundNewest

DAYS_MAX = 36_500

GuestName = Annotated[
    str,
    name_meta(
        USERNAME_LENGTH_MAX,
        example="door 17",
        description="A guest's name, independent of usernames; case does not count.",
    ),
]
GuestQuery = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=USERNAME_LENGTH_MAX,
        pattern=NAME_PATTERN,
        description="The name of a guest.",
    ),
]
Days = Annotated[
    int, msgspec.Meta(ge=0, le=DAYS_MAX, description="Only wallets not used for this many days.")
]


class GuestRefundBody(Body):
    """Refunds one piece of the guest's latest purchase of a product.

    `machine`: by default the first one, or the one that asks.
    """

    guest: GuestName
    product: Id
    machine: Id | None = None


class SweepBody(Body):
    """After how many days without use guest money counts as unclaimed."""

    days: Annotated[int, msgspec.Meta(ge=1, le=DAYS_MAX)]


class UnclaimedBalanceResponse(ResponseBody):
    """A guest's money, and when it was last used."""

    guest: str
    balance: int
    touched_at: Moment


class LeftBehindPage(Page):
    """A page of guests with money, oldest first."""

    items: list[UnclaimedBalanceResponse]


class SweptResponse(ResponseBody):
    """The number of closed wallets, and the money that was in them."""

    count: int
    amount: int


class WrittenOffResponse(ResponseBody):
    """Money written off from the wallet of a guest or a closed user."""

    id: int
    guest: str | None
    user: int | None
    amount: int
    created_at: Moment


class UnclaimedPage(Page):
    """A page of written-off money, newest first."""

    items: list[WrittenOffResponse]


async def requested_wallet(
    request: ShopRequest,
    caller: SessionCaller | MachineCaller,
    *,
    user: int | None = None,
    guest: str | None = None,
    make: bool = False,
) -> tuple[SessionCaller | MachineCaller, AccountRef]:
    """Who asks, and the wallet that is meant: a guest's, a user's, or the caller's own.

    Raises:
        Malformed: a user and a guest, or neither by a machine.
        SessionEnded, RoleMissing, InvalidField, UnknownGuest: see `identity.guests`.
    """
    if guest is not None:
        if user is not None:
            raise Malformed(("guest", "or user can be given, not both"))
        return await guests.wallet(request.shop, caller=caller, name=guest, make=make)
    owner = user or user_of(caller)
    if owner is None:
        raise Malformed(("guest", "must be given by a machine"))
    return caller, wallet_of(owner)


def machine_of(caller: SessionCaller | MachineCaller, named: int | None) -> int:
    """The machine that is meant: the one named, the one that asks, or the first."""
    asking = caller.machine_id if isinstance(caller, MachineCaller) else DEFAULT_MACHINE_ID
    return named or asking


@post(
    "/refunds",
    summary="Refund a guest",
    operation=describe(
        "refundGuest",
        RoleMissing,
        NotOwner,
        InvalidField,
        UnknownGuest,
        UnknownMachine,
        UnknownPurchase,
        NotRefundable,
        RefundWindowOver,
        RefundsExhausted,
        UndoAtCounter,
        BalanceTooLarge,
        login="attester",
        keyed=True,
        body=GuestRefundBody,
    ),
)
async def refund(request: ShopRequest) -> Response[RefundResponse]:
    """Machines within the refund window and three times a day for a guest, as far as TUCKSHOP_MACHINE_UNDO
    allows; cashiers and admins always."""
    caller = request.attester
    data = await request.parsed(GuestRefundBody)
    caller, ref = await requested_wallet(request, caller, guest=data.guest)
    command = RefundNewest(caller, ref, data.product, machine_of(caller, data.machine))
    return respond(await request.execute(command), Refunded, show_refund, status=201)


@get(
    "/",
    summary="Guests with money",
    operation=describe("listGuests", RoleMissing),
)
async def index(
    request: ShopRequest, days: Days = 0, limit: Limit = 50, cursor: Cursor | None = None
) -> LeftBehindPage:
    """Guests whose wallet was not used for this many days. Cashiers and admins."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    request.looks(actor)
    found = await guest_queries.unclaimed(
        request.shop, actor=actor, days=days, after_id=cursor_id(cursor) or 0, limit=limit + 1
    )
    items = [
        UnclaimedBalanceResponse(guest=one.name, balance=one.balance_cents, touched_at=moment(one.touched_us))
        for one in found[:limit]
    ]
    return LeftBehindPage(items=items, next=cursor_of(found[limit - 1].guest_id) if found[limit:] else None)


@post(
    "/unclaimed",
    summary="Write off unclaimed guest money",
    operation=describe("sweep", RoleMissing, body=SweepBody),
)
async def sweep(request: ShopRequest) -> SweptResponse:
    """Closes guest wallets not used for this many days and writes the money off. Admins only."""
    caller = request.caller
    data = await request.parsed(SweepBody)
    closed = await guest_operations.write_off(request.shop, caller=caller, days=data.days)
    return SweptResponse(count=len(closed), amount=sum(one.amount_cents for one in closed))


@get(
    "/unclaimed",
    summary="List unclaimed guest money",
    operation=describe("listUnclaimed", RoleMissing),
)
async def unclaimed(request: ShopRequest, limit: Limit = 50, cursor: Cursor | None = None) -> UnclaimedPage:
    """Written-off money of closed guest and user wallets, newest first. Cashiers and admins."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    request.looks(actor)
    found = await guest_queries.written_off(
        request.shop, actor=actor, before_id=cursor_id(cursor), limit=limit + 1
    )
    items = [
        WrittenOffResponse(
            id=one.transfer_id,
            guest=one.guest,
            user=one.user_id,
            amount=one.amount_cents,
            created_at=moment(one.created_us),
        )
        for one in found[:limit]
    ]
    return UnclaimedPage(items=items, next=cursor_of(items[-1].id) if found[limit:] else None)


router = Router("/guests", [refund, index, sweep, unclaimed])
