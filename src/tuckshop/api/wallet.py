"""/v1/wallet and /v1/earnings."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.guests import GuestName, GuestQuery, machine_of, requested_wallet
from tuckshop.api.requests import Cursor, Limit, Page, cursor_id, cursor_of, respond
from tuckshop.domain.coins import PIECES_MAX
from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    ChangeUnpayable,
    CoinNotAccepted,
    CoinsNotAttested,
    DepositTooLarge,
    InvalidField,
    MachineLimitReached,
    NothingToPayOut,
    NotOwner,
    RoleMissing,
    SelfService,
    UnknownGuest,
    UnknownMachine,
    UnknownUser,
    UserNotPresent,
)
from tuckshop.domain.users import Role
from tuckshop.http.fields import Id, Moment, ResponseBody, moment
from tuckshop.http.handlers import Router, describe, get, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import devices, sessions
from tuckshop.queries import earnings as earnings_queries
from tuckshop.queries import guests as guest_queries
from tuckshop.queries import wallet
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut

Value = Annotated[int, msgspec.Meta(ge=1, le=BALANCE_CENTS_MAX)]
Count = Annotated[int, msgspec.Meta(ge=1, le=PIECES_MAX)]
Coins = Annotated[
    dict[Value, Count],
    msgspec.Meta(
        min_length=1, examples=[{"50": 2}], extra_json_schema={"propertyNames": {"pattern": "^[1-9][0-9]*$"}}
    ),
]


class DepositBody(Body):
    """Inserted coins: value in minor units -> how many. `user` or `guest`: whose wallet; by default your own.

    A guest is created when first named. `machine`: by default the first one, or the one that asks.
    """

    coins: Coins
    user: Id | None = None
    guest: GuestName | None = None
    machine: Id | None = None


class PayOutBody(Body):
    """The wallet to pay out, by default your own, and the machine."""

    user: Id | None = None
    guest: GuestName | None = None
    machine: Id | None = None


class WalletResponse(ResponseBody):
    """The balance, the coins for a payout, and what you owe on your tab."""

    balance: int
    coins: dict[int, int]
    owed: int


class DepositResponse(ResponseBody):
    """A deposit, and the balance after it."""

    id: int
    amount: int
    balance: int
    created_at: Moment


class PayOutResponse(ResponseBody):
    """A payout, its coins, and the rest that no coin could pay."""

    id: int
    amount: int
    coins: dict[int, int]
    balance: int
    created_at: Moment


class EntryResponse(ResponseBody):
    """A movement of the account: above 0 into it, below 0 out of it."""

    id: int
    kind: TransferKind
    amount: int
    order: int | None
    created_at: Moment


class EntriesResponse(Page):
    """A page of entries, newest first."""

    items: list[EntryResponse]


class ProductEarningsResponse(ResponseBody):
    """Earnings of one product, less refunds."""

    product: int
    name: str
    quantity: int
    amount: int


class EarningsResponse(ResponseBody):
    """A seller's earnings; `payable` leaves out what buyers can still return."""

    balance: int
    payable: int
    products: list[ProductEarningsResponse]


@get(
    "/",
    summary="Your balance",
    operation=describe("getWallet", RoleMissing, UnknownGuest, InvalidField, login="attester"),
)
async def show(request: ShopRequest, guest: GuestQuery | None = None) -> WalletResponse:
    """The balance, and the coins for a payout. Machines, cashiers and admins can read those of guests."""
    if guest is not None:
        found = await guest_queries.find(request.shop, caller=request.attester, name=guest)
        request.looks(await devices.attester(request.shop, caller=request.attester))
        coins = wallet.coins_of(request.shop, found.balance_cents)
        return WalletResponse(balance=found.balance_cents, coins=coins, owed=0)
    actor = await sessions.actor(request.shop, caller=request.caller)
    actor.require(Role.BUYER)
    assert actor.user_id is not None
    held = await wallet.balance(request.shop, user_id=actor.user_id)
    return WalletResponse(balance=held.balance_cents, coins=held.coins, owed=held.owed_cents)


