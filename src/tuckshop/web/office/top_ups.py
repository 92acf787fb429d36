"""`/office/topups`: bank transfers received, into wallets."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.ledger import TransferKind, wallet_of
from tuckshop.domain.products import REASON_LENGTH_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    ExternalRefTaken,
    NotOwner,
    Refusal,
    UnknownUser,
)
from tuckshop.domain.transfers import EXTERNAL_REF_LENGTH_MAX
from tuckshop.domain.users import USERNAME_LENGTH_MAX, Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import users
from tuckshop.queries import transfers
from tuckshop.till.commands.transfers import MoneyMoved, TopUp
from tuckshop.web.ui import flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import SignedInUser

PAGE = 25
_BESIDE: dict[type[Refusal], str] = {
    ExternalRefTaken: "external_ref",
    UnknownUser: "user",
    NotOwner: "user",
    BalanceTooLarge: "amount",
}


@get("/office/topups")
async def show(request: ShopRequest) -> Response[Any]:
    """A form, and what came so far."""
    member = await rooms.member(request, Role.ADMIN)
    user = request.query_params.get("user", "")[:USERNAME_LENGTH_MAX]
    return await _shown(request, member, BoundForm(request, {"user": user}), forms.new_key())


@post("/office/topups", status_code=303)
async def add(request: ShopRequest) -> Response[Any]:
    """One more, under the bank's reference, which is good once."""
    member = await rooms.member(request, Role.ADMIN)
    posted = await forms.read(request, "key", "user", "amount", "external_ref", "reason")
    form = BoundForm(request, posted)
    name = form.text("user", length_max=USERNAME_LENGTH_MAX)
    cents = form.amount("amount")
    external_ref = form.text("external_ref", length_max=EXTERNAL_REF_LENGTH_MAX)
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=False)
    if form.is_wrong:
        return await _shown(request, member, form, posted["key"])
    try:
        user = await users.find_by_name(request.shop, username=name)
        command = TopUp(member.caller, wallet_of(user.id), cents, external_ref, reason or None)
        receipt = await forms.execute(request, command, posted)
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE)
        return await _shown(request, member, form, posted["key"])
    assert isinstance(receipt, MoneyMoved)
    words, currency = i18n.of(request), request.shop.currency
    response = forms.to_page("/office/topups")
    flash.leave(
        response,
        request,
        words.gettext(
            "%(amount)s added for %(name)s, who has %(balance)s now.",
            amount=words.money(receipt.amount_cents, currency),
            name=user.username,
            balance=words.money(receipt.balance_cents, currency),
        ),
    )
    return response


HANDLERS = (show, add)


async def _shown(request: ShopRequest, member: SignedInUser, form: BoundForm, key: str) -> Response[Any]:
    before_id = rooms.before(request)
    found = await transfers.referenced(
        request.shop, actor=member.actor, kind=TransferKind.TOPUP, before_id=before_id, limit=PAGE + 1
    )
    return rooms.page(
        request,
        "office/top_ups.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        key=key,
        topups=found[:PAGE],
        before=found[PAGE - 1].id if len(found) > PAGE else None,
    )
