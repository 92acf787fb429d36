"""Texts for parsers: what they take, what is a few keystrokes away from that, and anything at all."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st

from tuckshop.domain.money import EURO
from tuckshop.http.request import ShopRequest
from tuckshop.http.state import RUNNING
from tuckshop.identity.audiences import V1
from tuckshop.settings import Settings
from tuckshop.telemetry import Alerts

PROOF: Final = os.environ.get("TUCKSHOP_PROOF") == "1"
EXAMPLES = 2_000 if PROOF else 40
EDITS_MAX = 4
# Digits and letters of other scripts that look, count or fold like ours; what separates; what ends a text.
SHARP = (
    "0159aZzeEqxX.,;:-+_=/\\%&?#@*'\"<>()[]{}|~!^$ \t\r\n\v\f\0\x1c\x7f\x85\xa0\u2028\ufeff\u200b"
    "\u0663\uff11²ßſKİ\u0345é€🂡"
)

fuzzed = settings(max_examples=EXAMPLES, derandomize=True, database=None)
"""The same examples at each run."""

anything = st.text(st.characters(codec="utf-8"), max_size=60) | st.text(st.sampled_from(SHARP), max_size=12)
"""Any text that UTF-8 can write."""

whole = st.integers(-(10**19), 10**19) | st.integers(-3, 200)
"""Whole numbers, some beyond what a database holds."""


@st.composite
def near(draw: st.DrawFn, *written: str | st.SearchStrategy[str]) -> str:
    """One of these texts with a few characters put in, left out, doubled or exchanged; or anything."""
    kind = draw(st.integers(0, 9))
    of = [st.just(one) if isinstance(one, str) else one for one in written]
    text: str = draw(st.one_of(of))
    if kind == 0:
        text = draw(anything)
    if kind <= 3:
        return text
    for _ in range(draw(st.integers(1, EDITS_MAX))):
        place = draw(st.integers(0, len(text)))
        new = draw(st.sampled_from(SHARP) | st.just(text[place : place + 1]))
        text = text[:place] + new + text[place + draw(st.integers(0, 1)) :]
    return text


def near_bytes(*written: str | st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """The same as bytes; some of them are no UTF-8."""
    told = near(*written)
    return told.map(lambda text: text.encode()) | told.map(lambda text: text.encode("latin-1", "replace"))


def headers(**values: bytes | list[bytes]) -> list[tuple[bytes, bytes]]:
    """A request's headers, `x_forwarded_for` for `x-forwarded-for`."""
    return [
        (name.replace("_", "-").encode(), one)
        for name, value in values.items()
        for one in (value if isinstance(value, list) else [value])
    ]


def asked(**values: bytes | list[bytes]) -> ShopRequest:
    """A request with these headers to a shop with nothing but a currency."""
    shop = SimpleNamespace(currency=EURO, alerts=Alerts())
    running = SimpleNamespace(shop=shop, settings=Settings())
    return ShopRequest(scope(headers(**values), app=SimpleNamespace(audience=V1), **{RUNNING: running}))


def scope(given: list[tuple[bytes, bytes]] | None = None, **more: Any) -> dict[str, Any]:
    """What a server says of a request with these headers."""
    usual: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "client": ("127.0.0.1", 50_000),
        "headers": given or [],
    }
    return usual | more
