"""/v1/tabs: settling what was bought on account."""

from __future__ import annotations

import msgspec

from tuckshop.api.requests import respond
from tuckshop.api.transfers import Amount, ExternalRef
from tuckshop.api.wallet import Coins
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    CoinNotAccepted,
    ExternalRefTaken,
    InvalidField,
    RoleMissing,
    SelfService,
    SettlementExceedsTab,
    UnknownMachine,
    UnknownUser,
)
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import Id, Moment, PathId, ResponseBody, moment
from tuckshop.http.handlers import Router, describe, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.till.commands.tabs import SettleTab, TabSettled


class BankBody(Body):
    """A bank transfer received."""

    amount: Amount
    external_ref: ExternalRef


class SettleTabBody(Body):
    """Either `coins` that were inserted, or a transfer to the `bank`."""

    coins: Coins | msgspec.UnsetType = msgspec.UNSET
    bank: BankBody | msgspec.UnsetType = msgspec.UNSET
    machine: Id = DEFAULT_MACHINE_ID


class TabSettledResponse(ResponseBody):
    """The settled amount, what is still owed, and the wallet's balance."""

    id: int
    amount: int
    owed: int
    balance: int
    created_at: Moment


@post(
    "/{user_id:int}/settlements",
    summary="Settle a tab",
    operation=describe(
        "settleTab",
        SelfService,
        RoleMissing,
        UnknownUser,
        UnknownMachine,
        CoinNotAccepted,
        InvalidField,
        SettlementExceedsTab,
        ExternalRefTaken,
        BalanceTooLarge,
        keyed=True,
        body=SettleTabBody,
    ),
)
async def settle(request: ShopRequest, user_id: PathId) -> Response[TabSettledResponse]:
    """By cashiers and admins. Coins above what is owed stay in the wallet; a reference can be used once."""
    caller = request.caller
    data = await request.parsed(SettleTabBody)
    match data.coins, data.bank:
        case (dict(coins), msgspec.UnsetType()):
            command = SettleTab(caller, user_id, coins=coins, machine_id=data.machine)
        case (msgspec.UnsetType(), BankBody(amount=amount, external_ref=external_ref)):
            command = SettleTab(caller, user_id, amount_cents=amount, external_ref=external_ref)
        case _:
            raise Malformed(("coins", "or bank must be given, not both"))
    return respond(await request.execute(command), TabSettled, _show, status=201)


def _show(receipt: TabSettled) -> TabSettledResponse:
    return TabSettledResponse(
        id=receipt.transfer_id,
        amount=receipt.amount_cents,
        owed=receipt.owed_cents,
        balance=receipt.balance_cents,
        created_at=moment(receipt.created_us),
    )


router = Router("/tabs", [settle])
