"""/v1/events: who is told what, and when a stream ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.api.conftest import Api, serving
from tests.limits import HANG_SECONDS, until
from tests.shop import open_shop
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.users import Role
from tuckshop.queries import events as event_queries
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.machines import SetShelves
from tuckshop.till.commands.products import ChangeProduct
from tuckshop.till.state import changed_ids
from tuckshop.till.state.changed_ids import ChangedIds


class Watcher:
    """One open stream."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.head = b""

    async def begin(self) -> None:
        self.head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), HANG_SECONDS)

    async def until(self, kind: str, **facts: Any) -> dict[str, Any]:
        """The data of the next event of this kind that tells these facts.

        On PostgreSQL, news of what was done before the stream was open may come first.
        """
        async with asyncio.timeout(HANG_SECONDS):
            while True:
                line = await self._reader.readline()
                assert line, f"the stream has ended without a {kind} of {facts}"
                if line == f"event: {kind}\n".encode():
                    data = (await self._reader.readline()).removeprefix(b"data: ")
                    told = msgspec.json.decode(data, type=dict[str, Any])
                    if facts.items() <= told.items():
                        return told

    async def heartbeat(self) -> None:
        """Returns after the next one."""
        await asyncio.wait_for(self._reader.readuntil(b": \n\n"), HANG_SECONDS)

    async def end(self) -> bytes:
        """All that comes until the stream ends."""
        async with asyncio.timeout(HANG_SECONDS):
            told = b""
            while not told.endswith(b"0\r\n\r\n"):
                more = await self._reader.read(65_536)
                if not more:
                    break
                told += more
            return told


@asynccontextmanager
async def watching(api: Api, by: SessionCaller | None = None, *headers: str) -> AsyncIterator[Watcher]:
    """A stream, once it has said hello."""
    await until(lambda: _is_connected(api))
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    lines = ["GET /v1/events HTTP/1.1", "Host: shop", *headers]
    if by is not None:
        lines.append(f"Authorization: Bearer {api.token(by)}")
    writer.write("\r\n".join((*lines, "", "")).encode())
    watcher = Watcher(reader)
    try:
        await watcher.begin()
        yield watcher
    finally:
        writer.close()


def _is_connected(api: Api) -> bool:
    line = api.events._line
    return line is None or line.is_up


async def test_everybody_sees_stock_and_prices(api: Api) -> None:
    ada = await api.shop.buyer("ada", cents=500)
    cola = await api.shop.product("cola", price_cents=150, stock=10)
    async with watching(api) as anybody:
        assert b"text/event-stream" in anybody.head
        assert (await anybody.until("hello"))["missed"] is False
        order = {"lines": [{"product": cola.product_id, "quantity": 2}]}
        assert (await api.post("/v1/orders", order, by=ada)).status_code == 201
        told = await anybody.until("stock", stock=8)
        assert told == {"machine": 1, "product": cola.product_id, "stock": 8, "price": 150}
        await api.shop.do(ChangeProduct(OPERATOR, cola.product_id, price_cents=200))
        told = await anybody.until("product", price=200)
        assert (told["product"], told["on_sale"]) == (cola.product_id, True)


async def test_buyers_see_their_own_money_and_orders_alone(api: Api) -> None:
    ada, bob = await api.shop.buyer("ada", cents=500), await api.shop.buyer("bob", cents=500)
    cola = await api.shop.product("cola", price_cents=150, stock=10)
    async with watching(api, ada) as hers, watching(api, bob) as his:
        order = {"lines": [{"product": cola.product_id, "quantity": 1}]}
        placed = (await api.post("/v1/orders", order, by=ada)).json()
        assert await hers.until("balance", balance=350) == {"balance": 350}
        assert await hers.until("order") == {"order": placed["id"], "status": "dispensed"}
        await api.post(f"/v1/orders/{placed['id']}/refunds", by=ada)
        assert await hers.until("order") == {"order": placed["id"], "status": "refunded"}
        api.events.shut()
        told = await his.end()
    assert b"event: stock" in told
    assert b"event: balance" not in told
    assert b"event: order" not in told


@pytest.mark.postgres
async def test_what_other_processes_do_is_seen(postgres_url: str) -> None:
    async with serving(postgres_url) as api, open_shop(postgres_url) as other:
        cola = await api.shop.product("cola", price_cents=150, stock=10)
        async with watching(api) as anybody:
            await other.do(ChangeProduct(OPERATOR, cola.product_id, price_cents=210))
            await anybody.until("product", price=210)
            # The line is cut: what was missed meanwhile must be looked up.
            await anybody.until("hello")
            await other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'tuckshop events' AND datname = current_database()"
            )
            assert (await anybody.until("hello"))["missed"] is True
            await other.do(ChangeProduct(OPERATOR, cola.product_id, price_cents=220))
            await anybody.until("product", price=220)


async def test_what_the_command_line_does_on_sqlite_is_seen(sqlite_url: str) -> None:
    async with serving(sqlite_url) as api, open_shop(sqlite_url) as other:
        cola = await api.shop.product("cola", price_cents=150, stock=10)
        async with watching(api) as anybody:
            assert (await anybody.until("hello"))["missed"] is False
            assert (await anybody.until("hello"))["missed"] is True  # Before the first look at the file.
            await other.do(ChangeProduct(OPERATOR, cola.product_id, price_cents=210))
            assert (await anybody.until("hello"))["missed"] is True
            # The own till's are told by id, and are nothing that was missed.
            version = await api.events.version()  # type: ignore[misc]
            await api.shop.do(ChangeProduct(OPERATOR, cola.product_id, price_cents=220))
            await anybody.until("product", price=220)
            assert await api.events.version() == version  # type: ignore[misc]


