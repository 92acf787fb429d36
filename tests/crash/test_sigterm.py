"""SIGTERM in the rush, streams of events open and idle lines about: all that was sold was answered.

Three rounds on each database; TUCKSHOP_PROOF=1 makes it twenty.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.limits import HANG_SECONDS, until
from tests.server import Servers, serving
from tests.shop import Clock, open_shop
from tests.wire import HOST, Ask, Line, Lost, lines
from tuckshop.operations.startup import system_clock
from tuckshop.store import tables
from tuckshop.store.engine import open_engine, reading
from tuckshop.till.callers import SessionCaller

ROUNDS = 20 if os.environ.get("TUCKSHOP_PROOF") == "1" else 3
STREAMS = 50
IDLE = 10
BUYERS = 24


@pytest.mark.more
@pytest.mark.proof
async def test_answers_all_that_it_took_and_ends(database_url: str, tmp_path: Path) -> None:
    async with open_shop(database_url, clock=Clock(system_clock())) as shop:
        buyers = [await shop.buyer(f"buyer {number}", cents=1_000_000) for number in range(BUYERS)]
        product = (await shop.product("cola", price_cents=5, stock=1_000_000)).product_id
        with serving(database_url, tmp_path) as servers:
            for number in range(ROUNDS):
                if number:
                    servers.start()
                await _round(servers, buyers, product, number=number)
        await shop.assert_clean()


async def _round(servers: Servers, buyers: list[SessionCaller], product: int, *, number: int) -> None:
    (port,) = servers.ports
    answered: set[str] = set()
    async with AsyncExitStack() as stack:
        streams = [await _stream(port, stack) for _ in range(STREAMS)]
        await stack.enter_async_context(lines([port], IDLE))
        shopping = [
            asyncio.create_task(_buy(servers, buyer, product, f"r{number}-b{place}", answered))
            for place, buyer in enumerate(buyers)
        ]
        await until(lambda: len(answered) >= BUYERS)
        (group,) = servers.groups
        os.kill(group, signal.SIGTERM)
        await asyncio.gather(*shopping)
        for reader in streams:
            told = await asyncio.wait_for(reader.read(), HANG_SECONDS)
            assert told.endswith(b"0\r\n\r\n")  # Ended, not cut off by a server that was killed.
        await asyncio.to_thread(servers.wait)
        assert "Killing" not in servers.said()
    engine = open_engine(servers.url)
    async with reading(engine) as connection:
        refs = await connection.scalars(
            select(tables.orders.c.client_ref).where(tables.orders.c.client_ref.startswith(f"r{number}-"))
        )
        sold = set(refs.all())
    await engine.dispose()
    assert sold == answered  # What was taken was answered; what was not answered was never taken.


async def _stream(port: int, stack: AsyncExitStack) -> asyncio.StreamReader:
    reader, writer = await asyncio.open_connection(HOST, port)
    stack.push_async_callback(_hang_up, writer)
    writer.write(b"GET /v1/events HTTP/1.1\r\nHost: shop\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"event: hello"), HANG_SECONDS)
    return reader


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _buy(servers: Servers, buyer: SessionCaller, product: int, name: str, answered: set[str]) -> None:
    """Buys one thing after the other, until nobody answers any more."""
    token = servers.token(buyer)
    count = 0
    line = await Line.open(servers.ports[0])
    try:
        while True:
            count += 1
            ref = f"{name}-{count}"
            body = {"lines": [{"product": product, "quantity": 1}], "client_ref": ref}
            answer = await line.ask(Ask("/v1/orders", token, body, key=ref))
            if answer.status != 201:
                assert answer.status == 503, answer
                return
            answered.add(ref)
    except Lost:
        return
    finally:
        await line.close()
