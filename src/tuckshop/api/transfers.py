"""/v1/wallet/transfers, /v1/topups and /v1/earnings/{seller}/payouts: money without coins; and what takes any
transfer back, /v1/transfers/{id}/reversal."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.api.requests import respond
from tuckshop.domain.ledger import TransferKind, wallet_of
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import (
    AlreadyReversed,
    BalanceTooLarge,
    CoinsMissing,
    ExternalRefTaken,
    InsufficientFunds,
    InvalidField,
    NotOwner,
    NotPayable,
    NotReversible,
    PayoutNotCovered,
    ReversalNotCovered,
    RoleMissing,
    SelfService,
    UnknownTransfer,
    UnknownUser,
)
from tuckshop.domain.transfers import EXTERNAL_REF_LENGTH_MAX
from tuckshop.http.fields import TEXT_PATTERN, Id, Moment, PathId, Reason, ResponseBody, moment
from tuckshop.http.handlers import Router, describe, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.till.commands.transfers import (
    MoneyMoved,
    PaySeller,
    ReverseTransfer,
    SellerPaid,
    SendMoney,
    TopUp,
    TransferReversed,
)

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
    """The payout; everything payable unless an amount is given.

    `confirm_uncovered`: pay even if the shop has not seen that much money (see `payout-not-covered`).
    """

    external_ref: ExternalRef
    amount: Amount | None = None
    reason: Reason | None = None
    confirm_uncovered: bool = False


class ReverseBody(Body):
    """Why, and with `owe`: what the wallet lacks goes on its owner's tab."""

    reason: Reason
    owe: bool = False


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


class ReversedResponse(ResponseBody):
    """The reversal of a transfer, and the balances after it; null where none was moved.

    `charged`: went on the tab, since the wallet was too low. `coins`: into the coin box above 0, out of it
    below 0.
    """

    id: int
    reverses: int
    kind: TransferKind
    amount: int
    charged: int
    balance: int | None
    owed: int | None
    coins: dict[int, int]
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
        PayoutNotCovered,
        ExternalRefTaken,
        keyed=True,
        body=PaySellerBody,
    ),
)
async def pay_seller(request: ShopRequest, seller_id: PathId) -> Response[SellerPaidResponse]:
    """Admins only. At most what is payable: completed, paid, no longer returnable, and past the payout delay.

    Where buyers declare their own coins, more than the shop has seen needs `confirm_uncovered`.
    """
    caller = request.caller
    data = await request.parsed(PaySellerBody)
    command = PaySeller(
        caller, seller_id, data.external_ref, data.amount, data.reason, data.confirm_uncovered
    )
    return respond(await request.execute(command), SellerPaid, _show_paid, status=201)


@post(
    "/{transfer_id:int}/reversal",
    summary="Reverse a transfer",
    operation=describe(
        "reverseTransfer",
        RoleMissing,
        UnknownTransfer,
        UnknownUser,
        InvalidField,
        NotReversible,
        AlreadyReversed,
        ReversalNotCovered,
        BalanceTooLarge,
        CoinsMissing,
        keyed=True,
        body=ReverseBody,
    ),
)
async def reverse(request: ShopRequest, transfer_id: PathId) -> Response[ReversedResponse]:
    """Once: deposits, payouts and settlements by cashiers and admins, top-ups and sellers' payouts by admins.

    A settlement in coins is a deposit and a settlement: both are reversed. Cashiers do not reverse their own.
    """
    caller = request.caller
    data = await request.parsed(ReverseBody)
    command = ReverseTransfer(caller, transfer_id, data.reason, data.owe)
    return respond(await request.execute(command), TransferReversed, _show_reversed, status=201)


def _show_reversed(receipt: TransferReversed) -> ReversedResponse:
    return ReversedResponse(
        id=receipt.transfer_id,
        reverses=receipt.reverses_id,
        kind=TransferKind(receipt.kind),
        amount=receipt.amount_cents,
        charged=receipt.charged_cents,
        balance=receipt.balance_cents,
        owed=receipt.owed_cents,
        coins=receipt.coins,
        created_at=moment(receipt.created_us),
    )


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
reversals = Router("/transfers", [reverse])
