"""`/office/payouts`: what the shop owes its sellers, and paying it."""

from __future__ import annotations

import asyncio
from typing import Any

from tuckshop.domain.ledger import TransferKind
from tuckshop.domain.products import REASON_LENGTH_MAX
from tuckshop.domain.refusals import ExternalRefTaken, NotPayable, PayoutNotCovered, Refusal, UnknownUser
from tuckshop.domain.transfers import EXTERNAL_REF_LENGTH_MAX
from tuckshop.domain.users import Role
from tuckshop.http import downloads
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries import earnings, payout_signals, reports, transfers
from tuckshop.till.commands.transfers import PaySeller, SellerPaid
from tuckshop.web.ui import flash, forms, i18n, periods, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import Number, SignedInUser

PAGE = 25
_BESIDE: dict[type[Refusal], str] = {ExternalRefTaken: "external_ref", NotPayable: "amount"}


@get("/office/payouts")
async def index(request: ShopRequest) -> Response[Any]:
    """Every seller who is owed something, or owes."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    return await _index(request, member, BoundForm(request, periods.FIELDS))


@get("/office/payouts/file")
async def file(request: ShopRequest) -> Response[Any]:
    """What each sold and was paid, from day to day, for a spreadsheet."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    form = periods.asked(request)
    report = await periods.report(
        request, form, lambda period: reports.earnings(request.shop, actor=member.actor, period=period)
    )
    if report is None:
        return await _index(request, member, form)
    return await asyncio.to_thread(downloads.sheet, reports.earnings_table(report), "earnings")


@get("/office/payouts/{seller:str}")
async def show(request: ShopRequest, seller: Number) -> Response[Any]:
    """One seller, and what was paid so far."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    return await _seller(request, member, seller, BoundForm(request), forms.new_key())


@post("/office/payouts/{seller:str}", status_code=303)
async def pay(request: ShopRequest, seller: Number) -> Response[Any]:
    """All that is payable, or less, under the bank's reference, which is good once."""
    member = await rooms.member(request, Role.ADMIN)
    posted = await forms.read(request, "key", "amount", "external_ref", "reason", "confirm")
    form = BoundForm(request, posted)
    cents = form.amount("amount") if posted["amount"].strip() else None
    external_ref = form.text("external_ref", length_max=EXTERNAL_REF_LENGTH_MAX)
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=False)
    if form.is_wrong:
        return await _seller(request, member, seller, form, posted["key"])
    command = PaySeller(
        member.caller, rooms.number(seller), external_ref, cents, reason or None, bool(posted["confirm"])
    )
    try:
        receipt = await forms.execute(request, command, posted)
    except UnknownUser:
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE)
        if isinstance(refusal, PayoutNotCovered):
            return await _seller(request, member, seller, form, forms.new_key(), uncovered=refusal)
        return await _seller(request, member, seller, form, posted["key"])
    assert isinstance(receipt, SellerPaid)
    words = i18n.of(request)
    response = forms.to_page(f"/office/payouts/{command.seller_id}")
    amount = words.money(receipt.amount_cents, request.shop.currency)
    flash.leave(
        response,
        request,
        words.gettext(
            "%(amount)s paid. The reference is %(reference)s.", amount=amount, reference=external_ref
        ),
    )
    return response


HANDLERS = (index, file, show, pay)


async def _index(request: ShopRequest, member: SignedInUser, form: BoundForm) -> Response[Any]:
    found = await earnings.payables(
        request.shop, actor=member.actor, after_id=rooms.after(request), limit=PAGE + 1
    )
    sellers = found[:PAGE]
    return rooms.page(
        request,
        "office/payouts.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        sellers=sellers,
        signals=await payout_signals.of_sellers(
            request.shop, actor=member.actor, seller_ids=[one.seller_id for one in sellers]
        ),
        after=found[PAGE - 1].seller_id if len(found) > PAGE else None,
    )


async def _seller(
    request: ShopRequest,
    member: SignedInUser,
    seller: Number,
    form: BoundForm,
    key: str,
    *,
    uncovered: PayoutNotCovered | None = None,
) -> Response[Any]:
    seller_id, before_id = rooms.number(seller), rooms.before(request)
    owed = await earnings.payable(request.shop, actor=member.actor, seller_id=seller_id)
    found = await transfers.referenced(
        request.shop,
        actor=member.actor,
        kind=TransferKind.EARNINGS_PAYOUT,
        user_id=seller_id,
        before_id=before_id,
        limit=PAGE + 1,
    )
    return rooms.page(
        request,
        "office/payout.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        key=key,
        uncovered=uncovered,
        seller=owed,
        signals=await payout_signals.of_sellers(request.shop, actor=member.actor, seller_ids=[seller_id]),
        paid=found[:PAGE],
        before=found[PAGE - 1].id if len(found) > PAGE else None,
    )
