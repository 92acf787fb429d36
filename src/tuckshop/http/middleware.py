"""What every answer has, whoever gives it: HEAD as GET without the body, headers for browsers, an id.

Here, too, requests are counted and written down: an answer counts from the moment it begins.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from itertools import count
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tuckshop.http.state import RUNNING, Running
from tuckshop.telemetry import Meter, Throttle

log = structlog.get_logger(__name__)

# Each costs the answer a few bytes and the server nothing: they are made once.
# With `no-referrer`, browsers would hide from us that a form is from our own page: `Origin: null`.
_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
_HTTPS = (b"strict-transport-security", b"max-age=31536000")  # A year, from each answer on.
_PERSONAL = ((b"cache-control", b"no-store"),)  # Unless a handler knows better.
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,64}")  # Others could be taken for something else in a log.
FORBIDDEN = 403  # Somebody known asks for what is not for them: an operator should see who tries doors.
ELSEWHERE = "(none)"
"""The route of requests to where nothing is: their paths are endless."""


class Middleware:
    """Around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        meter: Meter | None = None,
        access_log: bool = False,
        is_https: bool = False,
    ) -> None:
        self._app = app
        self.running: Running | None = None
        """Whose requests these are, from when the shop is open."""
        self._unanswered = 0
        self._all_answered = asyncio.Event()
        self._all_answered.set()
        self._meter = meter
        self._access_log = access_log
        self._watches = access_log or meter is not None
        # Those that nobody asked for: refusals that anybody brings about must not hide what is broken.
        self._throttles = {"http.forbidden": Throttle(), "http.failed": Throttle()}
        self._always = (*_ALWAYS, _HTTPS) if is_https else _ALWAYS
        self._prefix = secrets.token_hex(6).encode() + b"-"
        self._numbers = count(1)

    def guard(self, app: ASGIApp) -> None:
        """Puts another application inside: the same behind a gate."""
        self._app = app

    async def finish(self) -> None:
        """Returns once nothing is being answered, also nothing whose client has left."""
        await self._all_answered.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope["method"] = "GET"
            scope["is_head"] = True
        request_id = self._prefix + b"%x" % next(self._numbers)
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                if _REQUEST_ID.fullmatch(value):
                    request_id = value
                break
        scope["request_id"] = request_id
        scope[RUNNING] = self.running

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                personal = () if b"cache-control" in [name for name, _ in headers] else _PERSONAL
                message["headers"] = [*headers, *self._always, (b"x-request-id", request_id), *personal]
                if self._watches or message["status"] >= 500 or message["status"] == FORBIDDEN:
                    self._count(scope, message["status"], perf_counter() - begun)
            elif is_head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        self._unanswered += 1
        self._all_answered.clear()
        try:
            await self._app(scope, receive, dressed)
        finally:
            self._unanswered -= 1
            if not self._unanswered:
                self._all_answered.set()

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("path_template", ELSEWHERE)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        if self._meter is not None:
            self._meter.respond(route, method, status, seconds)
        event = "http.failed" if status >= 500 else "http.answered"
        if status == FORBIDDEN:
            event = "http.forbidden"
        throttle = self._throttles.get(event)
        if self._access_log or (throttle is not None and throttle.lets_pass()):
            told = {
                "request_id": scope.get("request_id", b"").decode(),
                "method": method,
                "route": route,
                "status": status,
                "seconds": round(seconds, 6),
                "actor_id": scope.get("actor_id"),
            }
            if throttle is None:
                log.info(event, **told)
            else:
                held_back, throttle.held_back = throttle.held_back, 0
                log.warning(event, **told, **({"held_back": held_back} if held_back else {}))
