"""HTTP as a client sees it whose line may break: an answer is whole, or it never came.

A raw HTTP/1.1 line instead of a client library: many of them write in the same instant, and nothing is ever
sent a second time behind a test's back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import msgspec

from tests.limits import HANG_SECONDS

HOST = "127.0.0.1"


class Lost(Exception):
    """No whole answer came: what was asked has happened, or not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer. Equal answers have the same status and the same bytes."""

    status: int
    replayed: bool
    body: bytes

    @property
    def same(self) -> tuple[int, bytes]:
        """What a replay repeats."""
        return self.status, self.body

    @property
    def problem(self) -> str:
        """The last part of a problem's type: `out-of-stock`. Empty for all that is none."""
        told = self.read() if self.status >= 400 else {}
        return str(told.get("type", "")).rpartition(":")[2]

    def read(self) -> dict[str, Any]:
        """The body's JSON object."""
        return msgspec.json.decode(self.body, type=dict[str, Any])

    def __str__(self) -> str:
        return f"{self.status} {self.problem}".rstrip()


class Ask(NamedTuple):
    """A POST to be sent."""

    path: str
    token: str
    body: object = None
    key: str | None = None

    def written(self) -> bytes:
        """As it goes over the line."""
        body = b"" if self.body is None else msgspec.json.encode(self.body)
        lines = [
            f"POST {self.path} HTTP/1.1",
            f"Host: {HOST}",
            f"Authorization: Bearer {self.token}",
            f"Content-Length: {len(body)}",
        ]
        if body:
            lines.append("Content-Type: application/json")
        if self.key is not None:
            lines.append(f"Idempotency-Key: {self.key}")
        return "\r\n".join((*lines, "", "")).encode() + body


class Line:
    """One kept-alive connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        """A line to the server at this port. Raises Lost."""
        try:
            async with asyncio.timeout(HANG_SECONDS):
                return cls(*await asyncio.open_connection(HOST, port))
        except OSError as error:
            raise Lost from error

    async def ask(self, ask: Ask) -> Answer:
        """The server's answer. Raises Lost."""
        try:
            async with asyncio.timeout(HANG_SECONDS):
                self.send(ask)
                return await self._receive()
        except (OSError, EOFError) as error:
            raise Lost from error

    def send(self, ask: Ask, *, cut: int = 0) -> None:
        """Sends without waiting for the answer; with `cut`, all but so many bytes."""
        written = ask.written()
        self._writer.write(written[: len(written) - cut])

    def drop(self) -> None:
        """Cuts the line at once, whatever is still on it."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Hangs up."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _receive(self) -> Answer:
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self._reader.readexactly(int(headers["content-length"]))
        return Answer(int(first.split()[1]), headers.get("idempotent-replayed") == "true", body)


@asynccontextmanager
async def lines(ports: Sequence[int], count: int) -> AsyncIterator[list[Line]]:
    """So many lines, to each port in turn. Raises Lost."""
    async with AsyncExitStack() as stack:
        opened = []
        for number in range(count):
            line = await Line.open(ports[number % len(ports)])
            stack.push_async_callback(line.close)
            opened.append(line)
        yield opened


async def volley(lines: Sequence[Line], asks: Sequence[Ask]) -> list[Answer]:
    """Asks one thing on each line, all in one instant. Raises Lost."""
    return list(await asyncio.gather(*(line.ask(ask) for line, ask in zip(lines, asks, strict=True))))
