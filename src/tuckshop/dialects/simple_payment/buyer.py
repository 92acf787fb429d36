"""Coins in and out, and what they buy."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.dialects.simple_payment.common import API, respond
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    ChangeUnpayable,
    CoinNotAccepted,
    CoinsCapReached,
    InsufficientFunds,
    InvalidField,
    NothingToPayOut,
    OutOfStock,
    RoleMissing,
    SessionEnded,
    UnknownProduct,
    UnknownUser,
)
from tuckshop.http.fields import Pieces, ProductName, ResponseBody
from tuckshop.http.handlers import describe, patch, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response, rendered
from tuckshop.identity import users
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut

Coin = Annotated[int, msgspec.Meta(ge=1, le=BALANCE_CENTS_MAX, examples=[50])]


class DepositBody(Body):
    """One coin."""

    deposit: Coin


class DepositResponse(ResponseBody):
    """What the buyer has now."""

    username: str
    deposit: int


class ResetResponse(ResponseBody):
    """The number of each coin paid out, and the cents that no coin can pay."""

    username: str
    deposit: int
    returned: dict[str, int]


class BuyBody(Body):
    """The product's name and its quantity, by default 1."""

    name: ProductName
    amount: Pieces = 1


class PurchaseResponse(ResponseBody):
    """The purchase, its total, and the buyer's balance now."""

    name: str
    spent: int
    deposit: int


@patch(
    f"{API}/buyer/deposit",
    summary="Deposit a coin",
    operation=describe(
        "deposit",
        RoleMissing,
        CoinNotAccepted,
        InvalidField,
        BalanceTooLarge,
        CoinsCapReached,
        keyed=True,
        body=DepositBody,
    ),
)
async def deposit(request: ShopRequest) -> Response[DepositResponse]:
    """Deposits a coin of 5, 10, 20, 50 or 100 cents."""
    caller = request.caller
    data = await request.parsed(DepositBody)
    username = await _username(request)
    outcome = await request.execute(Deposit(caller, wallet_of(caller.user_id), {data.deposit: 1}))

    def show(receipt: CoinsDeposited) -> DepositResponse:
        return DepositResponse(username=username, deposit=receipt.balance_cents)

    return respond(outcome, CoinsDeposited, show, status=200)


@post(
    f"{API}/buyer/reset",
    status_code=200,
    summary="Return the deposit",
    operation=describe("reset", RoleMissing, ChangeUnpayable, keyed=True),
)
async def reset(request: ShopRequest) -> Response[ResetResponse]:
    """Pays out the deposit in coins, as far as coins can pay it."""
    caller = request.caller
    username = await _username(request)
    outcome = await request.execute(PayOut(caller, wallet_of(caller.user_id)))
    if isinstance(outcome.answer, NothingToPayOut):
        nothing = ResetResponse(username=username, deposit=outcome.answer.balance_cents, returned={})
        return rendered(outcome, nothing, status=200)

    def show(receipt: PaidOut) -> ResetResponse:
        coins = {str(value): count for value, count in sorted(receipt.coins.items(), reverse=True)}
        return ResetResponse(username=username, deposit=receipt.balance_cents, returned=coins)

    return respond(outcome, PaidOut, show, status=200)


@post(
    f"{API}/buyer/buy",
    status_code=200,
    summary="Buy",
    operation=describe(
        "buy",
        RoleMissing,
        UnknownProduct,
        InvalidField,
        OutOfStock,
        InsufficientFunds,
        keyed=True,
        body=BuyBody,
    ),
)
async def buy(request: ShopRequest) -> Response[PurchaseResponse]:
    """Buys a product from the deposit. The rest stays in the deposit."""
    caller = request.caller
    data = await request.parsed(BuyBody)
    command = PlaceOrder(caller, wallet_of(caller.user_id), (), named=((data.name, data.amount),))
    return respond(await request.execute(command), OrderPlaced, _show_purchase, status=200)


def _show_purchase(order: OrderPlaced) -> PurchaseResponse:
    (line,) = order.lines
    return PurchaseResponse(name=line.name, spent=order.total_cents, deposit=order.balance_cents)


async def _username(request: ShopRequest) -> str:
    """The caller's name. Raises SessionEnded if the account was closed."""
    try:
        return (await users.find(request.shop, user_id=request.caller.user_id)).username
    except UnknownUser:
        raise SessionEnded from None