async def test_a_change_of_price_shows_on_every_shelf(api: Api) -> None:
    cola = await api.shop.product("cola", price_cents=150, stock=10)
    async with watching(api) as anybody:
        await api.shop.do(ChangeProduct(OPERATOR, cola.product_id, price_cents=200))
        await anybody.until("stock", price=200)
        plan = ShelfPlan(cola.product_id, slot="A1", capacity=None, par_level=None, price_cents=180)
        await api.shop.do(SetShelves(OPERATOR, 1, (plan,)))
        await anybody.until("stock", price=180)


async def test_resuming_says_that_something_was_missed(api: Api) -> None:
    async with watching(api, None, "Last-Event-ID: 17") as watcher:
        assert (await watcher.until("hello"))["missed"] is True


async def test_ends_with_the_session(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await api.shop.buyer("ada")
    async with watching(api, ada) as hers, watching(api) as anybodys:
        assert (await api.post("/v1/auth/logout", by=ada)).status_code == 204
        assert await hers.end()
        assert not api.events.closing
        await until(lambda: api.events.count == 1)
        await anybodys.until("hello")
    assert (await api.get("/v1/events", by=ada)).status_code == 401
    assert (await api.get("/v1/events", by="nonsense")).status_code == 401


async def test_is_only_open_to_so_many(database_url: str) -> None:
    async with serving(database_url, event_streams=2) as api:
        async with watching(api), watching(api):
            answer = await api.get("/v1/events")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        await until(lambda: not api.events.count)  # Who hangs up makes room.
        async with watching(api) as watcher:
            await watcher.until("hello")


async def test_one_address_has_so_many_and_no_more(database_url: str) -> None:
    async with serving(database_url, event_streams_per_address=2, trusted_proxies="127.0.0.1") as api:
        async with watching(api), watching(api):
            answer = await api.get("/v1/events")
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
            told = answer.json()
            assert (told["type"], told["streams_max"]) == ("urn:tuckshop:problem:too-many-streams", 2)
            assert api.events.count == 2
            api.events.close(api.events.open(None, address="203.0.113.9"))
        await until(lambda: not api.events.count)
        assert not api.events._of_place  # Nobody is remembered.
        async with watching(api) as watcher:
            await watcher.until("hello")


async def test_sends_heartbeats(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuckshop.api.events.HEARTBEAT_SECONDS", 0.05)
    async with watching(api) as watcher:
        for _ in range(3):
            await watcher.heartbeat()
        api.events.shut()
        assert await watcher.end()


async def test_who_does_not_read_is_sent_away(api: Api) -> None:
    async with watching(api), watching(api) as other:
        for _ in range(2_000):
            if api.events.count == 0:
                break
            api.events._tell_all(b": " + b"x" * 65_536 + b"\n\n")
            await asyncio.sleep(0)
        assert len(await other.end()) > 0
        await until(lambda: not api.events.count)


async def test_head_has_no_stream(api: Api) -> None:
    answer = await api.call("HEAD", "/v1/events")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_is_not_ready_while_it_closes(api: Api) -> None:
    api.events.shut()
    answer = await api.get("/health/ready")
    assert (answer.status_code, answer.json()["cause"]) == (503, "stopping")
    assert (await api.get("/v1/events")).status_code == 503


@pytest.mark.postgres
async def test_tills_keep_silent_while_nobody_watches(postgres_url: str) -> None:
    async with serving(postgres_url) as api:
        events = api.events
        await until(lambda: _is_connected(api))
        events._loud_until = 0.0
        assert not events.is_wanted()
        async with watching(api):
            await until(events.is_wanted)


def test_news_come_through_in_pieces() -> None:
    told = ChangedIds(
        shelves={(1, number) for number in range(10**6, 10**6 + 600)},
        products={7},
        wallets={10**12 + number for number in range(600)},
        orders={(number, 5) for number in range(600)},
    )
    payloads = changed_ids.written(told)
    assert len(payloads) > 1
    assert all(len(payload) <= changed_ids.PAYLOAD_BYTES_MAX for payload in payloads)
    heard = ChangedIds()
    for payload in payloads:
        heard.add(changed_ids.read(payload))
    assert heard == told
    assert changed_ids.written(ChangedIds()) == []
    for nonsense in ("x1", "s1", "p1.2", "s", "p", "sx.1"):
        with pytest.raises(changed_ids.UnknownForm):
            changed_ids.read(nonsense)


async def test_a_flood_of_changes_is_not_told_one_by_one(api: Api) -> None:
    async with watching(api) as watcher:
        await watcher.until("hello")
        api.events.hear(ChangedIds(products=set(range(1, event_queries.GATHERED_MAX + 2))))
        assert (await watcher.until("hello"))["missed"] is True


async def test_seller_sees_nothing_of_buyers(api: Api) -> None:
    sam = await api.shop.person("sam", Role.SELLER)
    ada = await api.shop.buyer("ada", cents=500)
    cola = await api.shop.product("cola", seller=sam)
    async with watching(api, sam) as his:
        order = {"lines": [{"product": cola.product_id, "quantity": 1}]}
        assert (await api.post("/v1/orders", order, by=ada)).status_code == 201
        await his.until("stock")
        api.events.shut()
        assert b"event: order" not in await his.end()


async def test_a_change_in_a_newer_form_is_named_once_and_something_was_missed(api: Api) -> None:
    async with watching(api) as watcher:
        assert (await watcher.until("hello"))["missed"] is False
        with capture_logs() as logs:
            for payload in ("s1.7 x1", "x2", "p7"):
                api.events._hear(payload)
            assert (await watcher.until("hello"))["missed"] is True
    assert [line["form"] for line in logs if line["event"] == "events.unknown"] == ["x"]
