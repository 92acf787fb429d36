"""What every answer has, whoever gives it: HEAD as GET without the body, and headers for browsers."""

from __future__ import annotations

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

# Each costs the answer a few bytes and the server nothing: they are made once.
_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_PERSONAL = (b"cache-control", b"no-store")  # Unless a handler knows better.


class Edge:
    """Around the whole application, what the framework answers by itself included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope["method"] = "GET"

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *_ALWAYS]
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append(_PERSONAL)
                message["headers"] = headers
            elif is_head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        await self._app(scope, receive, dressed)
