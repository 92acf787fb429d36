"""`/office/tabs`: who owes what, and settling it in coins or with what came to the bank."""

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
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.queries import machines, transfers
from tuckshop.queries import tabs as tab_queries
from tuckshop.till.commands.tabs import SettleTab, TabSettled
from tuckshop.web.office import coin_form as coins
from tuckshop.web.ui import flash as notices
from tuckshop.web.ui import forms, rooms
from tuckshop.web.ui import i18n as texts
from tuckshop.web.ui.bound_form import Filled
from tuckshop.web.ui.rooms import Member, Number

PAGE = 50
BOXES_MAX = 100  # Machines to choose from: more would be no list any more.
_BESIDE: dict[type[Refusal], str] = {
    ExternalRefTaken: "external_ref",
    SettlementExceedsTab: "amount",
    UnknownMachine: "machine",
}


@get("/office/tabs")
async def index(request: Call) -> Response[Any]:
    """Those who owe, or may owe by a limit of their own."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    found = await tab_queries.page(request.shop, after_id=rooms.after(request), limit=PAGE + 1)
    return rooms.page(
        request,
        "office/tabs.html",
        member=member,
        tabs=found[:PAGE],
        after=found[PAGE - 1].user_id if len(found) > PAGE else None,
    )


@get("/office/tabs/{user:str}")
async def show(request: Call, user: Number) -> Response[Any]:
    """One of them."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    return await _tab(request, member, user)


@post("/office/tabs/{user:str}/coins", status_code=303)
async def settle_in_coins(request: Call, user: Number) -> Response[Any]:
    """Coins into a box; what they are worth beyond the tab stays in the wallet."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    values = request.shop.currency.accepted_cents
    posted = await forms.read(request, "key", "machine", *coins.names(values))
    form = Filled(request, posted)
    machine_id = form.whole("machine", least=1)
    paid = coins.carried(form, values)
    if form.is_wrong:
        return await _tab(request, member, user, in_coins=form, key=posted["key"])
    command = SettleTab(member.caller, rooms.number(user), coins=paid, machine_id=machine_id)
    try:
        receipt = await forms.settled(request, command, posted)
    except UnknownUser:
        raise
    except Refusal as refusal:
        coins.refuse(form, refusal, beside={**_BESIDE, SettlementExceedsTab: coins.ALL})
        return await _tab(request, member, user, in_coins=form, key=posted["key"])
    assert isinstance(receipt, TabSettled)
    return _settled(request, command.user_id, receipt)


@post("/office/tabs/{user:str}/bank", status_code=303)
async def settle_by_bank(request: Call, user: Number) -> Response[Any]:
    """What came to the bank, under its reference, which is good once."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    posted = await forms.read(request, "key", "amount", "external_ref")
    form = Filled(request, posted)
    cents = form.amount("amount")
    external_ref = form.text("external_ref", length_max=EXTERNAL_REF_LENGTH_MAX)
    if form.is_wrong:
        return await _tab(request, member, user, by_bank=form, key=posted["key"])
    command = SettleTab(member.caller, rooms.number(user), amount_cents=cents, external_ref=external_ref)
    try:
        receipt = await forms.settled(request, command, posted)
    except UnknownUser:
        raise
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE)
        return await _tab(request, member, user, by_bank=form, key=posted["key"])
    assert isinstance(receipt, TabSettled)
    return _settled(request, command.user_id, receipt)


HANDLERS = (index, show, settle_in_coins, settle_by_bank)


def _settled(request: Call, user_id: int, receipt: TabSettled) -> Response[Any]:
    words, currency = texts.of(request), request.shop.currency
    response = forms.to_page(f"/office/tabs/{user_id}")
    notices.leave(
        response,
        request,
        words.gettext(
            "%(amount)s paid. %(owed)s is still owed, %(balance)s is in the wallet.",
            amount=words.money(receipt.amount_cents, currency),
            owed=words.money(receipt.owed_cents, currency),
            balance=words.money(receipt.balance_cents, currency),
        ),
    )
    return response


async def _tab(
    request: Call,
    member: Member,
    user: Number,
    *,
    in_coins: Filled | None = None,
    by_bank: Filled | None = None,
    key: str = "",
) -> Response[Any]:
    shop, user_id = request.shop, rooms.number(user)
    wrong = next((form for form in (in_coins, by_bank) if form is not None), None)
    return rooms.page(
        request,
        "office/tab.html",
        member=member,
        status=200 if wrong is None else wrong.status,
        tab=await tab_queries.find(shop, user_id=user_id),
        boxes={one.id: one.name for one in await machines.page(shop, limit=BOXES_MAX)},
        denominations=coins.taken(shop.currency),
        currency=shop.currency,
        settled=await transfers.referenced(
            shop, actor=member.actor, kind=TransferKind.SETTLEMENT, user_id=user_id, limit=PAGE
        ),
        key=forms.key_of(key),
        in_coins=in_coins or Filled(request),
        by_bank=by_bank or Filled(request),
    )
