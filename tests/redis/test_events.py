"""Events come through Redis from other nodes, through the database while it is away, and never too early."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from tests.api.conftest import Api, serving
from tests.api.test_events import watching
from tests.limits import HANG_SECONDS, until
from tests.redis.servers import RedisServer
from tools.loopback import HOST, free_port
from tuckshop.store import redis_line, redis_server
from tuckshop.store.engine import postgres_dsn
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.products import ChangeProduct
from tuckshop.till.sql.postgres import PostgresBooks
from tuckshop.till.state import changed_ids

pytestmark = [pytest.mark.more, pytest.mark.postgres]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_line, "RETRY_SECONDS", 0.01)


def is_up(api: Api) -> bool:
    """Whether both of its lines are."""
    shared, line = api.events._shared, api.events._line
    return shared is not None and shared.is_up and line is not None and line.is_up


def is_quiet(api: Api) -> bool:
    """Whether its till tells others through Redis, and not through the database."""
    events = api.events
    return not events.is_wanted() and events._shares_until > asyncio.get_running_loop().time()


async def notified(url: str, act: Callable[[], Awaitable[Any]]) -> list[str]:
    """What the database told its listeners of products while this was done."""
    connection = await asyncpg.connect(postgres_dsn(url))
    told: list[str] = []
    ended = asyncio.Event()
    await connection.add_listener(changed_ids.CHANNEL, lambda *given: told.append(str(given[3])))
    await connection.add_listener("end", lambda *_: ended.set())
    try:
        await act()
        await connection.execute('NOTIFY "end"')
        await asyncio.wait_for(ended.wait(), HANG_SECONDS)
    finally:
        await connection.close()
    return told


async def test_other_nodes_hear_through_redis_alone(postgres_url: str, redis_server: RedisServer) -> None:
    url = redis_server.url
    async with serving(postgres_url, redis_url=url) as one, serving(postgres_url, redis_url=url) as other:
        cola = await one.shop.product("cola", price_cents=150, stock=10)
        ada = await one.shop.buyer("ada", cents=500)
        await until(lambda: is_up(one) and is_up(other))
        for api in (one, other):
            api.events._loud_until = 0.0  # Tills are loud at first.
        async with watching(other) as anybody, watching(other, ada) as hers:
            await until(lambda: is_quiet(one))

            async def buy() -> None:
                order = {"lines": [{"product": cola.product_id, "quantity": 2}]}
                assert (await one.post("/v1/orders", order, by=ada)).status_code == 201
                await anybody.until("stock", stock=8)
                assert await hers.until("balance", balance=200) == {"balance": 200}

            assert await notified(postgres_url, buy) == []


async def test_while_redis_is_away_they_hear_through_the_database(
    postgres_url: str, redis_server: RedisServer
) -> None:
    url = redis_server.url
    async with serving(postgres_url, redis_url=url) as one, serving(postgres_url, redis_url=url) as other:
        cola = await one.shop.product("cola", price_cents=150, stock=10)

        async def price(cents: int) -> None:
            await one.shop.do(ChangeProduct(OPERATOR, cola.product_id, price_cents=cents))

        await until(lambda: is_up(one) and is_up(other))
        with capture_logs() as logs:
            async with watching(other) as anybody:
                await until(lambda: is_quiet(one))
                redis_server.kill()
                await until(lambda: not is_up(one) and not is_up(other))
                assert one.events.is_wanted()
                await price(160)
                await anybody.until("product", price=160)

                redis_server.start()
                await until(lambda: is_up(one) and is_up(other))
                assert (await anybody.until("hello", missed=True))["missed"]
                await price(170)
                await anybody.until("product", price=170)
        told = [line["event"] for line in logs if line["event"].startswith("events.redis")]
        assert sorted(told) == ["events.redis_lost"] * 2 + ["events.redis_up"] * 2  # Once for each node.


async def test_a_node_without_redis_hears_and_is_heard(postgres_url: str, redis_server: RedisServer) -> None:
    async with serving(postgres_url, redis_url=redis_server.url) as one, serving(postgres_url) as other:
        cola = await one.shop.product("cola", price_cents=150, stock=10)
        ada = await one.shop.buyer("ada", cents=500)
        await until(lambda: is_up(one))
        for api in (one, other):
            api.events._loud_until = 0.0
        order = {"lines": [{"product": cola.product_id, "quantity": 1}]}
        async with watching(one) as here, watching(other) as there:
            await until(lambda: one.events.is_wanted() and other.events.is_wanted())
            assert (await one.post("/v1/orders", order, by=ada)).status_code == 201
            await here.until("stock", stock=9)
            await there.until("stock", stock=9)
            assert (await other.post("/v1/orders", order, by=ada)).status_code == 201
            await here.until("stock", stock=8)
            await there.until("stock", stock=8)


async def test_a_node_that_alone_has_lost_redis_is_heard(
    postgres_url: str, redis_server: RedisServer
) -> None:
    nowhere = f"redis://{HOST}:{free_port()}"
    async with (
        serving(postgres_url, redis_url=nowhere) as one,
        serving(postgres_url, redis_url=redis_server.url) as other,
    ):
        cola = await one.shop.product("cola", price_cents=150, stock=10)
        await until(lambda: is_up(other))
        async with watching(other) as anybody:
            await anybody.until("hello", missed=True)  # A second after the first stream.
            await until(lambda: one.events._line is not None and one.events._line.is_up)
            one.events._loud_until = 0.0
            await one.shop.do(ChangeProduct(OPERATOR, cola.product_id, price_cents=160))
            await anybody.until("product", price=160)


async def test_nothing_is_told_before_it_is_in_the_books(
    postgres_url: str, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(postgres_url, redis_url=redis_server.url) as api:
        cola = await api.shop.product("cola", price_cents=150, stock=10)
        ada = await api.shop.buyer("ada", cents=500)
        await until(lambda: is_up(api))
        api.events._loud_until = 0.0
        said: list[str] = []
        commit = PostgresBooks._commit

        async def refused(books: PostgresBooks, connection: Any) -> None:
            assert said == []
            await connection.execute("ROLLBACK")
            raise asyncpg.CheckViolationError("the database refuses this batch")

        async def slow(books: PostgresBooks, connection: Any) -> None:
            await asyncio.sleep(0)
            assert said == []
            await commit(books, connection)

        shared = api.events._shared
        assert shared is not None
        async with watching(api):
            await until(lambda: is_quiet(api))
            say = shared.say

            def heard(channel: str, words: str = "") -> None:
                said.append(channel)
                say(channel, words)

            monkeypatch.setattr(shared, "say", heard)
            monkeypatch.setattr(PostgresBooks, "_commit", refused)
            assert (await buy(api, ada, cola.product_id)).status_code == 500
            assert changed_ids.CHANNEL not in said
            said.clear()
            monkeypatch.setattr(PostgresBooks, "_commit", slow)
            assert (await buy(api, ada, cola.product_id)).status_code == 201
            await until(lambda: changed_ids.CHANNEL in said)


async def buy(api: Api, buyer: SessionCaller, product_id: int) -> Any:
    order = {"lines": [{"product": product_id, "quantity": 1}]}
    return await api.post("/v1/orders", order, by=buyer)


async def test_what_others_say_there_is_not_believed(postgres_url: str, redis_server: RedisServer) -> None:
    async with serving(postgres_url, redis_url=redis_server.url) as api:
        cola = await api.shop.product("cola", price_cents=150, stock=10)
        ada, bob = await api.shop.buyer("ada", cents=500), await api.shop.buyer("bob", cents=500)
        await until(lambda: is_up(api))
        placed = (await buy(api, bob, cola.product_id)).json()
        async with watching(api, ada) as hers:
            await until(lambda: is_quiet(api))
            await hers.until("hello", missed=True)
            seal = api.events._shared._seal  # type: ignore[union-attr]
            channel = redis_server_channel(api)
            order = f"o{placed['id']}.{ada.user_id}".encode()
            with redis_server.client() as client:
                for said in (
                    b"",
                    b"p1",
                    order,
                    b"\0" * 16 + order,
                    b"\xff" * 50_000,
                    seal(order)[:16] + order,
                ):
                    assert client.publish(channel, said) == 1
                # Somebody who knows the secret tells of another's order.
                assert client.publish(channel, redis_server_sealed(api, order)) == 1
            await api.shop.do(ChangeProduct(OPERATOR, cola.product_id, price_cents=160))
            assert (await buy(api, ada, cola.product_id)).status_code == 201
            assert await hers.until("order") != {"order": placed["id"], "status": "dispensed"}
            assert is_up(api)


def redis_server_channel(api: Api) -> str:
    return f"{api.events._shared._prefix}{changed_ids.CHANNEL}"  # type: ignore[union-attr]


def redis_server_sealed(api: Api, words: bytes) -> bytes:
    return redis_server.sealed(api.events._shared._seal, changed_ids.CHANNEL, words)  # type: ignore[union-attr]


async def test_what_could_not_be_said_is_owned_up_to(postgres_url: str, redis_server: RedisServer) -> None:
    async with serving(postgres_url, redis_url=redis_server.url) as one, serving(postgres_url) as other:
        await until(lambda: is_up(one))
        async with watching(other) as anybody:
            await anybody.until("hello", missed=True)  # A second after the first stream.
            shared = one.events._shared
            assert shared is not None
            shared._to_say.extend([(changed_ids.CHANNEL, "p1")] * redis_line.UNSENT_MAX)
            shared.say(changed_ids.CHANNEL, "p2")
            await anybody.until("hello", missed=True)
