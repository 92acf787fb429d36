"""What one answer leaves for the next page to say: what dropped, what came back, why not."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.http.fields import Id
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.web.ui import flash as ui_flash

COOKIE = "tuckshop_note"

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
    ui_flash.put(response, request, COOKIE, note)


def read(request: Call) -> Note | None:
    """What was left; None if nothing, or nothing that we have written."""
    return ui_flash.taken(request, COOKIE, Note)
