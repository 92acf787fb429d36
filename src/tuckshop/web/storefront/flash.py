"""What one answer leaves for the next page to say: what dropped, what came back, why not."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import msgspec

from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.http import cookies
from tuckshop.http.fields import Id
from tuckshop.http.request import Call
from tuckshop.http.response import Response

COOKIE = "tuckshop_note"
SECONDS = 60  # Read by the very next page; a note that nobody fetched is stale.

Told = TypeVar("Told", bound=msgspec.Struct)

Cents = Annotated[int, msgspec.Meta(ge=0, le=BALANCE_CENTS_MAX)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class Event(StrEnum):
    """What has just happened before the machine."""

    BOUGHT = "bought"
    RETURNED = "returned"
    UNDONE = "undone"
    REFUSED = "refused"
    NOTHING_CHOSEN = "nothing-chosen"
    SOLD_OUT = "sold-out"
    TOO_LITTLE = "too-little"
    ALREADY = "already"
    COME_AGAIN = "come-again"
    PUT_ASIDE = "put-aside"


class Note(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """It comes back from the browser, so it holds numbers and texts to be shown, and nothing to rely on."""

    event: Event
    text: Annotated[str, msgspec.Meta(max_length=300)] = ""
    products: Annotated[dict[Id, Count], msgspec.Meta(max_length=100)] = {}
    coins: Annotated[dict[Id, Count], msgspec.Meta(max_length=32)] = {}
    cents: Cents = 0
    sold_out: Id | None = None
    available: Cents = 0  # pieces of what is sold out, or nearly


def leave(response: Response[Any], request: Call, note: Note) -> None:
    """For the page that the browser is led to."""
    put(response, request, COOKIE, note)


def read(request: Call) -> Note | None:
    """What was left; None if nothing, or nothing that we have written."""
    return taken(request, COOKIE, Note)


def put(response: Response[Any], request: Call, cookie: str, told: msgspec.Struct) -> None:
    """Something for the very next page, under a name of its own."""
    written = urlsafe_b64encode(msgspec.json.encode(told)).decode()
    cookies.put(response, request, cookie, written, seconds=SECONDS)


def taken(request: Call, cookie: str, kind: type[Told]) -> Told | None:
    """What was put there, if it still is what it should be."""
    written = cookies.read(request, cookie)
    if not written:
        return None
    try:
        return msgspec.json.decode(urlsafe_b64decode(written), type=kind)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        return None
