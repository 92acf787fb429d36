"""What a browser is asked to remember: never readable by scripts, never sent along by foreign pages.

Where the shop is found by https, names begin with `__Host-`: browsers then refuse such a cookie unless it
came from this very host, encrypted, for all its paths. A neighbour's subdomain cannot plant one.
"""

from __future__ import annotations

from typing import Any, Literal

from tuckshop.http.request import Call
from tuckshop.http.response import Response


def read(request: Call, name: str) -> str | None:
    """The cookie's value; None where there is none, or somebody has set it twice."""
    wanted = _full(request, name)
    found = [
        value
        for header in request.given(b"cookie")
        for given, _, value in (pair.strip().partition("=") for pair in header.decode("latin-1").split(";"))
        if given == wanted
    ]
    return found[0] if len(found) == 1 else None


def put(
    response: Response[Any],
    request: Call,
    name: str,
    value: str,
    *,
    seconds: int,
    samesite: Literal["lax", "strict"] = "lax",
) -> None:
    """Has the browser keep it for so long."""
    response.set_cookie(
        _full(request, name),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite=samesite,
        secure=_is_encrypted(request),
    )


def drop(response: Response[Any], request: Call, name: str) -> None:
    """Has the browser forget it."""
    put(response, request, name, "", seconds=0)


def _full(request: Call, name: str) -> str:
    return f"__Host-{name}" if _is_encrypted(request) else name


def _is_encrypted(request: Call) -> bool:
    # A proxy that ends TLS speaks http to us: then only the setting knows.
    return request.scope["scheme"] == "https" or request.settings.is_https
