"""`/office/counter`: coins over the counter, for a user or a guest: into the wallet, or all of it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    ChangeUnpayable,
    InvalidField,
    NothingToPayOut,
    Refusal,
    UnknownGuest,
    UnknownMachine,
)
from tuckshop.domain.users import USERNAME_LENGTH_MAX, Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import guests, users
from tuckshop.queries import machines, storefront, transfers, wallet
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut
from tuckshop.web.office import coin_form
from tuckshop.web.ui import error_pages, flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import SignedInUser

BOXES_MAX = 100  # Machines to choose from: more would be no list any more.
RECENT = 10  # Who notices a mistake at the counter has just made it.
USER, GUEST = "user", "guest"
_WHO = ("who", "name")
_BESIDE: dict[type[Refusal], str] = {
    UnknownMachine: "machine",
    ChangeUnpayable: "machine",
    NothingToPayOut: "machine",
    BalanceTooLarge: coin_form.ALL,
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who stands at the counter. `wallet` None: a guest whose first coins are still to come."""

    who: str
    name: str
    wallet: AccountRef | None

    @property
    def address(self) -> str:
        """The page about this one."""
        return f"/office/counter?{urlencode({'who': self.who, 'name': self.name})}"


@get("/office/counter")
async def show(request: ShopRequest) -> Response[Any]:
    """Who is it? And then: what to do."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    asked = {name: request.query_params.get(name, "") for name in _WHO}
    form = BoundForm(request, {"who": asked["who"] or USER, "name": asked["name"]})
    if not asked["name"]:
        return await _shown(request, member, form)
    person = await _person(request, member, form)
    return await _shown(request, member, form, person)


@post("/office/counter/deposit", status_code=303)
async def deposit(request: ShopRequest) -> Response[Any]:
    """Coins into the wallet; a guest who was never here gets one."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    values = request.shop.currency.accepted_cents
    posted = await forms.read(request, "key", "machine", *_WHO, *coin_form.names(values))
    form = BoundForm(request, posted)
    person = await _person(request, member, form)
    machine_id = form.whole("machine", least=1)
    inserted = coin_form.carried(form, values)
    if form.is_wrong or person is None:
        return await _shown(request, member, form, person, put_in=form, key=posted["key"])
    try:
        ref = person.wallet or await _wallet_of_guest(request, member, person.name, make=True)
        receipt = await forms.execute(request, Deposit(member.caller, ref, inserted, machine_id), posted)
    except Refusal as refusal:
        coin_form.refuse(form, refusal, beside=_BESIDE)
        return await _shown(request, member, form, person, put_in=form, key=posted["key"])
    assert isinstance(receipt, CoinsDeposited)
    words, currency = i18n.of(request), request.shop.currency
    return _done(
        request,
        person,
        words.gettext(
            "%(amount)s added. %(name)s has %(balance)s now.",
            amount=words.money(receipt.amount_cents, currency),
            name=person.name,
            balance=words.money(receipt.balance_cents, currency),
        ),
    )


@post("/office/counter/pay-out", status_code=303)
async def pay_out(request: ShopRequest) -> Response[Any]:
    """The whole wallet in coins; what no coin can pay stays."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    posted = await forms.read(request, "key", "machine", *_WHO)
    form = BoundForm(request, posted)
    person = await _person(request, member, form)
    machine_id = form.whole("machine", least=1)
    if form.is_wrong or person is None or person.wallet is None:
        return await _shown(request, member, form, person, paid=form, key=posted["key"])
    try:
        receipt = await forms.execute(request, PayOut(member.caller, person.wallet, machine_id), posted)
    except Refusal as refusal:
        coin_form.refuse(form, refusal, beside=_BESIDE)
        return await _shown(request, member, form, person, paid=form, key=posted["key"])
    assert isinstance(receipt, PaidOut)
    words, currency = i18n.of(request), request.shop.currency
    told = ", ".join(
        f"{pieces} × {words.money(value, currency)}" for value, pieces in receipt.coins.items() if pieces
    )
    amount = words.money(receipt.amount_cents, currency)
    return _done(request, person, words.gettext("Pay out %(amount)s: %(coins)s.", amount=amount, coins=told))


HANDLERS = (show, deposit, pay_out)


async def _person(request: ShopRequest, member: SignedInUser, form: BoundForm) -> Person | None:
    """Who is meant; None, and told beside the name, if there is nobody."""
    who = form.one_of("who", (USER, GUEST))
    name = form.text("name", length_max=USERNAME_LENGTH_MAX)
    if form.is_wrong:
        return None
    try:
        if who == USER:
            user = await users.find_by_name(request.shop, username=name)
            return Person(who, user.username, wallet_of(user.id))
        return Person(who, name, await _wallet_of_guest(request, member, name))
    except UnknownGuest:
        return Person(who, name, None)
    except InvalidField as refusal:
        form.complain("name", refusal.problem)
    except Refusal as refusal:
        form.wrong["name"] = error_pages.said(refusal, i18n.of(request), request)
    return None


async def _wallet_of_guest(
    request: ShopRequest, member: SignedInUser, name: str, *, make: bool = False
) -> AccountRef:
    _, ref = await guests.wallet(request.shop, caller=member.caller, name=name, make=make)
    return ref


def _done(request: ShopRequest, person: Person, sentence: str) -> Response[Any]:
    response = forms.to_page(person.address)
    flash.leave(response, request, sentence)
    return response


async def _shown(
    request: ShopRequest,
    member: SignedInUser,
    form: BoundForm,
    person: Person | None = None,
    *,
    put_in: BoundForm | None = None,
    paid: BoundForm | None = None,
    key: str = "",
) -> Response[Any]:
    shop = request.shop
    held_cents, recent = 0, list[transfers.Recent]()
    if person is not None and person.wallet is not None:
        held_cents = await storefront.balance_cents(shop, wallet=person.wallet)
        recent = await transfers.recent(shop, actor=member.actor, wallet=person.wallet, limit=RECENT)
    return rooms.page(
        request,
        "office/cash_desk.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        person=person,
        held_cents=held_cents,
        recent=recent,
        held_coins=wallet.coins_of(shop, held_cents),
        kinds={one.value_cents: one.kind.value for one in shop.currency.denominations},
        boxes={one.id: one.name for one in await machines.page(shop, limit=BOXES_MAX)},
        denominations=coin_form.taken(shop.currency),
        currency=shop.currency,
        key=forms.key_of(key),
        put_in=put_in or BoundForm(request),
        paid=paid or BoundForm(request),
    )
