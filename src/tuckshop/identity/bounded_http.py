"""Requests to services of others, whose answers end at a size; needs the extra oidc."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx


class TooLarge(httpx.TransportError):
    """The answer is larger than any may be."""


class BoundedTransport(httpx.AsyncBaseTransport):
    """httpx's own, but that it stops reading: a stranger's answer cannot fill our memory."""

    def __init__(self, bytes_max: int) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._bytes_max = bytes_max

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer. Raises TooLarge, also for one that is compressed, whose size nobody knows."""
        request.headers["Accept-Encoding"] = "identity"
        answer = await self._inner.handle_async_request(request)
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            await answer.aclose()
            raise TooLarge("the answer is compressed")
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        return httpx.Response(
            answer.status_code,
            headers=answer.headers,
            stream=_Bounded(answer.stream, self._bytes_max),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._inner.aclose()


class _Bounded(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, bytes_max: int) -> None:
        self._inner = inner
        self._left = bytes_max

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._inner:
            self._left -= len(part)
            if self._left < 0:
                raise TooLarge("the answer is too large")
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()
