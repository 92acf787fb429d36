"""Connections that nobody uses: others are served beside them, and they go before there are too many."""

from __future__ import annotations

import asyncio
import fcntl
import resource
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from ipaddress import ip_network
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests import server
from tests.api.conftest import serving
from tests.limits import HANG_SECONDS, until
from tests.wire import HOST
from tuckshop.cli import serve
from tuckshop.operations import connections
from tuckshop.operations.connections import Connections
from tuckshop.settings import SettingsInvalid, read
from tuckshop.telemetry import Meter

SILENT = 1_100  # The server's own limit was 1,024, whoever asked.
HEAD = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@contextmanager
def silent(port: int, count: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections on which nothing but this is ever said."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard > count + 200, "too few files for this test (ulimit -Hn)"
    with ExitStack() as stack:
        if soft != resource.RLIM_INFINITY and soft < count + 200:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count + 200, hard))
            stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        lines = []
        for _ in range(count):
            line = stack.enter_context(socket.create_connection((HOST, port), timeout=HANG_SECONDS))
            line.sendall(sent)
            lines.append(line)
        yield lines


def asked(port: int, path: str) -> int:
    """The status of the answer."""
    with urlopen(f"http://{HOST}:{port}{path}", timeout=HANG_SECONDS) as answer:
        return int(answer.status)


def has_ended(line: socket.socket) -> bool:
    """Whether the server has closed it; what it has said before is passed over."""
    line.setblocking(False)
    try:
        while line.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def test_others_are_served_beside_a_thousand_silent_ones(sqlite_url: str, tmp_path: Path) -> None:
    with server.serving(sqlite_url, tmp_path) as servers:
        (port,) = servers.ports
        for sent in (b"", HEAD):
            with silent(port, SILENT, sent) as lines:
                for path in ("/health/live", "/health/ready", "/v1/products", "/"):
                    assert asked(port, path) == 200
                assert not any(map(has_ended, lines))


def test_silent_ones_are_closed_before_there_are_too_many(sqlite_url: str, tmp_path: Path) -> None:
    settings = {"TUCKSHOP_CONNECTIONS": "100", "TUCKSHOP_METRICS": "1"}
    with server.serving(sqlite_url, tmp_path, settings=settings) as servers:
        (port,) = servers.ports
        with silent(port, 150) as lines:
            assert asked(port, "/health/live") == 200  # Fifty wait before it to be accepted.
            left = sum(not has_ended(line) for line in lines)
            assert connections.OF_ADDRESS_MIN <= left < 100
            with urlopen(f"http://{HOST}:{port}/metrics", timeout=HANG_SECONDS) as answer:
                told = answer.read().decode()
        assert "\ntuckshop_connections_max 100.0\n" in told
        assert "\ntuckshop_connections_ended_total " in told
        assert "\ntuckshop_connections_ended_total 0.0\n" not in told
        assert servers.said().count('"event": "connections.near_limit"') == 1  # Not once a second.


