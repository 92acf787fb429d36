"""/v1/wallet/transfers, /v1/topups and /v1/earnings/{seller}/payouts: money without coins."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.requests import answered
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
    UnknownUser,
)
from tuckshop.domain.transfers import EXTERNAL_REF_LENGTH_MAX
from tuckshop.http.fields import TEXT_PATTERN, Id, Moment, PathId, Reason, Shown, moment
from tuckshop.http.handlers import Router, post, told
from tuckshop.http.request import Body, Call
from tuckshop.http.response import Response
from tuckshop.till.commands.transfers import MoneyMoved, PaySeller, SellerPaid, SendMoney, TopUp

Amount = Annotated[int, msgspec.Meta(ge=1, le=BALANCE_CENTS_MAX, examples=[100])]
ExternalRef = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=EXTERNAL_REF_LENGTH_MAX,
        description="The bank's reference, or yours: it moves money once.",
        examples=["bank-2025-10-09-17"],
        extra_json_schema={"pattern": TEXT_PATTERN},
    ),
]


class SendBody(Body):
    """How much to send to which other buyer."""

    to: Id
    amount: Amount
    reason: Reason | None = None


class TopUpBody(Body):
    """How much came to the bank for whose wallet."""

    user: Id
    amount: Amount
    external_ref: ExternalRef
    reason: Reason | None = None


class PaySellerBody(Body):
    """What the bank pays; all that is payable unless an amount is named."""

    external_ref: ExternalRef
    amount: Amount | None = None
    reason: Reason | None = None


class MoneyMovedShown(Shown):
    """What moved, and the balance that it left in the wallet."""

    id: int
    amount: int
    balance: int
    created_at: Moment


class SellerPaidShown(Shown):
    """What was paid, and what is left: earned, and payable."""

    id: int
    amount: int
    balance: int
    payable: int
    created_at: Moment


@post(
    "/",
    summary="Send money to another buyer",
    operation=told(
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
async def send(request: Call) -> Response[MoneyMovedShown]:
    """From your own wallet."""
    caller = request.caller
    data = await request.parsed(SendBody)
    command = SendMoney(caller, wallet_of(caller.user_id), wallet_of(data.to), data.amount, data.reason)
    return answered(await request.settled(command), MoneyMoved, _show_moved, status=201)


@post(
    "/",
    summary="Top a wallet up from the bank",
    operation=told(
        "topUp",
        RoleMissing,
        UnknownUser,
        BalanceTooLarge,
        ExternalRefTaken,
        keyed=True,
        body=TopUpBody,
    ),
)
async def top_up(request: Call) -> Response[MoneyMovedShown]:
    """Admins only. A reference is good once: the second time it is refused and names the first."""
    caller = request.caller
    data = await request.parsed(TopUpBody)
    command = TopUp(caller, wallet_of(data.user), data.amount, data.external_ref, data.reason)
    return answered(await request.settled(command), MoneyMoved, _show_moved, status=201)


@post(
    "/{seller_id:int}/payouts",
    summary="Pay a seller",
    operation=told(
        "paySeller",
        RoleMissing,
        UnknownUser,
        NotPayable,
        ExternalRefTaken,
        keyed=True,
        body=PaySellerBody,
    ),
)
async def pay_seller(request: Call, seller_id: PathId) -> Response[SellerPaidShown]:
    """Admins only. At most what is payable: not what buyers may still give back or have not paid."""
    caller = request.caller
    data = await request.parsed(PaySellerBody)
    command = PaySeller(caller, seller_id, data.external_ref, data.amount, data.reason)
    return answered(await request.settled(command), SellerPaid, _show_paid, status=201)


def _show_moved(receipt: MoneyMoved) -> MoneyMovedShown:
    return MoneyMovedShown(
        id=receipt.transfer_id,
        amount=receipt.amount_cents,
        balance=receipt.balance_cents,
        created_at=moment(receipt.created_us),
    )


def _show_paid(receipt: SellerPaid) -> SellerPaidShown:
    return SellerPaidShown(
        id=receipt.transfer_id,
        amount=receipt.amount_cents,
        balance=receipt.balance_cents,
        payable=receipt.payable_cents,
        created_at=moment(receipt.created_us),
    )


router = Router("/wallet/transfers", [send])
topups = Router("/topups", [top_up])
payouts = Router("/earnings", [pay_seller])
