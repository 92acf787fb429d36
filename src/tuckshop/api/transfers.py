"""/v1/wallet/transfers, /v1/topups and /v1/earnings/{seller}/payouts: money without coins."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.requests import respond
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    ExternalRefTaken,
    InsufficientFunds,
    InvalidField,
    NotOwner,
    NotPayable,
    RoleMissing,
    SelfService,
    UnknownUser,
)
from tuckshop.domain.transfers import EXTERNAL_REF_LENGTH_MAX
from tuckshop.http.fields import TEXT_PATTERN, Id, Moment, PathId, Reason, ResponseBody, moment
from tuckshop.http.handlers import Router, describe, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.till.commands.transfers import MoneyMoved, PaySeller, SellerPaid, SendMoney, TopUp

Amount = Annotated[int, msgspec.Meta(ge=1, le=BALANCE_CENTS_MAX, examples=[100])]
ExternalRef = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=EXTERNAL_REF_LENGTH_MAX,
        description="The bank's reference, or yours. It can be used once.",
        examples=["bank-2025-10-09-17"],
        extra_json_schema={"pattern": TEXT_PATTERN},
    ),
]


class SendBody(Body):
    """The amount, and the buyer who receives it."""

    to: Id
    amount: Amount
    reason: Reason | None = None


class TopUpBody(Body):
    """The bank transfer received, and whose wallet it is for."""

    user: Id
    amount: Amount
    external_ref: ExternalRef
    reason: Reason | None = None


class PaySellerBody(Body):
    """The payout; everything payable unless an amount is given."""

    external_ref: ExternalRef
    amount: Amount | None = None
    reason: Reason | None = None


class MoneyMovedResponse(ResponseBody):
    """The amount, and the wallet's balance after it."""

    id: int
    amount: int
    balance: int
    created_at: Moment


class SellerPaidResponse(ResponseBody):
    """The amount paid, and the remaining earnings and payable amount."""

    id: int
    amount: int
    balance: int
    payable: int
    created_at: Moment


@post(
    "/",
    summary="Send money to another buyer",
    operation=describe(
        "sendMoney",
        RoleMissing,
        NotOwner,
        UnknownUser,
        InvalidField,
        InsufficientFunds,
        BalanceTooLarge,
        keyed=True,
        body=SendBody,
    ),
)
async def send(request: ShopRequest) -> Response[MoneyMovedResponse]:
    """From your own wallet."""
    caller = request.caller
    data = await request.parsed(SendBody)
    command = SendMoney(caller, wallet_of(caller.user_id), wallet_of(data.to), data.amount, data.reason)
    return respond(await request.execute(command), MoneyMoved, _show_moved, status=201)


@post(
    "/",
    summary="Top up a wallet by bank transfer",
    operation=describe(
        "topUp",
        SelfService,
        RoleMissing,
        UnknownUser,
        BalanceTooLarge,
        ExternalRefTaken,
        keyed=True,
        body=TopUpBody,
    ),
)
async def top_up(request: ShopRequest) -> Response[MoneyMovedResponse]:
    """Admins only. A reference can be used once; a second use is refused and names the first transfer."""
    caller = request.caller
    data = await request.parsed(TopUpBody)
    command = TopUp(caller, wallet_of(data.user), data.amount, data.external_ref, data.reason)
    return respond(await request.execute(command), MoneyMoved, _show_moved, status=201)


@post(
    "/{seller_id:int}/payouts",
    summary="Pay a seller",
    operation=describe(
        "paySeller",
        SelfService,
        RoleMissing,
        UnknownUser,
        NotPayable,
        ExternalRefTaken,
        keyed=True,
        body=PaySellerBody,
    ),
)
async def pay_seller(request: ShopRequest, seller_id: PathId) -> Response[SellerPaidResponse]:
    """Admins only. At most what is payable: completed, paid, and no longer returnable."""
    caller = request.caller
    data = await request.parsed(PaySellerBody)
    command = PaySeller(caller, seller_id, data.external_ref, data.amount, data.reason)
    return respond(await request.execute(command), SellerPaid, _show_paid, status=201)


def _show_moved(receipt: MoneyMoved) -> MoneyMovedResponse:
    return MoneyMovedResponse(
        id=receipt.transfer_id,
        amount=receipt.amount_cents,
        balance=receipt.balance_cents,
        created_at=moment(receipt.created_us),
    )


def _show_paid(receipt: SellerPaid) -> SellerPaidResponse:
    return SellerPaidResponse(
        id=receipt.transfer_id,
        amount=receipt.amount_cents,
        balance=receipt.balance_cents,
        payable=receipt.payable_cents,
        created_at=moment(receipt.created_us),
    )


router = Router("/wallet/transfers", [send])
topups = Router("/topups", [top_up])
payouts = Router("/earnings", [pay_seller])
