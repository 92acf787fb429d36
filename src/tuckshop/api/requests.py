"""What every /v1 handler shares: API tokens and their scopes, lists page by page, the till's answers."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated

import msgspec

from tuckshop.api.problems import PROBLEMS
from tuckshop.domain.refusals import LogInNeeded, ScopeMissing
from tuckshop.domain.users import Actor, Role, Scope
from tuckshop.http import browser_login, response
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import ID_MAX, ResponseBody
from tuckshop.http.request import ADMITTED, ShopRequest
from tuckshop.identity import api_tokens, confirmation, sessions

_CURSOR = re.compile(r"[1-9a-z][0-9a-z]{0,11}", re.ASCII)

_API_TOKEN = api_tokens.PREFIX.encode()
_BUY, _SELL, _ADMIN = (Scope.BUY,), (Scope.SELL,), (Scope.ADMIN,)
SCOPES: dict[tuple[str, str], tuple[Scope, ...]] = {
    ("DELETE", "/v1/users/{user_id}"): _ADMIN,
    ("PATCH", "/v1/users/{user_id}/selling"): _ADMIN,
    ("POST", "/v1/products"): _SELL + _ADMIN,
    ("PUT", "/v1/products/{product_id}"): _SELL + _ADMIN,
    ("PATCH", "/v1/products/{product_id}"): _SELL + _ADMIN,
    ("DELETE", "/v1/products/{product_id}"): _SELL + _ADMIN,
    ("PUT", "/v1/products/{product_id}/image"): _SELL + _ADMIN,
    ("DELETE", "/v1/products/{product_id}/image"): _SELL + _ADMIN,
    ("POST", "/v1/products/{product_id}/stock"): _SELL + _ADMIN,
    ("POST", "/v1/products/{product_id}/approval"): _ADMIN,
    ("POST", "/v1/wallet/deposits"): _BUY + _ADMIN,
    ("POST", "/v1/wallet/payout"): _BUY + _ADMIN,
    ("POST", "/v1/wallet/transfers"): _BUY,
    ("POST", "/v1/orders"): _BUY + _ADMIN,
    # Buyers cancel, sellers dispense, both refund.
    ("PATCH", "/v1/orders/{order_id}"): _BUY + _SELL + _ADMIN,
    ("POST", "/v1/orders/{order_id}/refunds"): _BUY + _SELL + _ADMIN,
    ("POST", "/v1/tabs/{user_id}/settlements"): _ADMIN,
    ("POST", "/v1/earnings/{seller_id}/payouts"): _ADMIN,
    ("POST", "/v1/topups"): _ADMIN,
    ("POST", "/v1/transfers/{transfer_id}/reversal"): _ADMIN,
    ("POST", "/v1/guests/refunds"): _ADMIN,
    ("POST", "/v1/guests/unclaimed"): _ADMIN,
    ("POST", "/v1/machines"): _ADMIN,
    ("DELETE", "/v1/machines/{machine_id}/screens/{screen_id}"): _ADMIN,
    ("PUT", "/v1/machines/{machine_id}/shelves"): _ADMIN,
    ("POST", "/v1/machines/{machine_id}/moves"): _SELL + _ADMIN,
    ("POST", "/v1/machines/{machine_id}/coins/fill"): _ADMIN,
    ("POST", "/v1/machines/{machine_id}/coins/collect"): _ADMIN,
    ("POST", "/v1/machines/{machine_id}/coins/count"): _ADMIN,
}
"""What an API token needs to change things there: one of these. What is missing takes a log-in."""

Machine = Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, description="The machine for stock and prices.")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=100, description="Maximum number of items.")]
Cursor = Annotated[
    str,
    msgspec.Meta(pattern=f"^{_CURSOR.pattern}\\Z", description="`next` of the previous page."),
]


class Page(ResponseBody):
    """The head of every list; `next` is the cursor of the page that follows, null on the last."""

    next: str | None


respond = partial(response.respond, refused=PROBLEMS.of_refusal)


async def admit(request: ShopRequest) -> None:
    """Lets in an API token or a browser's log-in, if the request has one.

    Raises:
        SessionEnded, ScopeMissing, LogInNeeded: an API token that may not do this.
        Malformed: see `browser.admit`.
    """
    for header, given in request.scope["headers"]:
        if header == b"authorization" and given[7 : 7 + len(_API_TOKEN)] == _API_TOKEN:
            await _admit_token(request)
        elif header == b"cookie":
            await browser_login.admit(request)


async def _admit_token(request: ShopRequest) -> None:
    """Lets an API token in where its scopes allow; a log-in's token needs none of this.

    Raises:
        SessionEnded, ScopeMissing, LogInNeeded: see there.
    """
    said = request.operation
    given = request.given(b"authorization")
    if said is None or said.login == "none" or len(given) != 1 or given[0][:7].lower() != b"bearer ":
        return  # Who asks for the caller gets the same answer as with any other nonsense.
    known = await api_tokens.known(request.shop, secret=given[0][7:].decode("latin-1"))
    if request.method in ("GET", "HEAD"):
        wanted: tuple[Scope, ...] = (Scope.READ,)
    else:
        wanted = SCOPES.get((request.method, request.scope["path_template"]), ())
    if said.login == "session" or not wanted:
        raise LogInNeeded
    if known.scopes.isdisjoint(wanted):
        raise ScopeMissing(scopes=tuple(str(scope) for scope in wanted))
    request.scope[ADMITTED] = known.caller


async def admin_looking(request: ShopRequest) -> None:
    """Lets an admin look at what is for no others; it leaves a line. Raises SessionEnded, RoleMissing."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    actor.require(Role.ADMIN)
    request.looks(actor)


async def fresh_admin(request: ShopRequest) -> Actor:
    """An admin, for what takes a fresh log-in. Raises SessionEnded, RoleMissing, ConfirmationRequired."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    actor.require(Role.ADMIN)
    await confirmation.require(request.shop, caller=request.caller)
    return actor


def cursor_id(cursor: str | None) -> int | None:
    """The id that an opaque cursor holds. Raises Malformed for one that we never gave."""
    if cursor is None:
        return None
    if not _CURSOR.fullmatch(cursor):
        raise Malformed(("cursor", "must be the `next` of a list"))
    return int(cursor, 36)  # At most 36**12, which is below 2**63.


def cursor_of(item_id: int) -> str:
    """The opaque cursor behind this item."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while item_id:
        item_id, rest = divmod(item_id, 36)
        text = digits[rest] + text
    return text
