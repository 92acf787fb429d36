"""What a client would rather have: a page or JSON."""

from __future__ import annotations

import re

_QUALITY = re.compile(r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", re.ASCII | re.IGNORECASE)


def prefers_pages(accept: str) -> bool:
    """Whether a header asks for pages before JSON (RFC 9110, 12.5.1); whoever takes anything gets JSON."""
    wanted = {"text/html": 0.0, "application/json": 0.0}
    for one in accept.split(","):
        kind, *parameters = one.split(";")
        kind = kind.strip().lower()
        if kind in wanted:
            quality = next(filter(None, map(_QUALITY.fullmatch, parameters)), None)
            wanted[kind] = float(quality[1]) if quality else 1.0
    return wanted["text/html"] > wanted["application/json"]
