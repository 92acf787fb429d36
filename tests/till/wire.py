"""A wire between a till and PostgreSQL that can be cut at the worst of moments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

Cut = Callable[[bytes], bool]
"""Whether to cut, given what the till has just sent."""


def at_commit(sent: bytes) -> bool:
    """Cuts at the COMMIT (of a transaction that has written; BEGIN and COMMIT are simple queries)."""
    return b"COMMIT\0" in sent


def at_message(number: int) -> Cut:
    """Cuts at the n-th thing that the till sends from now on."""
    left = number

    def cut(_: bytes) -> bool:
        nonlocal left
        left -= 1
        return left == 0

    return cut


class Wire:
    """Forwards to the server. With `cut` set, the next message it approves of is the connection's last."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._host, self._port = parts.hostname, parts.port or 5432
        self._url = url
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._orphans: list[asyncio.StreamWriter] = []
        self.cut: Cut | None = None
        self.deliver = True  # Whether the last message still reaches the server, and only its answer is lost.
        self.hang = False  # Whether the server keeps thinking that its client is there.
        self.closed = False  # Whether new connections are refused.
        self.cuts = 0
        self.refused = 0

    @property
    def url(self) -> str:
        """The database's address by way of this wire."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return self._url.replace(f"{self._host}:{self._port}", f"127.0.0.1:{port}")

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._enter, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await asyncio.sleep(0.01)  # Whoever was let in last gets a task to be ended.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in (*self._writers, *self._orphans):  # Tasks that never began have closed nothing.
            writer.transport.abort()
        await asyncio.sleep(0)

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self._tasks.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            if self.closed:
                self.refused += 1
            else:
                await self._forward(reader, writer)
        writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(self._host, self._port)
        back = asyncio.create_task(_pump(server_reader, writer))
        try:
            while data := await reader.read(1 << 20):
                if self.cut is not None and self.cut(data):
                    self.cut = None
                    self.cuts += 1
                    await _end(back)
                    if self.deliver:
                        server_writer.write(data)
                        await server_reader.read(1)  # It has answered, so it is done.
                    if self.hang:
                        self._orphans.append(server_writer)
                    return
                server_writer.write(data)
                await server_writer.drain()
        finally:
            await _end(back)
            if server_writer not in self._orphans:
                server_writer.transport.abort()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 20):
            writer.write(data)
            await writer.drain()
    writer.close()  # After a reset too: whoever waits for an answer must see that none will come.


@asynccontextmanager
async def open_wire(url: str) -> AsyncIterator[Wire]:
    """A wire to the server of this URL."""
    wire = Wire(url)
    await wire.start()
    try:
        yield wire
    finally:
        await wire.stop()
