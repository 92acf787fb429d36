"""`/office/transfers/{number}`: one movement of money, and taking it back."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.products import REASON_LENGTH_MAX
from tuckshop.domain.refusals import Refusal, ReversalNotCovered, RoleMissing, UnknownTransfer
from tuckshop.domain.users import Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries import transfers
from tuckshop.till.commands.transfers import ReverseTransfer, TransferReversed
from tuckshop.web.ui import flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import Number, SignedInUser

_BESIDE: dict[type[Refusal], str] = {ReversalNotCovered: "owe"}


@get("/office/transfers/{transfer:str}")
async def show(request: ShopRequest, transfer: Number) -> Response[Any]:
    """What moved, and whether it was taken back."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    return await _shown(request, member, transfer, BoundForm(request), forms.new_key())


@post("/office/transfers/{transfer:str}/reverse", status_code=303)
async def reverse(request: ShopRequest, transfer: Number) -> Response[Any]:
    """All of it, once, with a reason."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    posted = await forms.read(request, "key", "reason", "owe")
    form = BoundForm(request, posted)
    reason = form.text("reason", length_max=REASON_LENGTH_MAX)
    if form.is_wrong:
        return await _shown(request, member, transfer, form, posted["key"])
    command = ReverseTransfer(member.caller, rooms.number(transfer), reason, owe=posted["owe"] == "on")
    try:
        receipt = await forms.execute(request, command, posted)
    except (UnknownTransfer, RoleMissing):
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE)
        return await _shown(request, member, transfer, form, posted["key"])
    assert isinstance(receipt, TransferReversed)
    response = forms.to_page(f"/office/transfers/{command.transfer_id}")
    flash.leave(response, request, _told(request, receipt))
    return response


HANDLERS = (show, reverse)


def _told(request: ShopRequest, receipt: TransferReversed) -> str:
    words, currency = i18n.of(request), request.shop.currency
    told = [words.gettext("%(amount)s reversed.", amount=words.money(receipt.amount_cents, currency))]
    if receipt.charged_cents:
        charged = words.money(receipt.charged_cents, currency)
        told.append(words.gettext("%(amount)s went on the tab.", amount=charged))
    coins = ", ".join(
        f"{abs(count)} × {words.money(value, currency)}" for value, count in receipt.coins.items()
    )
    if coins and min(receipt.coins.values()) < 0:
        told.append(words.gettext("Take out of the coin box: %(coins)s.", coins=coins))
    elif coins:
        told.append(words.gettext("Put into the coin box: %(coins)s.", coins=coins))
    return " ".join(told)


async def _shown(
    request: ShopRequest, member: SignedInUser, transfer: Number, form: BoundForm, key: str
) -> Response[Any]:
    found = await transfers.find(request.shop, actor=member.actor, transfer_id=rooms.number(transfer))
    return rooms.page(
        request,
        "office/transfer.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        key=forms.key_of(key),
        transfer=found,
        can_owe=found.user_id is not None,
        can_reverse=found.is_reversible(member.actor),
    )
