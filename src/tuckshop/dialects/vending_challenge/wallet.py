"""Coins in and out, and what they buy."""

from __future__ import annotations

from collections import Counter
from itertools import chain, islice, repeat
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from tuckshop.dialects.vending_challenge.common import API, respond
from tuckshop.domain.coins import PIECES_MAX
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.orders import Change
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
    UnknownProduct,
)
from tuckshop.domain.users import Role
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import (
    Id,
    Pieces,
    ResponseBody,
)
from tuckshop.http.handlers import describe, get, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response, rendered
from tuckshop.identity import sessions
from tuckshop.queries import wallet
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut

COINS_LISTED_MAX = PIECES_MAX  # The contract lists coins one by one: as many as anybody puts in at once.

Coin = Annotated[int, msgspec.Meta(ge=1, le=BALANCE_CENTS_MAX, examples=[50])]


class DepositBody(Body):
    """One coin in `amount`, `deposit` or `coin`, or several in `coins`."""

    coin: Coin | UnsetType = UNSET
    amount: Coin | UnsetType = UNSET
    deposit: Coin | UnsetType = UNSET
    coins: Annotated[list[Coin], msgspec.Meta(min_length=1, max_length=1_000)] | UnsetType = UNSET


class DepositResponse(ResponseBody):
    """What the buyer has now."""

    deposit: int


class BalanceResponse(ResponseBody):
    """The buyer's balance, and the coins for a payout, largest first; none if there are more than 10,000."""

    deposit: int
    change: list[int]


class ResetResponse(ResponseBody):
    """The coins paid out, largest first, and the cents that no coin can pay."""

    deposit: int
    returned: list[int]


class BuyBody(Body, rename="camel"):
    """A product and its quantity."""

    product_id: Id
    amount: Pieces


class BoughtResponse(ResponseBody, rename="camel"):
    """A purchased product; `cost` is the price of one piece."""

    product_id: int
    product_name: str
    amount: int
    cost: int


class PurchaseResponse(ResponseBody):
    """The purchase, its total, and the coins of the change, largest first."""

    total: int
    products: list[BoughtResponse]
    change: list[int]
    deposit: int


@post(
    [f"{API}/wallet/deposit", f"{API}/deposit", "/deposit"],
    status_code=200,
    summary="Deposit coins",
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
    """Deposits coins of 5, 10, 20, 50 and 100 cents."""
    caller = request.caller
    data = await request.parsed(DepositBody)
    given = [name for name in data.__struct_fields__ if getattr(data, name) is not UNSET]
    if len(given) != 1:
        raise Malformed(("coin", "or amount, deposit or coins must be given, but only one of them"))
    coins = getattr(data, given[0])
    counted = Counter(coins if isinstance(coins, list) else [coins])
    outcome = await request.execute(Deposit(caller, wallet_of(caller.user_id), dict(counted)))
    return respond(outcome, CoinsDeposited, _show_deposit, status=200)


@get(f"{API}/wallet/balance", summary="Your balance", operation=describe("balance", RoleMissing))
async def balance(request: ShopRequest) -> BalanceResponse:
    """The deposit, and the coins for a payout."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    actor.require(Role.BUYER)
    assert actor.user_id is not None
    held = await wallet.balance(request.shop, user_id=actor.user_id)
    is_payable = sum(held.coins.values()) <= COINS_LISTED_MAX
    return BalanceResponse(deposit=held.balance_cents, change=_listed(held.coins) if is_payable else [])


@post(
    [f"{API}/wallet/reset", f"{API}/reset", "/reset"],
    status_code=200,
    summary="Return the deposit",
    operation=describe("reset", RoleMissing, ChangeUnpayable, keyed=True),
)
async def reset(request: ShopRequest) -> Response[ResetResponse]:
    """Pays out the deposit in coins, as far as coins can pay it; at most 10,000 of them."""
    caller = request.caller
    outcome = await request.execute(PayOut(caller, wallet_of(caller.user_id), coins_max=COINS_LISTED_MAX))
    if isinstance(outcome.answer, NothingToPayOut):
        nothing = ResetResponse(deposit=outcome.answer.balance_cents, returned=[])
        return rendered(outcome, nothing, status=200)
    return respond(outcome, PaidOut, _show_reset, status=200)


@post(
    [f"{API}/wallet/buy", f"{API}/buy", "/buy"],
    status_code=200,
    summary="Buy",
    operation=describe(
        "buy",
        RoleMissing,
        UnknownProduct,
        InvalidField,
        OutOfStock,
        InsufficientFunds,
        ChangeUnpayable,
        keyed=True,
        body=BuyBody,
    ),
)
async def buy(request: ShopRequest) -> Response[PurchaseResponse]:
    """Buys a product from the deposit. The rest is returned in coins, at most 10,000 of them."""
    caller = request.caller
    data = await request.parsed(BuyBody)
    command = PlaceOrder(
        caller,
        wallet_of(caller.user_id),
        ((data.product_id, data.amount),),
        change=Change.RETURN,
        coins_max=COINS_LISTED_MAX,
    )
    return respond(await request.execute(command), OrderPlaced, _show_purchase, status=200)


def _show_deposit(receipt: CoinsDeposited) -> DepositResponse:
    return DepositResponse(deposit=receipt.balance_cents)


def _show_reset(receipt: PaidOut) -> ResetResponse:
    return ResetResponse(deposit=receipt.balance_cents, returned=_listed(receipt.coins))


def _show_purchase(order: OrderPlaced) -> PurchaseResponse:
    return PurchaseResponse(
        total=order.total_cents,
        products=[
            BoughtResponse(
                product_id=line.product_id,
                product_name=line.name,
                amount=line.quantity,
                cost=line.price_cents,
            )
            for line in order.lines
        ],
        change=_listed(order.change),
        deposit=order.balance_cents,
    )


def _listed(coins: dict[int, int]) -> list[int]:
    """Coin by coin, largest first. No more, even of what was paid out before there was a limit."""
    each = (repeat(value, coins[value]) for value in sorted(coins, reverse=True))
    return list(islice(chain.from_iterable(each), COINS_LISTED_MAX))
