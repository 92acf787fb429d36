"""Who stands before the page: the one place that knows how browsers are recognised.

Somebody who is signed in is known by the session's cookie; a guest by a secret in another, and served if the
machine's key is in a third (a kiosk) or the shop takes buyers' word for coins.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any

from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.refusals import SessionEnded
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.http import browser_login, cookies
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import devices, sessions, users
from tuckshop.queries import storefront
from tuckshop.till.callers import Caller

GUEST = "tuckshop_guest"
MACHINE = "tuckshop_machine"
GUEST_SECONDS = 30 * 86_400  # Who left something in a machine may come back for it within a month.
KIOSK_GUEST_SECONDS = 600  # Long past the minute after which the page forgets a guest by itself.
KIOSK_SECONDS = 400 * 86_400  # As long as browsers keep any cookie.
_SECRET = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever asks. `caller` and `wallet` are None for a guest who has put nothing in yet.

    `name`: who is signed in. `puts_coins`: whether the shop takes this one's word for coins. `has_ended`: the
    browser still has the cookie of a session that is over.
    """

    secret: str
    caller: Caller | None
    wallet: AccountRef | None
    machine_key: str | None
    machine_id: int | None
    puts_coins: bool
    name: str | None = None
    has_ended: bool = False

    @property
    def is_kiosk(self) -> bool:
        """Whether the browser is a machine's own screen."""
        return self.machine_id is not None


async def of(request: ShopRequest, *, make: bool = False) -> Visitor:
    """Who asks. `make`: a guest who was never here gets a wallet."""
    key, machine_id = cookies.read(request, MACHINE), None
    if key is not None:
        try:
            machine_id = (await devices.attester(request.shop, caller=devices.caller(key))).machine_id
        except SessionEnded:
            key = None  # It got a new one; the page says how to come back.
    has_ended = False
    try:
        signed_in = await _signed_in(request, key, machine_id)
    except SessionEnded:
        signed_in, has_ended = None, True
    if signed_in is not None:
        return signed_in
    secret = cookies.read(request, GUEST) or ""
    is_known = _SECRET.fullmatch(secret) is not None
    if not is_known:
        secret = secrets.token_urlsafe(24)
    found = None
    if is_known:
        found = await storefront.guest(request.shop, secret=secret, machine_key=key, make=make)
    caller, wallet = found or (None, None)
    puts_coins = machine_id is not None or request.shop.till.policy.coins is CoinsPolicy.SELF
    return Visitor(secret, caller, wallet, key, machine_id, puts_coins, has_ended=has_ended)


def remember(response: Response[Any], request: ShopRequest, visitor: Visitor) -> None:
    """Has the browser know its guest again; who is signed in is none."""
    if visitor.name is not None:
        return
    seconds = KIOSK_GUEST_SECONDS if visitor.is_kiosk else GUEST_SECONDS
    cookies.put(response, request, GUEST, visitor.secret, seconds=seconds)


def forget(response: Response[Any], request: ShopRequest) -> None:
    """Has the browser forget its guest: what is left in the wallet stays in the books."""
    cookies.drop(response, request, GUEST)


async def _signed_in(request: ShopRequest, key: str | None, machine_id: int | None) -> Visitor | None:
    """The buyer whose session the browser has; None without one, or for who buys nothing.

    Raises:
        SessionEnded: there was one.
    """
    shop = request.shop
    caller = await browser_login.caller(request)
    if caller is None:
        return None
    actor = await sessions.actor(shop, caller=caller)
    if not actor.has(Role.BUYER):
        return None
    name = (await users.find(shop, user_id=caller.user_id)).username
    is_staff = actor.has(Role.CASHIER, Role.ADMIN)
    puts_coins = is_staff or shop.till.policy.coins is CoinsPolicy.SELF
    return Visitor("", caller, wallet_of(caller.user_id), key, machine_id, puts_coins, name)
