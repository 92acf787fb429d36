"""What a room says at the top of the next page: that it worked, or why it did not."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from tuckshop.http import cookies
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.web.storefront import flash as notes

COOKIE = "tuckshop_notice"
LENGTH_MAX = 300  # Whatever names are in it: a browser keeps 4 KB in a cookie.


class Mood(StrEnum):
    """Whether what is said is good news."""

    GOOD = "good"
    BAD = "bad"


class Notice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sentence in the reader's language. It comes back from the browser: it is shown, and nothing more."""

    text: Annotated[str, msgspec.Meta(max_length=LENGTH_MAX)]
    mood: Mood = Mood.GOOD


def leave(response: Response[Any], request: Call, text: str, *, mood: Mood = Mood.GOOD) -> None:
    """For the page that the browser is led to."""
    notes.put(response, request, COOKIE, Notice(text=text[:LENGTH_MAX], mood=mood))


def read(request: Call) -> Notice | None:
    """What was left; None if nothing, or nothing that we have written."""
    return notes.taken(request, COOKIE, Notice)


def forget(response: Response[Any], request: Call) -> None:
    """Once it is shown."""
    cookies.drop(response, request, COOKIE)
