"""Browsers in which somebody has logged in before, by a cookie that nobody makes without the shop's secret.

It lets nobody in. Who comes with it has tries of their own to log in as that user, so that others behind the
same address cannot use them up.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64encode

from tuckshop.context import Shop
from tuckshop.domain.users import name_key

_MARK = re.compile(r"([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})", re.ASCII)


def new_mark(shop: Shop, *, username: str) -> str:
    """What a browser keeps in which this user has logged in; it does not tell who that is."""
    nonce = secrets.token_urlsafe(16)
    return f"{nonce}.{_proof(shop, username, nonce)}"


def device_of(shop: Shop, *, username: str, mark: str | None) -> str | None:
    """The device whose mark it is, if this user has logged in there; None for all others."""
    match = _MARK.fullmatch(mark or "")
    if match is None or not hmac.compare_digest(match[2], _proof(shop, username, match[1])):
        return None
    return match[1]


def _proof(shop: Shop, username: str, nonce: str) -> str:
    sealed = shop.tokens.seal(b"\0".join((b"device", nonce.encode(), name_key(username).encode())))
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()
