"""What the database has refused is remembered in Redis, and nothing is lost or let in without it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

from tests.redis.servers import RedisServer
from tests.shop import Clock
from tuckshop.context import Shop
from tuckshop.domain.refusals import BadCredentials, TooManyRegistrations, TooManyTries
from tuckshop.domain.users import Role
from tuckshop.identity import (
    addresses,
    login_throttle,
    refused_tries,
    registration,
    registration_throttle,
    sessions,
)
from tuckshop.identity.sessions import LoggedIn
from tuckshop.operations.startup import open_shop
from tuckshop.settings import Settings
from tuckshop.store import redis_server as store_redis

PASSWORD = "correct horse"
HOME, WORLD = "192.0.2.7", "198.51.100.9"

needs_server = pytest.mark.more


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_throttle, "DELAY_SECONDS", 0.0)
    monkeypatch.setattr(store_redis, "RETRY_SECONDS", 0.0)


@asynccontextmanager
async def opened(url: str, redis_url: str, clock: Clock) -> AsyncIterator[Shop]:
    settings = Settings(
        database_url=url, redis_url=redis_url, secret="a secret for tests, long enough to sign with"
    )
    async with open_shop(settings, clock=clock) as shop:
        yield shop


async def add_ada(shop: Shop) -> None:
    await registration.add(shop, username="ada", email=None, password=PASSWORD, roles=[Role.BUYER])


async def log_in(shop: Shop, password: str = "wrong horse", *, address: str = WORLD) -> Any:
    """The log-in, or why not."""
    try:
        return await sessions.log_in(shop, username="ada", password=password, address=address)
    except (BadCredentials, TooManyTries) as refusal:
        return refusal


async def fill(shop: Shop, *, address: str = WORLD) -> int:
    """Tries wrong passwords until that is refused; how many were looked at."""
    for looked_at in range(100):
        if isinstance(await log_in(shop, address=address), TooManyTries):
            return looked_at
    raise AssertionError


@contextmanager
def statements(shop: Shop) -> Iterator[list[str]]:
    """What the database is asked."""
    asked: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    engine = shop.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


@needs_server
async def test_one_node_refuses_what_another_has_seen_refused(
    postgres_url: str, redis_server: RedisServer, clock: Clock
) -> None:
    url = redis_server.url
    async with opened(postgres_url, url, clock) as one, opened(postgres_url, url, clock) as other:
        await add_ada(one)
        assert await fill(one) == login_throttle.PAIR.attempts
        with statements(other) as asked:
            assert await log_in(other, PASSWORD) == TooManyTries(retry_seconds=60)
        assert asked == []
        clock.forward(2)  # The wait that is told gets shorter, without the database too.
        with statements(other) as asked:
            assert await log_in(other, PASSWORD) == TooManyTries(retry_seconds=58)
        assert asked == []
        clock.forward(refused_tries.REMEMBERED_SECONDS)
        with statements(other) as asked:
            assert isinstance(await log_in(other, PASSWORD), TooManyTries)
        assert asked  # Now the database was asked again.
        clock.forward(60)
        assert isinstance(await log_in(other, PASSWORD), LoggedIn)


@needs_server
async def test_registrations_too(database_url: str, redis_server: RedisServer, clock: Clock) -> None:
    async with opened(database_url, redis_server.url, clock) as shop:
        await registration_throttle.begin(shop, address=WORLD, per_hour=1)
        with pytest.raises(TooManyRegistrations):
            await registration_throttle.begin(shop, address=WORLD, per_hour=1)
        with statements(shop) as asked, pytest.raises(TooManyRegistrations) as refused:
            await registration_throttle.begin(shop, address=WORLD, per_hour=1)
        assert asked == []
        assert refused.value == TooManyRegistrations(3_600, 1)
        await registration_throttle.begin(shop, address="203.0.113.1", per_hour=1)


@needs_server
async def test_the_owner_at_home_is_not_kept_out(
    database_url: str, redis_server: RedisServer, clock: Clock
) -> None:
    async with opened(database_url, redis_server.url, clock) as shop:
        await add_ada(shop)
        assert isinstance(await log_in(shop, PASSWORD, address=HOME), LoggedIn)
        for place in range(20):  # Until the name itself is refused.
            await fill(shop, address=f"203.0.{place}.1")
        assert isinstance(await log_in(shop, PASSWORD, address=WORLD), TooManyTries)
        assert isinstance(await log_in(shop, PASSWORD, address=HOME), LoggedIn)


@needs_server
async def test_without_redis_the_database_says_the_same(
    database_url: str, redis_server: RedisServer, clock: Clock
) -> None:
    async with opened(database_url, redis_server.url, clock) as shop:
        await add_ada(shop)
        redis_server.kill()
        with capture_logs() as logs:
            assert await fill(shop) == login_throttle.PAIR.attempts
            assert await log_in(shop, PASSWORD) == TooManyTries(retry_seconds=60)
            assert isinstance(await log_in(shop, PASSWORD, address=HOME), LoggedIn)
        assert [line["event"] for line in logs if line["event"].startswith("redis")] == ["redis.lost"]

        redis_server.start()
        with capture_logs() as logs:
            await log_in(shop)
            await log_in(shop)
        assert [line["event"] for line in logs if line["event"].startswith("redis")] == ["redis.back"]
        with statements(shop) as asked:
            assert isinstance(await log_in(shop), TooManyTries)
        assert asked == []


@needs_server
async def test_what_others_write_there_is_not_believed(
    database_url: str, redis_server: RedisServer, clock: Clock
) -> None:
    async with opened(database_url, redis_server.url, clock) as shop:
        await add_ada(shop)
        await fill(shop)
        with redis_server.client() as client:
            [name] = client.keys()
            note = client.get(name)
            body = note[16:]
            # Moved to the name of somebody at home: a genuine note, for another key.
            pair = login_throttle.key_of("pair", "ada", addresses.place(HOME))
            at_home = name.rpartition(b":")[0] + b":" + pair.hex().encode()
            for forged in (
                note,
                body,
                b"\0" * 16 + body,
                b"\0" * 16 + b"%d %d" % (clock.now_us, clock.now_us + 10**15),
                b"",
                b"\xff" * 100_000,
                b"9" * 40,
            ):
                client.set(at_home, forged)
                assert isinstance(await log_in(shop, PASSWORD, address=HOME), LoggedIn)
            client.delete(at_home)
            client.rpush(at_home, "a", "list")
            assert isinstance(await log_in(shop, PASSWORD, address=HOME), LoggedIn)
            # And to take the note away lets nobody in.
            client.flushall()
            assert isinstance(await log_in(shop, PASSWORD), TooManyTries)
            # A note of before holds no longer than it did.
            clock.forward(60)
            client.set(name, note)
            assert isinstance(await log_in(shop, PASSWORD), LoggedIn)


@needs_server
async def test_many_at_once_are_counted_one_by_one(
    database_url: str, redis_server: RedisServer, clock: Clock
) -> None:
    async with opened(database_url, redis_server.url, clock) as shop:
        await add_ada(shop)
        answers = await asyncio.gather(*(log_in(shop) for _ in range(30)))
        assert sum(isinstance(answer, BadCredentials) for answer in answers) == 10
        assert sum(isinstance(answer, TooManyTries) for answer in answers) == 20


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$-7\r\n", b"*3\r\n:x\r\n", b"\0" * 99]
)
async def test_a_server_that_is_none_is_waited_for_a_moment(
    sqlite_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(store_redis, "ANSWER_SECONDS", 0.05)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if said:
            await reader.read(1)
            writer.write(said)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, opened(sqlite_url, f"redis://127.0.0.1:{_port(server)}", clock) as shop:
        await add_ada(shop)
        with capture_logs() as logs:
            assert isinstance(await log_in(shop), BadCredentials)
            assert isinstance(await log_in(shop, PASSWORD), LoggedIn)
        assert [line["event"] for line in logs if line["event"].startswith("redis")] == ["redis.lost"]


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port
