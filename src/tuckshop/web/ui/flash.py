"""What a room says at the top of the next page: that it worked, or why it did not."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import msgspec

from tuckshop.http import cookies
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response

COOKIE = "tuckshop_notice"
SECONDS = 60  # Read by the very next page; a note that nobody fetched is stale.
LENGTH_MAX = 300  # Whatever names are in it: a browser keeps 4 KB in a cookie.

Kept = TypeVar("Kept", bound=msgspec.Struct)


class Mood(StrEnum):
    """Whether what is said is good news."""

    GOOD = "good"
    BAD = "bad"


class Flash(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sentence in the reader's language. It comes back from the browser: it is shown, and nothing more."""

    text: Annotated[str, msgspec.Meta(max_length=LENGTH_MAX)]
    mood: Mood = Mood.GOOD


def leave(response: Response[Any], request: ShopRequest, text: str, *, mood: Mood = Mood.GOOD) -> None:
    """For the page that the browser is led to."""
    put(response, request, COOKIE, Flash(text=text[:LENGTH_MAX], mood=mood))


def read(request: ShopRequest) -> Flash | None:
    """What was left; None if nothing, or nothing that we have written."""
    return taken(request, COOKIE, Flash)


def forget(response: Response[Any], request: ShopRequest) -> None:
    """Once it is shown."""
    cookies.drop(response, request, COOKIE)


def put(response: Response[Any], request: ShopRequest, cookie: str, told: msgspec.Struct) -> None:
    """Something for the very next page, under a name of its own."""
    written = urlsafe_b64encode(msgspec.json.encode(told)).decode()
    cookies.put(response, request, cookie, written, seconds=SECONDS)


def taken(request: ShopRequest, cookie: str, kind: type[Kept]) -> Kept | None:
    """What was put there, if it still is what it should be."""
    written = cookies.read(request, cookie)
    if not written:
        return None
    try:
        return msgspec.json.decode(urlsafe_b64decode(written), type=kind)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        return None