def test_nobody_takes_for_ever_to_ask(sqlite_url: str, tmp_path: Path) -> None:
    settings = {"TUCKSHOP_IDLE_SECONDS": "5"}
    with server.serving(sqlite_url, tmp_path, settings=settings) as servers, ExitStack() as stack:
        lines = [
            stack.enter_context(silent(servers.ports[0], 1, sent))[0]
            for sent in (b"", HEAD, HEAD + b"\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        ]
        for line in lines:
            while line.recv(65_536):
                pass


@pytest.mark.parametrize("is_chunked_first", [True, False])
async def test_after_two_lengths_nothing_is_read(sqlite_url: str, is_chunked_first: bool) -> None:
    """Whichever of the two a proxy before us believes: what it takes for another request is none."""
    both = [b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n"]
    lengths = b"".join(both if is_chunked_first else reversed(both))
    body = b"0\r\n\r\n" + HEAD + b"\r\n"
    async with serving(sqlite_url) as api:
        request = b"POST /v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\n" + lengths + b"\r\n" + body
        reader, writer = await asyncio.open_connection(HOST, api.port)
        writer.write(request)
        told = await asyncio.wait_for(reader.read(), HANG_SECONDS)
        assert told.count(b"HTTP/1.1 ") == 1
        assert told.startswith(b"HTTP/1.1 422 ")
        assert b'"live"' not in told
        writer.close()


def test_only_http_1_is_spoken_and_a_head_has_an_end(sqlite_url: str, tmp_path: Path) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk"
    with server.serving(sqlite_url, tmp_path) as servers:
        for sent, status in (
            (preface, b""),
            (HEAD + upgrade + b"\r\n\r\n", b"HTTP/1.1 200 OK"),
            (HEAD + b"X: " + b"a" * 30_000 + b"\r\n\r\n", b"HTTP/1.1 200 OK"),
            (HEAD + b"X: " + b"a" * 200_000, b"HTTP/1.1 431 Request Header Fields Too Large"),
            (HEAD + b"X: a\r\n" * 200, b"HTTP/1.1 431 Request Header Fields Too Large"),
        ):
            with silent(servers.ports[0], 1, sent) as (line,):
                assert line.recv(65_536).partition(b"\r\n")[0] == status


class Watched:
    """A server that never answers, and its connections."""

    def __init__(self, port: int, accepted: list[socket.socket], meter: Meter) -> None:
        self.port = port
        self.accepted = accepted
        self.meter = meter
        self.stack = ExitStack()

    async def open(self, count: int, *, by: str) -> list[socket.socket]:
        """So many connections from this address, all accepted."""
        before = len(self.accepted)
        lines = [
            self.stack.enter_context(socket.create_connection((HOST, self.port), source_address=(by, 0)))
            for _ in range(count)
        ]
        await until(lambda: len(self.accepted) == before + count)
        return lines


@asynccontextmanager
async def watching(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.setattr(connections, "SILENT_MS_MIN", 0)
    accepted = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer.get_extra_info("socket"))
        writers.append(writer)

    writers: list[asyncio.StreamWriter] = []
    listening = await asyncio.start_server(accept, HOST, 0)
    watched = Watched(listening.sockets[0].getsockname()[1], accepted, Meter())
    try:
        with watched.stack:
            yield watched
    finally:  # A loop that ends with them open waits for them.
        for writer in writers:
            writer.close()
        listening.close()


async def test_who_has_most_loses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "OF_ADDRESS_MIN", 35)
    async with watching(monkeypatch) as watched:
        looks = Connections(
            port=watched.port, most=100, proxies=(ip_network("127.0.0.4"),), meter=watched.meter
        )
        await looks.look()
        few, many = await watched.open(5, by="127.0.0.2"), await watched.open(40, by="127.0.0.3")
        proxy = await watched.open(34, by="127.0.0.4")
        await looks.look()
        assert (watched.meter.connections, watched.meter.connections_ended) == (79, 0)
        many += await watched.open(3, by="127.0.0.3")
        await looks.look()
        assert (watched.meter.connections, watched.meter.connections_ended) == (82, 8)
        await until(lambda: sum(map(has_ended, many)) == 8)
        assert not any(map(has_ended, [*few, *proxy]))


async def test_who_has_just_asked_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watching(monkeypatch) as watched:
        monkeypatch.setattr(connections, "SILENT_MS_MIN", 10 * HANG_SECONDS * 1_000)
        looks = Connections(port=watched.port, most=100, proxies=(), meter=watched.meter)
        await looks.look()
        lines = await watched.open(90, by=HOST)
        await looks.look()
        assert (watched.meter.connections, watched.meter.connections_ended) == (90, 0)
        assert not any(map(has_ended, lines))


async def test_no_lock_of_a_file_is_lost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SQLite's are such locks: without them two processes write the same page."""
    tries = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    with (tmp_path / "file").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        async with watching(monkeypatch) as watched:
            looks = Connections(port=watched.port, most=100, proxies=(), meter=watched.meter)
            await looks.look()
            await watched.open(90, by=HOST)
            await looks.look()
            assert watched.meter.connections_ended == 20
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", tries, file.name, stderr=asyncio.subprocess.PIPE
        )
        _, told = await other.communicate()
        assert b"BlockingIOError" in told


async def test_who_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watching(monkeypatch) as watched:
        looks = Connections(port=watched.port, most=100, proxies=(), meter=watched.meter)
        await looks.look()
        await watched.open(1, by=HOST)
        (accepted,) = watched.accepted
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == connections.UNREAD_MS_MAX


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "raised_to", "possible"),
    [
        (1_024, 1_048_576, 10_000, 10_256, 10_000),
        (1_024, -1, 10_000, 10_256, 10_000),
        (-1, -1, 10_000, None, 10_000),
        (65_536, 65_536, 10_000, None, 10_000),
        (1_024, 4_096, 10_000, 4_096, 3_840),
        (1_024, 1_024, 10_000, 1_024, 768),
        (256, 256, 10_000, 256, 100),
    ],
)
def test_the_limit_of_files_is_raised(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    soft: int,
    hard: int,
    wanted: int,
    raised_to: int | None,
    possible: int,
) -> None:
    raised = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    assert serve.allow_connections(wanted) == possible
    assert raised == ([] if raised_to is None else [(raised_to, hard)])
    warned = capsys.readouterr().err
    assert ("TUCKSHOP_CONNECTIONS" in warned) is (possible < wanted)


def test_limits_are_numbers() -> None:
    for name, *wrong in (
        ("CONNECTIONS", "99", "many", "1000001"),
        ("IDLE_SECONDS", "4", "0", "-1", "3601"),
        ("EVENT_STREAMS_PER_ADDRESS", "0", "some"),
        ("REGISTRATIONS_PER_HOUR", "0", "3601", "1.5"),
    ):
        for value in wrong:
            with pytest.raises(SettingsInvalid, match=f"TUCKSHOP_{name}"):
                read({f"TUCKSHOP_{name}": value})
