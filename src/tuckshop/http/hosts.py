"""Who is let through to the shop at all: requests for its own names, and in a demo none from elsewhere.

A page on a foreign site can make a browser ask for its own name at our address (DNS rebinding); the Host
header then tells that name. Where nobody has said what the shop is called, it answers to addresses and to
names that nobody can register on the Internet, and to no others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from tuckshop.http.errors import Errors, Malformed
from tuckshop.telemetry import Throttle

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
# What proxies add. A demo behind one would be open to whoever reaches the proxy.
_FORWARDED = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"}
)
_KNOWN_MAX = 1_000
_LOGGED_MAX = 200
ANY = "*"
_PRIVATE = (".local", ".localhost", ".internal", ".home.arpa", ".lan")
_ADDRESS = re.compile(r"[0-9.]+|\[[0-9a-f:.]+\]")

log = structlog.get_logger(__name__)


class HostCheck:
    """Inside the middleware, around the application. `hosts`: names without ports, lower case.

    `takes_private`: beside them, whatever no foreign site can be called.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str],
        errors: Errors,
        takes_private: bool = False,
        refuses_forwarded: bool = False,
    ) -> None:
        self._app = app
        self._takes_private = takes_private
        self._throttle = Throttle(lines_max=1)
        self._errors = errors
        self._hosts = hosts
        self._refuses_forwarded = refuses_forwarded
        self._known: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Supervisors ask each server by its address.
        if scope["type"] == "http" and not scope["path"].startswith("/health/"):
            reason = self._reason(scope["headers"])
            if reason is not None:
                refusal = self._errors.of_malformed(Malformed(reason, status=400))
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _reason(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str] | None:
        if self._refuses_forwarded:
            for name, _ in headers:
                if name in _FORWARDED:
                    return name.decode("latin-1").title(), "is not allowed in a demo"
        given = [value for name, value in headers if name == b"host"]
        if not (len(given) == 1 and self._is_own(given[0])):
            if self._throttle.lets_pass():
                names = b", ".join(given)[:_LOGGED_MAX].decode("latin-1")
                log.warning("hosts.refused", host=names, setting="TUCKSHOP_ALLOWED_HOSTS")
            return "Host", "is not a host name of this shop"
        return None

    def _is_own(self, given: bytes) -> bool:
        if given in self._known:
            return True
        name, colon, port = given.decode("latin-1").lower().rpartition(":")
        if not colon or not (port.isascii() and port.isdigit()):
            name = given.decode("latin-1").lower()
        if name not in self._hosts and not (self._takes_private and _is_private(name)):
            return False
        if len(self._known) < _KNOWN_MAX:
            self._known.add(given)
        return True


def _is_private(name: str) -> bool:
    return "." not in name or name.endswith(_PRIVATE) or _ADDRESS.fullmatch(name) is not None
