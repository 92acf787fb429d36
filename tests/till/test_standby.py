"""A COMMIT that waits for its standby: nobody is told of a sale that the standby may not have.

The standby of these tests never comes, until it is not needed any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.conftest import own_cluster, set_up
from tests.limits import HANG_SECONDS
from tests.shop import Shop, open_shop
from tests.till.test_postgres import order, till_on
from tools.postgres import Cluster
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.products import AddProduct
from tuckshop.till.sql import postgres
from tuckshop.till.sql.books import OutcomeUnknown

pytestmark = pytest.mark.postgres

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster({"autovacuum": "off"}) as cluster:
        yield cluster


@pytest.fixture
async def admin(cluster: Cluster) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(cluster.url())
    yield connection
    await connection.close()


@pytest.fixture
async def shop(cluster: Cluster, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    url = cluster.create_database(f"shop_{abs(hash(request.node.name))}")
    await set_up(url)
    async with open_shop(url) as opened:
        yield opened


@asynccontextmanager
async def absent_standby(admin: asyncpg.Connection) -> AsyncIterator[None]:
    """Meanwhile every COMMIT waits for a standby that is not there."""
    await _wait_for_standby(admin, "absent")
    try:
        yield
    finally:
        await _wait_for_standby(admin, "")


async def _wait_for_standby(admin: asyncpg.Connection, name: str) -> None:
    await admin.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    await admin.execute("SELECT pg_reload_conf()")
    while await admin.fetchval("SHOW synchronous_standby_names") != name:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def waiting_backend(admin: asyncpg.Connection, asked: asyncio.Task[Any], *, after: int = 0) -> int:
    """The process of a COMMIT that waits for its standby, another one than `after`; 0 if it waits no more."""
    async with asyncio.timeout(HANG_SECONDS):
        while not asked.done():
            pids = {row["pid"] for row in await admin.fetch(WAITING)} - {after}
            if pids:
                return int(pids.pop())
            await asyncio.sleep(0.01)
    return 0


async def test_a_commit_that_waits_for_its_standby_is_not_cancelled(
    shop: Shop, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await shop.buyer(cents=450)
    cola = await shop.product()
    monkeypatch.setattr(postgres, "FATE_SECONDS", 0.5)
    async with till_on(shop.url) as till:
        await till.execute(order(ada, cola.product_id, "before"))
        async with absent_standby(admin):
            with pytest.raises(OutcomeUnknown):
                await till.execute(order(ada, cola.product_id, "k"))
            assert len(await shop.rows("orders")) == 1  # Nobody sees it before the standby has it.
        assert (await till.execute(order(ada, cola.product_id, "k"))).replayed
    assert len(await shop.rows("orders")) == 2
    await shop.assert_clean()


@pytest.mark.parametrize("end", ["pg_cancel_backend", "pg_terminate_backend"])
async def test_a_wait_for_the_standby_that_somebody_ends_is_no_success(
    shop: Shop, admin: asyncpg.Connection, end: str
) -> None:
    ada = await shop.buyer(cents=450)
    cola = await shop.product()
    async with till_on(shop.url) as till:
        await till.execute(order(ada, cola.product_id, "before"))
        async with absent_standby(admin):
            asked = asyncio.create_task(till.execute(order(ada, cola.product_id, "k")))
            ended = await waiting_backend(admin, asked)
            await admin.execute(f"SELECT {end}({ended})")
            await waiting_backend(admin, asked, after=ended)
            assert len(await shop.rows("orders")) == 2  # It is there, and may be lost.
            assert not asked.done()
        async with asyncio.timeout(HANG_SECONDS):
            assert not (await asked).replayed
    assert len(await shop.rows("orders")) == 2
    await shop.assert_clean()


async def test_what_the_standby_may_not_have_is_not_told_again_either(
    shop: Shop, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Envelope(AddProduct(OPERATOR, name="Cola", price_cents=150, stock=1), "k", b"f")
    async with till_on(shop.url) as till, till_on(shop.url) as other:
        await other.execute(Envelope(AddProduct(OPERATOR, name="Tea", price_cents=100, stock=1)))
        async with absent_standby(admin):
            asked = asyncio.create_task(till.execute(add))
            ended = await waiting_backend(admin, asked)
            await admin.execute(f"SELECT pg_cancel_backend({ended})")
            await waiting_backend(admin, asked, after=ended)
            monkeypatch.setattr(postgres, "FATE_SECONDS", 0.5)
            with pytest.raises(OutcomeUnknown):
                await other.execute(add)
            monkeypatch.undo()
        await asked
        assert (await other.execute(add)).replayed
