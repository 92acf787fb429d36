"""The wire is as quick to break as the line that it stands for."""

from __future__ import annotations

import asyncio
import socket
import struct
from urllib.parse import urlsplit

from tests.limits import HANG_SECONDS
from tests.till.wire import open_wire


async def test_a_line_that_the_server_resets_ends_for_its_client() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        line: socket.socket = writer.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with await asyncio.start_server(reset, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with open_wire(f"postgresql://somebody@127.0.0.1:{port}/shop") as wire:
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(wire.url).port)
            writer.write(b"BEGIN")
            async with asyncio.timeout(HANG_SECONDS):
                assert await reader.read() == b""
            writer.close()
