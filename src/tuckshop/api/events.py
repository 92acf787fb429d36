"""/v1/events: what has changed, as it happens (server-sent events)."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from tuckshop.domain.refusals import TooManyStreams
from tuckshop.http.handlers import Router, describe, get
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import sessions
from tuckshop.queries.events import Events, Stream

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_SECONDS = 15.0  # Proxies hang up on lines that are silent for longer.
RETRY_MILLISECONDS = 3_000
FAREWELL_SECONDS = 0.5  # How long the end of a stream may take to be sent.
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would collect events before it sends them.
]


@get(
    "/",
    summary="Stream events",
    operation=describe("streamEvents", TooManyStreams, login="optional", media_type=MEDIA_TYPE),
)
async def stream(request: ShopRequest) -> Response[bytes]:
    """Server-sent events until you disconnect, the server stops or your session ends.

    - `hello` `{at, missed}` comes first, and again if events were missed: reload your data then. Nothing is
      replayed, so `Last-Event-ID` only makes `missed` true.
    - `stock` `{machine, product, stock, price}` and `product` `{product, price, version, on_sale}`
    - only for you, if you are logged in: `balance` `{balance}` and `order` `{order, status}`

    Values are the latest, up to a few tenths of a second old. Several changes may be sent as one event.
    A comment is sent every 15 seconds. Clients that do not read are disconnected. 503: too many clients,
    429: too many from your address.
    """
    caller = None if request.is_anonymous else request.caller
    if caller is not None:
        await sessions.actor(request.shop, caller=caller)
    if request.scope.get("is_head"):
        return Response(b"", media_type=MEDIA_TYPE)
    last_ids = request.given(b"last-event-id")
    last_id = last_ids[0].decode("latin-1") if last_ids else None
    return _Streaming(request.events, request.events.open(caller, last_id=last_id, address=request.address))


class _Streaming(Response[bytes]):
    """An answer that goes on for as long as somebody watches."""

    def __init__(self, events: Events, opened: Stream) -> None:
        super().__init__(b"")
        self._events = events
        self._stream = opened

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        feeding = asyncio.create_task(self._feed(send))
        leaving = asyncio.create_task(_until_gone(receive))
        ending = asyncio.create_task(self._stream.ended.wait())
        try:
            await asyncio.wait({feeding, leaving, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not leaving.done():
                await asyncio.wait({feeding, leaving}, timeout=FAREWELL_SECONDS)
        finally:
            self._events.close(self._stream)
            for task in (feeding, leaving, ending):
                task.cancel()
            await asyncio.gather(feeding, leaving, ending, return_exceptions=True)

    async def _feed(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        chunk: bytes | None = b"retry: %d\n\n" % RETRY_MILLISECONDS
        while chunk is not None:
            body = chunk or b": \n\n"
            await send({"type": "http.response.body", "body": body, "more_body": True})
            chunk = await self._stream.next(seconds=HEARTBEAT_SECONDS)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


router = Router("/events", [stream])
