"""The vending machine: `/` and `/m/<machine>`, and what is pressed on it.

Each press is a form: POST coins, buy, return or undo, answered by 303 to the page, with a note of what has
happened for its display and tray.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from starlette.exceptions import HTTPException

from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.orders import Change
from tuckshop.domain.products import CATEGORY_LENGTH_MAX
from tuckshop.domain.refusals import (
    CoinNotAccepted,
    CoinsNotAttested,
    InsufficientFunds,
    KeyReused,
    NotOwner,
    OutOfStock,
    Refusal,
    SessionEnded,
)
from tuckshop.domain.users import name_key
from tuckshop.http import browser_login, cookies
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries import machines, storefront
from tuckshop.till.commands.base import Command, Receipt
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.refunds import Refund, Refunded
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut
from tuckshop.web.storefront import cart, display, flash
from tuckshop.web.storefront.flash import Event, MachineFlash
from tuckshop.web.ui import error_pages, forms, i18n, layout, visitors
from tuckshop.web.ui.visitors import Visitor

MACHINES_MAX = 20  # That a page offers to go to.
CODE_LENGTH_MAX = 16
TWICE_US = 5_000_000  # A finger that presses twice takes less, and is told what the first press did.
_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
RETURN = "return"
AGAIN = b"x-again"
Number = Annotated[str, msgspec.Meta(description="Of the machine.")]


@get("/")
async def front(request: ShopRequest) -> Response[Any]:
    """The first machine; at a kiosk its own."""
    visitor = await visitors.of(request)
    return await _shown(request, visitor, visitor.machine_id or DEFAULT_MACHINE_ID)


@get("/m/{machine:str}")
async def machine(request: ShopRequest, machine: Number) -> Response[Any]:
    """One machine; a kiosk shows no other than its own."""
    visitor = await visitors.of(request)
    machine_id = _id(machine)
    if visitor.machine_id not in (None, machine_id):
        return forms.to_page("/")
    return await _shown(request, visitor, machine_id)


@post("/m/{machine:str}/coins", status_code=303)
async def put_coin(request: ShopRequest, machine: Number) -> Response[Any]:
    """One coin in."""
    posted = await forms.read(request, "key", "pick", "category", "change", "coin")
    coin = _number(posted["coin"])

    def command(visitor: Visitor, machine_id: int) -> Command:
        assert visitor.caller is not None
        assert visitor.wallet is not None
        return Deposit(visitor.caller, visitor.wallet, {coin: 1}, machine_id)

    return await _pressed(request, machine, posted, command, lambda _: None, coin=coin)


@post("/m/{machine:str}/buy", status_code=303)
async def buy(request: ShopRequest, machine: Number) -> Response[Any]:
    """All that was chosen, at once."""
    posted = await forms.read(request, "key", "pick", "category", "change", "total")
    chosen = cart.read(posted["pick"])
    if not chosen:
        return await _back(request, machine, posted, MachineFlash(event=Event.NOTHING_CHOSEN))

    def command(visitor: Visitor, machine_id: int) -> Command:
        assert visitor.caller is not None
        assert visitor.wallet is not None
        change = Change.RETURN if posted["change"] == RETURN else Change.KEEP
        lines = tuple(chosen.items())
        return PlaceOrder(
            visitor.caller,
            visitor.wallet,
            lines,
            change,
            machine_id=machine_id,
            expected_total_cents=_number(posted["total"]),
        )

    def flash_of(receipt: Receipt) -> MachineFlash:
        assert isinstance(receipt, OrderPlaced)
        sold = {line.product_id: line.quantity for line in receipt.lines}
        cents = sum(value * count for value, count in receipt.change.items())
        name = receipt.lines[0].name if len(receipt.lines) == 1 else ""
        return MachineFlash(event=Event.BOUGHT, text=name, products=sold, coins=receipt.change, cents=cents)

    return await _pressed(request, machine, posted, command, flash_of, empties=True)


@post("/m/{machine:str}/return", status_code=303)
async def pull_lever(request: ShopRequest, machine: Number) -> Response[Any]:
    """All money back."""
    posted = await forms.read(request, "key", "pick", "category", "change")

    def command(visitor: Visitor, machine_id: int) -> Command:
        assert visitor.caller is not None
        assert visitor.wallet is not None
        return PayOut(visitor.caller, visitor.wallet, machine_id)

    def flash_of(receipt: Receipt) -> MachineFlash:
        assert isinstance(receipt, PaidOut)
        return MachineFlash(event=Event.RETURNED, coins=receipt.coins, cents=receipt.amount_cents)

    return await _pressed(request, machine, posted, command, flash_of)


@post("/m/{machine:str}/undo", status_code=303)
async def undo(request: ShopRequest, machine: Number) -> Response[Any]:
    """The newest purchase back, as long as its buyer may."""
    posted = await forms.read(request, "key", "pick", "category", "change", "order")
    order_id = _number(posted["order"])
    visitor = await _presser(request)
    newest = None
    if visitor.wallet is not None:
        newest = await storefront.newest_bought(request.shop, wallet=visitor.wallet, machine_id=_id(machine))
    # A kiosk's key may return any order of its machine, and the one who posts this only the own.
    if newest is None or newest.order_id != order_id:
        return await _back(request, machine, posted, MachineFlash(event=Event.COME_AGAIN))

    def command(visitor: Visitor, _: int) -> Command:
        assert visitor.caller is not None
        return Refund(visitor.caller, order_id)

    def flash_of(receipt: Receipt) -> MachineFlash:
        assert isinstance(receipt, Refunded)
        return MachineFlash(event=Event.UNDONE, cents=receipt.amount_cents)

    return await _pressed(request, machine, posted, command, flash_of)


HANDLERS = (front, machine, put_coin, buy, pull_lever, undo)


async def _shown(request: ShopRequest, visitor: Visitor, machine_id: int) -> Response[Any]:
    if visitor.has_ended:  # Once more, as a guest: no form works with the cookie of a session that is over.
        response: Response[Any] = forms.to_page(layout.here(request))
        browser_login.forget(response, request)
        return response
    adopted: Response[Any] = forms.to_page(layout.here(request))
    if await visitors.adopt(request, adopted):
        return adopted
    shop = request.shop
    standing = await machines.find(shop, machine_id=machine_id)
    puts_coins = visitor.trusts_coins and standing.rules.draws_coins
    query = dict(request.query_params.items())
    chosen = cart.read(query.get("pick", ""))
    shelves = await storefront.stocked(shop, machine_id=machine_id, also=chosen)
    by_id = {one.product_id: one for one in shelves}
    code = query.get("code", "").strip()[:CODE_LENGTH_MAX]
    named = next((one for one in shelves if one.code.casefold() == code.casefold()), None)
    added = named.product_id if named else _number(query.get("add", ""))
    chosen = _chosen(chosen, by_id, added=added, dropped=_number(query.get("drop", "")))
    picked, change = cart.write(chosen), RETURN if query.get("change") == RETURN else "keep"
    category = query.get("category", "").strip()
    categories = _categories(shelves)
    category = categories.get(name_key(category), "")
    balance_cents, bought = 0, None
    if visitor.wallet is not None:
        balance_cents = await storefront.balance_cents(shop, wallet=visitor.wallet)
        bought = await storefront.newest_bought(shop, wallet=visitor.wallet, machine_id=machine_id)
    note = flash.read(request)
    missed = by_id.get(note.sold_out) if note is not None and note.sold_out is not None else None
    seen = display.Seen(
        chosen={by_id[one]: pieces for one, pieces in chosen.items()},
        balance_cents=balance_cents,
        wrong_code=code if code and named is None else "",
        sold_out=by_id[added].name if added in by_id and not by_id[added].stock else "",
        puts_coins=puts_coins,
        note=note,
        missed=missed.name if missed else "",
    )
    others = [] if visitor.is_kiosk else await machines.page(shop, limit=MACHINES_MAX)
    response = layout.page(
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
        said=display.said(seen, i18n.of(request), shop.currency),
        greeting=display.greeting(seen, i18n.of(request)),
        left_forms=display.left_forms(i18n.of(request)),
        code=code if named is None else "",
        change=change,
        coins=shop.currency.denominations if puts_coins else (),
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
        cookies.drop(response, request, flash.COOKIE)
    return response


def _chosen(
    chosen: dict[int, int], by_id: Mapping[int, storefront.ShelfItem], *, added: int, dropped: int
) -> dict[int, int]:
    """The choice as far as it is there, with a piece more of one product and one less of another."""
    chosen = {one: min(pieces, by_id[one].stock) for one, pieces in chosen.items() if one in by_id}
    chosen = {one: pieces for one, pieces in chosen.items() if pieces}
    if added in by_id:
        chosen = cart.with_one_more(chosen, added, stock=by_id[added].stock)
    return cart.with_one_less(chosen, dropped) if dropped else chosen


def _number(written: str) -> int:
    """A number in an address or a form; 0 for what is none."""
    return int(written) if _ID.fullmatch(written) else 0


async def _pressed(
    request: ShopRequest,
    machine: str,
    posted: dict[str, str],
    command: Callable[[Visitor, int], Command],
    flash_of: Callable[[Receipt], MachineFlash | None],
    *,
    coin: int | None = None,
    empties: bool = False,
) -> Response[Any]:
    """The press settled, and the way back to the page. `coin`: it puts this one in, and whoever was never
    here becomes a guest if the machine takes it.

    `empties`: nothing is chosen any more once it has worked.
    """
    machine_id = _id(machine)
    visitor = await _presser(request)
    try:
        if visitor.caller is None and coin is not None and not visitor.is_new:
            await _require_coin_taken(request, visitor, machine_id, coin)
            visitor = await _presser(request, make=True)
        if (
            visitor.caller is None
        ):  # Without the cookie of a page that was shown before, nothing is anybody's.
            event = Event.TOO_LITTLE if empties and not visitor.is_new else Event.COME_AGAIN
            return await _back(request, machine, posted, MachineFlash(event=event))
        envelope = forms.enveloped(request, command(visitor, machine_id), posted)
        outcome = await request.shop.till.execute(envelope)
        receipt = outcome.receipt()
    except KeyReused:
        return await _back(request, machine, posted, MachineFlash(event=Event.COME_AGAIN))
    except Refusal as refusal:
        return await _back(request, machine, posted, _why_not(request, refusal))
    assert isinstance(receipt, CoinsDeposited | OrderPlaced | PaidOut | Refunded)
    note = flash_of(receipt)
    # Sent again by a script whose line broke, it is to say what it has done; by somebody who went back, not.
    is_late = request.shop.clock() - receipt.created_us > TWICE_US and not request.given(AGAIN)
    if outcome.replayed and is_late:
        note = MachineFlash(event=Event.ALREADY)
    if empties:
        posted = {**posted, "pick": ""}
    return await _back(request, machine, posted, note)


async def _require_coin_taken(request: ShopRequest, visitor: Visitor, machine_id: int, coin: int) -> None:
    """As the till would, for a guest who is none yet: whose coins nobody takes does not become a row.

    Raises NotOwner, CoinsNotAttested, CoinNotAccepted, UnknownMachine.
    """
    accepted = request.shop.currency.accepted_cents
    if coin not in accepted:
        raise CoinNotAccepted(value_cents=coin, accepted=accepted)
    known = await machines.find(request.shop, machine_id=machine_id)
    if visitor.machine_id not in (None, machine_id):
        raise NotOwner(thing="machine")
    if not (known.rules.draws_coins if visitor.is_kiosk else visitor.trusts_coins):
        raise CoinsNotAttested


async def _presser(request: ShopRequest, *, make: bool = False) -> Visitor:
    """Who presses. Raises SessionEnded, which leads to the log-in, rather than take a buyer for a guest."""
    visitor = await visitors.of(request, make=make)
    if visitor.has_ended:
        raise SessionEnded
    return visitor


def _why_not(request: ShopRequest, refusal: Refusal) -> MachineFlash:
    match refusal:
        case OutOfStock(product=product_id, available=available):
            return MachineFlash(event=Event.SOLD_OUT, sold_out=product_id, available=available)
        case InsufficientFunds():
            return MachineFlash(event=Event.TOO_LITTLE)
        case _:
            return MachineFlash(
                event=Event.REFUSED, text=error_pages.said(refusal, i18n.of(request), request)[:300]
            )


async def _back(
    request: ShopRequest, machine: str, posted: dict[str, str], note: MachineFlash | None
) -> Response[Any]:
    """To the machine, with what was chosen, and a note for its display."""
    pick = cart.write(cart.read(posted["pick"]))
    category = posted["category"][:CATEGORY_LENGTH_MAX]
    response = forms.to_page(_href(_id(machine), pick=pick, category=category, change=posted["change"]))
    if note is not None:
        flash.leave(response, request, note)
    return response


def _href(machine_id: int, *, pick: str, category: str, change: str) -> str:
    """The machine's page with what was chosen, on the shelves of one category, or of all."""
    kept = {"pick": pick, "category": category, "change": RETURN if change == RETURN else ""}
    query = urlencode({name: value for name, value in kept.items() if value})
    return f"/m/{machine_id}" + (f"?{query}" if query else "")


def _categories(shelves: list[storefront.ShelfItem]) -> dict[str, str]:
    """The categories to choose from, by their keys; none where there is no choice."""
    found = {name_key(one.category): one.category for one in shelves if one.category}
    return dict(sorted(found.items())) if len(found) > 1 else {}


def _id(machine: str) -> int:
    if not _ID.fullmatch(machine):
        raise HTTPException(404)
    return int(machine)
