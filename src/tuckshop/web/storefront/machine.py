"""The vending machine: `/` and `/m/<machine>`, and what is pressed on it.

Each press is a form: POST coins, buy, return or undo, answered by 303 to the page, with a note of what has
happened for its display and tray.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from starlette.exceptions import HTTPException

from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.orders import Change
from tuckshop.domain.products import CATEGORY_LENGTH_MAX
from tuckshop.domain.refusals import InsufficientFunds, KeyReused, OutOfStock, Refusal, SessionEnded
from tuckshop.domain.users import name_key
from tuckshop.http import browser_login as browser
from tuckshop.http import cookies
from tuckshop.http.handlers import get, post
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.queries import machines, storefront
from tuckshop.till.commands.base import Command, Receipt
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.refunds import Refund, Refunded
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut
from tuckshop.web.storefront import cart as picks
from tuckshop.web.storefront import display
from tuckshop.web.storefront import flash as notes
from tuckshop.web.storefront.flash import Event, Note
from tuckshop.web.ui import error_pages as errors
from tuckshop.web.ui import forms, visitors
from tuckshop.web.ui import i18n as texts
from tuckshop.web.ui import layout as pages
from tuckshop.web.ui.visitors import Visitor

MACHINES_MAX = 20  # That a page offers to go to.
CODE_LENGTH_MAX = 16
TWICE_US = 5_000_000  # A finger that presses twice takes less, and is told what the first press did.
_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
RETURN = "return"
AGAIN = b"x-again"
Number = Annotated[str, msgspec.Meta(description="Of the machine.")]


@get("/")
async def front(request: Call) -> Response[Any]:
    """The first machine; at a kiosk its own."""
    visitor = await visitors.of(request)
    return await _shown(request, visitor, visitor.machine_id or DEFAULT_MACHINE_ID)


@get("/m/{machine:str}")
async def machine(request: Call, machine: Number) -> Response[Any]:
    """One machine; a kiosk shows no other than its own."""
    visitor = await visitors.of(request)
    machine_id = _id(machine)
    if visitor.machine_id not in (None, machine_id):
        return forms.to_page("/")
    return await _shown(request, visitor, machine_id)


@post("/m/{machine:str}/coins", status_code=303)
async def put_coin(request: Call, machine: Number) -> Response[Any]:
    """One coin in."""
    posted = await forms.read(request, "key", "pick", "category", "change", "coin")
    coin = int(posted["coin"]) if _ID.fullmatch(posted["coin"]) else 0

    def command(visitor: Visitor, machine_id: int) -> Command:
        assert visitor.caller is not None
        assert visitor.wallet is not None
        return Deposit(visitor.caller, visitor.wallet, {coin: 1}, machine_id)

    return await _pressed(request, machine, posted, command, lambda _: None, makes=True)


@post("/m/{machine:str}/buy", status_code=303)
async def buy(request: Call, machine: Number) -> Response[Any]:
    """All that was chosen, at once."""
    posted = await forms.read(request, "key", "pick", "category", "change")
    chosen = picks.read(posted["pick"])
    if not chosen:
        return await _back(request, machine, posted, Note(event=Event.NOTHING_CHOSEN))

    def command(visitor: Visitor, machine_id: int) -> Command:
        assert visitor.caller is not None
        assert visitor.wallet is not None
        change = Change.RETURN if posted["change"] == RETURN else Change.KEEP
        lines = tuple(chosen.items())
        return PlaceOrder(visitor.caller, visitor.wallet, lines, change, None, machine_id)

    def told(receipt: Receipt) -> Note:
        assert isinstance(receipt, OrderPlaced)
        sold = {line.product_id: line.quantity for line in receipt.lines}
        cents = sum(value * count for value, count in receipt.change.items())
        name = receipt.lines[0].name if len(receipt.lines) == 1 else ""
        return Note(event=Event.BOUGHT, text=name, products=sold, coins=receipt.change, cents=cents)

    return await _pressed(request, machine, posted, command, told, makes=True, empties=True)


@post("/m/{machine:str}/return", status_code=303)
async def pull_lever(request: Call, machine: Number) -> Response[Any]:
    """All money back."""
    posted = await forms.read(request, "key", "pick", "category", "change")

    def command(visitor: Visitor, machine_id: int) -> Command:
        assert visitor.caller is not None
        assert visitor.wallet is not None
        return PayOut(visitor.caller, visitor.wallet, machine_id)

    def told(receipt: Receipt) -> Note:
        assert isinstance(receipt, PaidOut)
        return Note(event=Event.RETURNED, coins=receipt.coins, cents=receipt.amount_cents)

    return await _pressed(request, machine, posted, command, told)


@post("/m/{machine:str}/undo", status_code=303)
async def undo(request: Call, machine: Number) -> Response[Any]:
    """The newest purchase back, as long as its buyer may."""
    posted = await forms.read(request, "key", "pick", "category", "change", "order")
    order_id = int(posted["order"]) if _ID.fullmatch(posted["order"]) else 0
    visitor = await _presser(request)
    newest = None
    if visitor.wallet is not None:
        newest = await storefront.newest_bought(request.shop, wallet=visitor.wallet, machine_id=_id(machine))
    # A kiosk's key may give back any order of its machine, and the one who posts this only the own.
    if newest is None or newest.order_id != order_id:
        return await _back(request, machine, posted, Note(event=Event.COME_AGAIN))

    def command(visitor: Visitor, _: int) -> Command:
        assert visitor.caller is not None
        return Refund(visitor.caller, order_id)

    def told(receipt: Receipt) -> Note:
        assert isinstance(receipt, Refunded)
        return Note(event=Event.UNDONE, cents=receipt.amount_cents)

    return await _pressed(request, machine, posted, command, told)


HANDLERS = (front, machine, put_coin, buy, pull_lever, undo)


async def _shown(request: Call, visitor: Visitor, machine_id: int) -> Response[Any]:
    if visitor.has_ended:  # Once more, as a guest: no form works with the cookie of a session that is over.
        response: Response[Any] = forms.to_page(pages.here(request))
        browser.forget(response, request)
        return response
    shop = request.shop
    standing = await machines.find(shop, machine_id=machine_id)
    query = dict(request.query_params.items())
    chosen = picks.read(query.get("pick", ""))
    shelves = await storefront.stocked(shop, machine_id=machine_id, also=chosen)
    by_id = {one.product_id: one for one in shelves}
    code = query.get("code", "").strip()[:CODE_LENGTH_MAX]
    named = next((one for one in shelves if one.code.casefold() == code.casefold()), None)
    added = named.product_id if named else int(query["add"]) if _ID.fullmatch(query.get("add", "")) else 0
    chosen = {one: min(pieces, by_id[one].stock) for one, pieces in chosen.items() if one in by_id}
    chosen = {one: pieces for one, pieces in chosen.items() if pieces}
    if added in by_id:
        chosen = picks.with_one_more(chosen, added, stock=by_id[added].stock)
    if _ID.fullmatch(query.get("drop", "")):
        chosen = picks.with_one_less(chosen, int(query["drop"]))
    picked, change = picks.write(chosen), RETURN if query.get("change") == RETURN else "keep"
    category = query.get("category", "").strip()
    categories = _categories(shelves)
    category = categories.get(name_key(category), "")
    balance_cents, bought = 0, None
    if visitor.wallet is not None:
        balance_cents = await storefront.balance_cents(shop, wallet=visitor.wallet)
        bought = await storefront.newest_bought(shop, wallet=visitor.wallet, machine_id=machine_id)
    note = notes.read(request)
    missed = by_id.get(note.sold_out) if note is not None and note.sold_out is not None else None
    seen = display.Seen(
        chosen={by_id[one]: pieces for one, pieces in chosen.items()},
        balance_cents=balance_cents,
        wrong_code=code if code and named is None else "",
        sold_out=by_id[added].name if added in by_id and not by_id[added].stock else "",
        puts_coins=visitor.puts_coins,
        note=note,
        missed=missed.name if missed else "",
    )
    others = [] if visitor.is_kiosk else await machines.page(shop, limit=MACHINES_MAX)
    response = pages.page(
        request,
        "machine.html",
        machine=standing,
        machines=others if len(others) > 1 else [],
        shown=[one for one in shelves if not category or name_key(one.category or "") == name_key(category)],
        category=category,
        categories={
            one: _href(machine_id, pick=picked, category=one, change=change)
            for one in (["", *categories.values()] if categories else [])
        },
        by_id=by_id,
        seen=seen,
        pick=picked,
        said=display.said(seen, texts.of(request), shop.currency),
        greeting=display.greeting(seen, texts.of(request)),
        left_forms=display.left_forms(texts.of(request)),
        code=code if named is None else "",
        change=change,
        coins=shop.currency.denominations if visitor.puts_coins else (),
        currency=shop.currency,
        bought=bought,
        bought_seconds=max((bought.until_us - shop.clock()) // 1_000_000, 0) if bought else 0,
        key=forms.key_of(query.get("key", "")),
        next_key=forms.new_key(),
        visitor=visitor,
        note=note,
    )
    visitors.remember(response, request, visitor)
    if note is not None:
        cookies.drop(response, request, notes.COOKIE)
    return response


async def _pressed(
    request: Call,
    machine: str,
    posted: dict[str, str],
    command: Callable[[Visitor, int], Command],
    told: Callable[[Receipt], Note | None],
    *,
    makes: bool = False,
    empties: bool = False,
) -> Response[Any]:
    """The press settled, and the way back to the page. `makes`: a guest who was never here gets a wallet.

    `empties`: nothing is chosen any more once it has worked.
    """
    machine_id = _id(machine)
    visitor = await _presser(request, make=makes)
    if visitor.caller is None:  # Without the cookie of a page that was shown before, nothing is anybody's.
        return await _back(request, machine, posted, Note(event=Event.COME_AGAIN))
    try:
        envelope = forms.enveloped(request, command(visitor, machine_id), posted)
        outcome = await request.shop.till.execute(envelope)
        receipt = outcome.receipt()
    except KeyReused:
        return await _back(request, machine, posted, Note(event=Event.COME_AGAIN))
    except Refusal as refusal:
        return await _back(request, machine, posted, _why_not(request, refusal))
    assert isinstance(receipt, CoinsDeposited | OrderPlaced | PaidOut | Refunded)
    note = told(receipt)
    # Sent again by a script whose line broke, it is to say what it has done; by somebody who went back, not.
    is_late = request.shop.clock() - receipt.created_us > TWICE_US and not request.given(AGAIN)
    if outcome.replayed and is_late:
        note = Note(event=Event.ALREADY)
    if empties:
        posted = {**posted, "pick": ""}
    return await _back(request, machine, posted, note)


async def _presser(request: Call, *, make: bool = False) -> Visitor:
    """Who presses. Raises SessionEnded, which leads to the log-in, rather than take a buyer for a guest."""
    visitor = await visitors.of(request, make=make)
    if visitor.has_ended:
        raise SessionEnded
    return visitor


def _why_not(request: Call, refusal: Refusal) -> Note:
    match refusal:
        case OutOfStock(product=product_id, available=available):
            return Note(event=Event.SOLD_OUT, sold_out=product_id, available=available)
        case InsufficientFunds():
            return Note(event=Event.TOO_LITTLE)
        case _:
            return Note(event=Event.REFUSED, text=errors.said(refusal, texts.of(request), request)[:300])


async def _back(request: Call, machine: str, posted: dict[str, str], note: Note | None) -> Response[Any]:
    """To the machine, with what was chosen, and a note for its display."""
    pick = picks.write(picks.read(posted["pick"]))
    category = posted["category"][:CATEGORY_LENGTH_MAX]
    response = forms.to_page(_href(_id(machine), pick=pick, category=category, change=posted["change"]))
    if note is not None:
        notes.leave(response, request, note)
    return response


def _href(machine_id: int, *, pick: str, category: str, change: str) -> str:
    """The machine's page with what was chosen, on the shelves of one category, or of all."""
    kept = {"pick": pick, "category": category, "change": RETURN if change == RETURN else ""}
    query = urlencode({name: value for name, value in kept.items() if value})
    return f"/m/{machine_id}" + (f"?{query}" if query else "")


def _categories(shelves: list[storefront.Stocked]) -> dict[str, str]:
    """The categories to choose from, by their keys; none where there is no choice."""
    found = {name_key(one.category): one.category for one in shelves if one.category}
    return dict(sorted(found.items())) if len(found) > 1 else {}


def _id(machine: str) -> int:
    if not _ID.fullmatch(machine):
        raise HTTPException(404)
    return int(machine)
