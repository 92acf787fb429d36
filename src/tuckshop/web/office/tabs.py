"""`/office/tabs`: who owes what, and settling it in coins or by bank transfer."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.ledger import TransferKind
from tuckshop.domain.refusals import (
    ExternalRefTaken,
    Refusal,
    SettlementExceedsTab,
    UnknownMachine,
    UnknownUser,
)
from tuckshop.domain.transfers import EXTERNAL_REF_LENGTH_MAX
from tuckshop.domain.users import Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries import machines, tabs, transfers
from tuckshop.till.commands.tabs import SettleTab, TabSettled
from tuckshop.web.office import coin_form
from tuckshop.web.ui import flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import Number, SignedInUser

PAGE = 50
BOXES_MAX = 100  # Machines to choose from: more would be no list any more.
_BESIDE: dict[type[Refusal], str] = {
    ExternalRefTaken: "external_ref",
    SettlementExceedsTab: "amount",
    UnknownMachine: "machine",
}


@get("/office/tabs")
async def index(request: ShopRequest) -> Response[Any]:
    """Those who owe, or may owe by a limit of their own."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    found = await tabs.page(request.shop, after_id=rooms.after(request), limit=PAGE + 1)
    return rooms.page(
        request,
        "office/tabs.html",
        member=member,
        tabs=found[:PAGE],
        after=found[PAGE - 1].user_id if len(found) > PAGE else None,
    )


@get("/office/tabs/{user:str}")
async def show(request: ShopRequest, user: Number) -> Response[Any]:
    """One of them."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    return await _tab(request, member, user)


@post("/office/tabs/{user:str}/coins", status_code=303)
async def settle_in_coins(request: ShopRequest, user: Number) -> Response[Any]:
    """Coins into a box; what they are worth beyond the tab stays in the wallet."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    values = request.shop.currency.accepted_cents
    posted = await forms.read(request, "key", "machine", *coin_form.names(values))
    form = BoundForm(request, posted)
    machine_id = form.whole("machine", least=1)
    paid = coin_form.carried(form, values)
    if form.is_wrong:
        return await _tab(request, member, user, in_coins=form, key=posted["key"])
    command = SettleTab(member.caller, rooms.number(user), coins=paid, machine_id=machine_id)
    try:
        receipt = await forms.execute(request, command, posted)
    except UnknownUser:
        raise
    except Refusal as refusal:
        coin_form.refuse(form, refusal, beside={**_BESIDE, SettlementExceedsTab: coin_form.ALL})
        return await _tab(request, member, user, in_coins=form, key=posted["key"])
    assert isinstance(receipt, TabSettled)
    return _settled(request, command.user_id, receipt)


@post("/office/tabs/{user:str}/bank", status_code=303)
async def settle_by_bank(request: ShopRequest, user: Number) -> Response[Any]:
    """A bank transfer received; its reference can be used once."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    posted = await forms.read(request, "key", "amount", "external_ref")
    form = BoundForm(request, posted)
    cents = form.amount("amount")
    external_ref = form.text("external_ref", length_max=EXTERNAL_REF_LENGTH_MAX)
    if form.is_wrong:
        return await _tab(request, member, user, by_bank=form, key=posted["key"])
    command = SettleTab(member.caller, rooms.number(user), amount_cents=cents, external_ref=external_ref)
    try:
        receipt = await forms.execute(request, command, posted)
    except UnknownUser:
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE)
        return await _tab(request, member, user, by_bank=form, key=posted["key"])
    assert isinstance(receipt, TabSettled)
    return _settled(request, command.user_id, receipt)


HANDLERS = (index, show, settle_in_coins, settle_by_bank)


def _settled(request: ShopRequest, user_id: int, receipt: TabSettled) -> Response[Any]:
    words, currency = i18n.of(request), request.shop.currency
    response = forms.to_page(f"/office/tabs/{user_id}")
    flash.leave(
        response,
        request,
        words.gettext(
            "%(amount)s paid. %(owed)s is still owed, and the wallet has %(balance)s.",
            amount=words.money(receipt.amount_cents, currency),
            owed=words.money(receipt.owed_cents, currency),
            balance=words.money(receipt.balance_cents, currency),
        ),
    )
    return response


async def _tab(
    request: ShopRequest,
    member: SignedInUser,
    user: Number,
    *,
    in_coins: BoundForm | None = None,
    by_bank: BoundForm | None = None,
    key: str = "",
) -> Response[Any]:
    shop, user_id = request.shop, rooms.number(user)
    wrong = next((form for form in (in_coins, by_bank) if form is not None), None)
    return rooms.page(
        request,
        "office/tab.html",
        member=member,
        status=200 if wrong is None else wrong.status,
        tab=await tabs.find(shop, user_id=user_id),
        boxes={one.id: one.name for one in await machines.page(shop, limit=BOXES_MAX)},
        denominations=coin_form.taken(shop.currency),
        currency=shop.currency,
        settled=await transfers.referenced(
            shop, actor=member.actor, kind=TransferKind.SETTLEMENT, user_id=user_id, limit=PAGE
        ),
        key=forms.key_of(key),
        in_coins=in_coins or BoundForm(request),
        by_bank=by_bank or BoundForm(request),
    )
