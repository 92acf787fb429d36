"""The connections of one process: how many are open, and which have to go before there are too many.

The server accepts as many as it may and then no more, whoever asks, and says nothing. So this looks once a
second. Beyond NEAR of them a line in the log names the address that has most; and of the addresses that have
most, connections that were silent for longest are ended until there is ROOM again. A client with thousands of
silent ones loses them, and others see nothing of it. Proxies that the settings name are spared, since they
come for many.

Only Linux tells what is needed (`/proc/self/fd`, TCP_INFO); elsewhere the server's own limit is all there is.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import structlog

from tuckshop.identity import addresses
from tuckshop.settings import Network
from tuckshop.telemetry import Meter

LOOK_SECONDS = 1.0
NEAR = 0.8  # Of the most that may be open.
ROOM = 0.7  # To be reached again by ending silent ones.
SILENT_MS_MIN = 2_000  # Whoever has sent or was sent something since is no idler.
UNREAD_MS_MAX = 60_000  # How long a client may leave what it is sent unread.
OF_ADDRESS_MIN = 50  # So many are left to every address: a family behind one line has fewer.
LOG_SECONDS = 60.0
AT_ONCE = 100  # Connections looked at between two turns of the others.
_FILES = Path("/proc/self/fd")
_SENT_AT, _RECEIVED_AT = 44, 52  # tcpi_last_data_sent and tcpi_last_data_recv in Linux's struct tcp_info.
_INFO_BYTES = 64
_U32 = struct.Struct("=I")

log = structlog.get_logger(__name__)


class Peer(NamedTuple):
    """A connection: its file, what its other end is called, and for how long neither has sent anything."""

    file: int
    end: tuple[str, int]
    silent_ms: int


class Connections:
    """Those that this process has accepted at `port`. `proxies`: whose are not ended."""

    def __init__(self, *, port: int, most: int, proxies: tuple[Network, ...], meter: Meter) -> None:
        self._port = port
        self._most = most
        self._proxies = proxies
        self._meter = meter
        self._beside: int | None = None
        self._logged_at: float | None = None
        meter.connections_max = most

    async def keep_looking(self) -> None:
        """Looks every second until it is cancelled."""
        while sys.platform == "linux":
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Counts, and makes room if there is little left."""
        files = _count() or len(await asyncio.to_thread(_files))
        if self._beside is None and not self._prepare():
            return
        if self._beside is not None:
            self._meter.connections = max(files - self._beside, 0)
            if self._meter.connections < NEAR * self._most:
                return
        peers = await self._peers()
        self._beside = files - len(peers)
        self._meter.connections = len(peers)
        if len(peers) >= NEAR * self._most:
            await self._make_room(peers)

    def _prepare(self) -> bool:
        """Has the system end connections whose client does not read. False: nothing listens yet."""
        for file in _files():
            with suppress(OSError), _borrowed(file) as one:
                listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                if listens and _port(one) == self._port:
                    # The accepted ones inherit it. Without, such a client keeps its connection for ever.
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS_MAX)
                    return True
        return False

    async def _peers(self) -> list[Peer]:
        found = []
        for number, file in enumerate(_files()):
            with suppress(OSError), _borrowed(file) as one:
                if _port(one) == self._port:
                    info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
                    sent_ms, received_ms = (_U32.unpack_from(info, at)[0] for at in (_SENT_AT, _RECEIVED_AT))
                    found.append(Peer(file, one.getpeername()[:2], min(sent_ms, received_ms)))
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)  # Sales go on meanwhile.
        return found

    async def _make_room(self, peers: list[Peer]) -> None:
        by_address: dict[str, list[Peer]] = defaultdict(list)
        for peer in peers:
            by_address[addresses.place(peer.end[0])].append(peer)
        busiest = sorted(by_address.items(), key=lambda one: len(one[1]), reverse=True)
        self._say(len(peers), busiest[0][0], len(busiest[0][1]))
        too_many = len(peers) - int(ROOM * self._most)
        for _, own in busiest:
            if any(ip_address(own[0].end[0]) in network for network in self._proxies):
                continue
            silent = sorted(
                (one for one in own if one.silent_ms >= SILENT_MS_MIN), key=lambda one: -one.silent_ms
            )
            ended = silent[: max(min(too_many, len(own) - OF_ADDRESS_MIN), 0)]
            too_many -= len(ended)
            for number, peer in enumerate(ended):
                self._meter.connections_ended += _end(peer)
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)

    def _say(self, count: int, address: str, of_address: int) -> None:
        now = asyncio.get_running_loop().time()
        if self._logged_at is None or now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            told = {"open": count, "most": self._most, "busiest": address, "of_busiest": of_address}
            log.warning("connections.near_limit", **told, ended=self._meter.connections_ended)


def _count() -> int:
    return _FILES.stat().st_size  # 0 before Linux 6.2; listing thousands takes twenty milliseconds.


def _files() -> list[int]:
    with os.scandir(_FILES) as found:
        return [int(one.name) for one in found]


@contextmanager
def _borrowed(file: int) -> Iterator[socket.socket]:
    """The socket that has this number; whose it is may have changed since it was listed.

    It is neither copied nor closed: to close any copy of a file drops all locks that a process has on it, and
    the numbers of the database's own files are among these.

    Raises:
        OSError: the file is no socket, or no more.
    """
    one = socket.socket(fileno=file)
    try:
        yield one
    finally:
        one.detach()


def _port(one: socket.socket) -> int | None:
    """The port at this end; None for what has none."""
    return one.getsockname()[1] if one.family in (socket.AF_INET, socket.AF_INET6) else None


def _end(peer: Peer) -> bool:
    """Ends the connection, of which the server then learns. False: it is no more."""
    with suppress(OSError), _borrowed(peer.file) as one:
        if _port(one) is not None and one.getpeername()[:2] == peer.end:
            one.shutdown(socket.SHUT_RDWR)
            return True
    return False