@post(
    "/deposits",
    summary="Deposit coins",
    operation=describe(
        "depositCoins",
        SelfService,
        RoleMissing,
        CoinsNotAttested,
        UnknownUser,
        UnknownMachine,
        CoinNotAccepted,
        InvalidField,
        BalanceTooLarge,
        NotOwner,
        UserNotPresent,
        DepositTooLarge,
        MachineLimitReached,
        login="attester",
        keyed=True,
        body=DepositBody,
    ),
)
async def deposit(request: ShopRequest) -> Response[DepositResponse]:
    """For machines, cashiers and admins; for buyers themselves with TUCKSHOP_COINS=self."""
    caller = request.attester
    data = await request.parsed(DepositBody)
    caller, ref = await requested_wallet(request, caller, user=data.user, guest=data.guest, make=True)
    command = Deposit(caller, ref, data.coins, machine_of(caller, data.machine))
    outcome = await request.execute(command)
    return respond(outcome, CoinsDeposited, _show_deposit, status=201)


@post(
    "/payout",
    status_code=200,
    summary="Pay out a wallet",
    operation=describe(
        "payOutWallet",
        SelfService,
        RoleMissing,
        CoinsNotAttested,
        UnknownUser,
        UnknownGuest,
        UnknownMachine,
        InvalidField,
        NothingToPayOut,
        ChangeUnpayable,
        NotOwner,
        UserNotPresent,
        login="attester",
        keyed=True,
        body=PayOutBody | None,
    ),
)
async def pay_out(request: ShopRequest) -> Response[PayOutResponse]:
    """Pays out the balance in the fewest coins. Cents that no coin can pay stay in the wallet."""
    caller = request.attester
    data = await request.parsed(PayOutBody, default=PayOutBody())
    caller, ref = await requested_wallet(request, caller, user=data.user, guest=data.guest)
    command = PayOut(caller, ref, machine_of(caller, data.machine))
    outcome = await request.execute(command)
    return respond(outcome, PaidOut, _show_pay_out, status=200)


@get(
    "/entries",
    summary="Your statement",
    operation=describe("listEntries", RoleMissing),
)
async def entries(request: ShopRequest, limit: Limit = 50, cursor: Cursor | None = None) -> EntriesResponse:
    """Movements of the wallet, newest first."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    actor.require(Role.BUYER)
    assert actor.user_id is not None
    return await _entries(request, actor.user_id, AccountKind.WALLET, limit, cursor)


@get(
    "/entries",
    summary="List movements of your earnings",
    operation=describe("listEarningsEntries", RoleMissing),
)
async def earnings_entries(
    request: ShopRequest, limit: Limit = 50, cursor: Cursor | None = None
) -> EntriesResponse:
    """Sales, refunds and payouts, newest first. Sellers only."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    actor.require(Role.SELLER)
    assert actor.user_id is not None
    return await _entries(request, actor.user_id, AccountKind.EARNINGS, limit, cursor)


@get("/", summary="Your earnings", operation=describe("getEarnings", RoleMissing))
async def earnings(request: ShopRequest) -> EarningsResponse:
    """Your earnings. Sellers only."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    actor.require(Role.SELLER)
    assert actor.user_id is not None
    earned = await earnings_queries.earnings(request.shop, seller_id=actor.user_id)
    return EarningsResponse(
        balance=earned.balance_cents,
        payable=earned.payable_cents,
        products=[
            ProductEarningsResponse(
                product=product.product_id,
                name=product.name,
                quantity=product.quantity,
                amount=product.amount_cents,
            )
            for product in earned.products
        ],
    )


async def _entries(
    request: ShopRequest, user_id: int, kind: AccountKind, limit: int, cursor: str | None
) -> EntriesResponse:
    found = await wallet.entries(
        request.shop, user_id=user_id, kind=kind, before_id=cursor_id(cursor), limit=limit + 1
    )
    items = [
        EntryResponse(
            id=entry.id,
            kind=TransferKind(entry.kind),
            amount=entry.amount_cents,
            order=entry.order_id,
            created_at=moment(entry.created_us),
        )
        for entry in found[:limit]
    ]
    return EntriesResponse(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


def _show_deposit(receipt: CoinsDeposited) -> DepositResponse:
    return DepositResponse(
        id=receipt.transfer_id,
        amount=receipt.amount_cents,
        balance=receipt.balance_cents,
        created_at=moment(receipt.created_us),
    )


def _show_pay_out(receipt: PaidOut) -> PayOutResponse:
    return PayOutResponse(
        id=receipt.transfer_id,
        amount=receipt.amount_cents,
        coins=receipt.coins,
        balance=receipt.balance_cents,
        created_at=moment(receipt.created_us),
    )


router = Router("/wallet", [show, deposit, pay_out, entries])
earnings_router = Router("/earnings", [earnings, earnings_entries])
