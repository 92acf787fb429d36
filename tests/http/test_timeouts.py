"""Bodies that stop coming: 408 in each contract's shape, and no server that waits for them at its end."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import msgspec
import pytest

from tests import server
from tests.api.conftest import serving
from tests.limits import HANG_SECONDS, until
from tests.wire import HOST
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.http import timeouts
from tuckshop.http.timeouts import BodyTimeouts

HEAD = (
    "POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
    "Authorization: Bearer {token}\r\nContent-Length: 64\r\n\r\n"
)
EXPECTS = "\r\nExpect: 100-continue\r\n\r\n"


@pytest.fixture(autouse=True)
def looked_for_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look but those of the test: its seconds are as long as it likes."""
    monkeypatch.setattr(timeouts, "LOOK_SECONDS", HANG_SECONDS * 10)


async def until_it_waits(seen: BodyTimeouts) -> None:
    """Returns when a request has begun since the last look to wait for a piece of its body."""
    await until(lambda: any(since == seen.looks for _, since in seen._waiting.values()))


def look(seen: BodyTimeouts, *, seconds: int) -> None:
    """So many seconds go by."""
    for _ in range(seconds):
        seen.look()


@pytest.mark.parametrize("sent", ["", '{"lines": ['])
async def test_a_body_that_stalls_is_refused(sqlite_url: str, sent: str) -> None:
    async with serving(sqlite_url, coins=CoinsPolicy.SELF, dialects="vending-challenge") as api:
        token = api.token(await api.shop.buyer("ada"))
        for path, media_type, told in (
            ("/v1/orders", b"application/problem+json", b'"type":"urn:tuckshop:problem:request-timeout"'),
            ("/dialects/vending-challenge/user", b"application/json", b'"code":"request-timeout"'),
        ):
            asked = HEAD.format(path=path, token=token) + sent
            asking = asyncio.create_task(api.raw(asked.encode()))
            await until_it_waits(api.body_timeouts)
            look(api.body_timeouts, seconds=timeouts.STALL_SECONDS_MAX)
            assert api.body_timeouts._waiting
            look(api.body_timeouts, seconds=1)
            assert not api.body_timeouts._waiting
            answer = await asking
            assert answer.startswith(b"HTTP/1.1 408 "), answer
            assert media_type in answer
            assert told in answer
        assert (await api.get("/v1/wallet", by=token)).status_code == 200
        assert not api.running.till.waiting


async def test_a_body_that_keeps_coming_is_read(sqlite_url: str) -> None:
    async with serving(sqlite_url) as api:
        token = api.token(await api.shop.buyer("ada", cents=500))
        product = (await api.shop.product("cola", price_cents=150, stock=1)).product_id
        body = msgspec.json.encode({"lines": [{"product": product, "quantity": 1}]}).ljust(64)
        reader, writer = await asyncio.open_connection(HOST, api.port)
        writer.write(HEAD.format(path="/v1/orders", token=token).encode())
        for start in range(0, 64, 16):
            await until_it_waits(api.body_timeouts)
            look(
                api.body_timeouts, seconds=timeouts.STALL_SECONDS_MAX
            )  # All in all longer than one piece may take.
            writer.write(body[start : start + 16])
        told = await asyncio.wait_for(reader.read(65536), HANG_SECONDS)
        assert told.startswith(b"HTTP/1.1 201 ")
        writer.close()


async def test_a_body_that_trickles_has_an_end() -> None:
    seen = BodyTimeouts()
    cancelled = asyncio.create_task(asyncio.Event().wait())
    for _ in range(timeouts.BODY_SECONDS_MAX):
        seen.wait(cancelled, 0)
        seen.look()
        assert not cancelled.cancelling()
    seen.wait(cancelled, 0)
    seen.look()
    assert cancelled.cancelling()
    assert seen.took_too_long(cancelled)
    assert not seen.took_too_long(cancelled)


async def test_a_server_that_ends_waits_for_no_stalled_body(sqlite_url: str, tmp_path: Path) -> None:
    with server.serving(sqlite_url, tmp_path) as servers:
        (port,), (group,) = servers.ports, servers.groups
        reader, writer = await asyncio.open_connection(HOST, port)
        head = HEAD.format(path="/v1/auth/login", token="none").replace("\r\n\r\n", EXPECTS)
        writer.write(head.encode())
        # It says so when it begins to wait for the body.
        await asyncio.wait_for(reader.readuntil(b"100 Continue\r\n\r\n"), HANG_SECONDS)
        writer.write(b'{"user')
        os.kill(group, signal.SIGTERM)
        # One that waits as long as for any body is killed before it answers, see tests/limits.py.
        told = await asyncio.wait_for(reader.read(65536), HANG_SECONDS)
        assert told.startswith(b"HTTP/1.1 408 ")
        await asyncio.to_thread(servers.wait)
        writer.close()
