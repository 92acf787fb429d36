"""`/account/statement`, what moved the wallet; `/account/send`, some of it to somebody else."""

from __future__ import annotations

import asyncio
from typing import Any

from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.products import REASON_LENGTH_MAX
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    InsufficientFunds,
    NotOwner,
    Refusal,
    UnknownUser,
)
from tuckshop.domain.users import USERNAME_LENGTH_MAX, Role
from tuckshop.http import downloads
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import users
from tuckshop.queries import statements, wallet
from tuckshop.till.commands.transfers import SendMoney
from tuckshop.web.ui import flash, forms, i18n, periods, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import SignedInUser

PAGE = 25
_BESIDE: dict[type[Refusal], str] = {
    UnknownUser: "to",
    NotOwner: "to",
    BalanceTooLarge: "amount",
    InsufficientFunds: "amount",
}


@get("/account/statement")
async def statement(request: ShopRequest) -> Response[Any]:
    """All that moved the wallet, the newest first."""
    member = await rooms.member(request, Role.BUYER)
    return await _statement(request, member, BoundForm(request, periods.FIELDS))


@get("/account/statement/file")
async def statement_file(request: ShopRequest) -> Response[Any]:
    """The same for a spreadsheet, from day to day."""
    member = await rooms.member(request, Role.BUYER)
    form = periods.asked(request)
    report = await periods.report(
        request,
        form,
        lambda period: statements.statement(
            request.shop, actor=member.actor, user_id=member.user_id, period=period
        ),
    )
    if report is None:
        return await _statement(request, member, form)
    return await asyncio.to_thread(downloads.sheet, statements.table(report), "statement")


@get("/account/send")
async def show_send(request: ShopRequest) -> Response[Any]:
    """To whom, and how much."""
    member = await rooms.member(request, Role.BUYER)
    to = request.query_params.get("to", "")[:USERNAME_LENGTH_MAX]
    typed = {"to": to, "amount": "", "reason": ""}
    return await _send(request, member, BoundForm(request, typed), forms.new_key())


@post("/account/send", status_code=303)
async def send(request: ShopRequest) -> Response[Any]:
    """From the own wallet to another buyer's."""
    member = await rooms.member(request, Role.BUYER)
    posted = await forms.read(request, "key", "to", "amount", "reason")
    form = BoundForm(request, posted)
    to = form.text("to", length_max=USERNAME_LENGTH_MAX)
    cents = form.amount("amount")
    reason = form.text("reason", length_max=REASON_LENGTH_MAX, needed=False)
    if form.is_wrong:
        return await _send(request, member, form, posted["key"])
    try:
        target = await users.find_by_name(request.shop, username=to)
        command = SendMoney(
            member.caller, wallet_of(member.user_id), wallet_of(target.id), cents, reason or None
        )
        await forms.execute(request, command, posted)
    except Refusal as refusal:
        form.refuse(refusal, beside=_BESIDE)
        return await _send(request, member, form, posted["key"])
    words = i18n.of(request)
    response = forms.to_page("/account/statement")
    amount = words.money(cents, request.shop.currency)
    flash.leave(
        response, request, words.gettext("%(amount)s sent to %(name)s.", amount=amount, name=target.username)
    )
    return response


HANDLERS = (statement, statement_file, show_send, send)


async def _statement(request: ShopRequest, member: SignedInUser, form: BoundForm) -> Response[Any]:
    before_id = rooms.before(request)
    found = await statements.newest(request.shop, user_id=member.user_id, before_id=before_id, limit=PAGE + 1)
    return rooms.page(
        request,
        "account/statement.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        held=await wallet.balance(request.shop, user_id=member.user_id),
        movements=found[:PAGE],
        before=found[PAGE - 1].id if len(found) > PAGE else None,
    )


async def _send(request: ShopRequest, member: SignedInUser, form: BoundForm, key: str) -> Response[Any]:
    return rooms.page(
        request,
        "account/send.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        key=key,
        held=await wallet.balance(request.shop, user_id=member.user_id),
    )
