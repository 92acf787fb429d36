"""Who stands before the page: the one place that knows how browsers are recognised.

Somebody who is signed in is known by the session's cookie; a guest by a secret in another, and served if the
credential of a machine's screen is in a third (a kiosk) or the shop takes buyers' word for coins.
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
from tuckshop.identity import devices, screens, sessions, users
from tuckshop.identity.screens import Screen
from tuckshop.queries import storefront
from tuckshop.till.callers import Caller

GUEST = "tuckshop_guest"
SCREEN = "tuckshop_screen"
MACHINE = "tuckshop_machine"  # Its key, which screens kept before they had credentials of their own.
GUEST_SECONDS = 30 * 86_400  # Who left something in a machine may come back for it within a month.
KIOSK_GUEST_SECONDS = 600  # Long past the minute after which the page forgets a guest by itself.
KIOSK_SECONDS = 400 * 86_400  # As long as browsers keep any cookie.
_ADOPTED = "Screen"  # Its name in the office, until somebody pairs it anew.
_SECRET = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever asks. `caller` and `wallet` are None for a guest who has put nothing in yet.

    `name`: who is signed in. `trusts_coins`: whether the shop takes this one's word for coins, where the
    machine's page does. `is_new`: the browser brought no guest's secret. `has_ended`: it still has the cookie
    of a session that is over.
    """

    secret: str
    caller: Caller | None
    wallet: AccountRef | None
    screen: Screen | None
    trusts_coins: bool
    name: str | None = None
    is_new: bool = False
    has_ended: bool = False

    @property
    def is_kiosk(self) -> bool:
        """Whether the browser is a machine's own screen."""
        return self.screen is not None

    @property
    def machine_id(self) -> int | None:
        """Of the machine whose screen it is."""
        return None if self.screen is None else self.screen.machine_id


async def of(request: ShopRequest, *, make: bool = False) -> Visitor:
    """Who asks. `make`: a guest who was never here gets a wallet."""
    screen = await screen_of(request)
    has_ended = False
    try:
        signed_in = await _signed_in(request, screen)
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
        found = await storefront.guest(request.shop, secret=secret, screen=screen, make=make)
    caller, wallet = found or (None, None)
    trusts_coins = screen is not None or request.shop.till.policy.coins is CoinsPolicy.SELF
    return Visitor(secret, caller, wallet, screen, trusts_coins, is_new=not is_known, has_ended=has_ended)


async def screen_of(request: ShopRequest) -> Screen | None:
    """The machine's screen that the browser is; None for all others, and for one that has ended."""
    secret = cookies.read(request, SCREEN)
    if secret is None:
        return None
    try:
        return await screens.find(request.shop, secret=secret)
    except SessionEnded:
        return None  # The page says how to come back.


async def adopt(request: ShopRequest, response: Response[Any]) -> bool:
    """Pairs a browser that still has its machine's key for a credential, which it is told to forget."""
    key = cookies.read(request, MACHINE)
    if key is None:
        return False
    cookies.drop(response, request, MACHINE)
    try:
        machine = await devices.attester(request.shop, caller=devices.caller(key))
    except SessionEnded:
        return True
    assert machine.machine_id is not None
    secret = await screens.adopt(request.shop, machine_id=machine.machine_id, name=_ADOPTED)
    keep_screen(response, request, secret)
    return True


def keep_screen(response: Response[Any], request: ShopRequest, secret: str) -> None:
    """Has the browser stay a machine's screen."""
    cookies.put(response, request, SCREEN, secret, seconds=KIOSK_SECONDS, samesite="strict")


def remember(response: Response[Any], request: ShopRequest, visitor: Visitor) -> None:
    """Has the browser know its guest again; who is signed in is none."""
    if visitor.name is not None:
        return
    seconds = KIOSK_GUEST_SECONDS if visitor.is_kiosk else GUEST_SECONDS
    cookies.put(response, request, GUEST, visitor.secret, seconds=seconds)


def forget(response: Response[Any], request: ShopRequest) -> None:
    """Has the browser forget its guest: what is left in the wallet stays in the books."""
    cookies.drop(response, request, GUEST)


async def _signed_in(request: ShopRequest, screen: Screen | None) -> Visitor | None:
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
    # Not of staff either: of their own coins another one says that they were put in.
    trusts_coins = shop.till.policy.coins is CoinsPolicy.SELF
    return Visitor("", caller, wallet_of(caller.user_id), screen, trusts_coins, name)
