"""A COMMIT that waits for its standby: nobody is told of a sale that the standby may not have.

The standby of these tests never comes, until it is not needed any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from tests.conftest import own_cluster, set_up
from tests.limits import HANG_SECONDS
from tests.shop import Shop, open_shop
from tests.till.test_postgres import order, till_on
from tools.postgres import Cluster
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
    await wait_for_standby(connection, "")
    await connection.close()


@pytest.fixture
async def shop(cluster: Cluster, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    url = cluster.create_database(f"shop_{abs(hash(request.node.name))}")
    await set_up(url)
    async with open_shop(url) as opened:
        yield opened


async def wait_for_standby(admin: asyncpg.Connection, name: str) -> None:
    """From now on, every COMMIT waits for the standby of this name; "" for none."""
    await admin.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    await admin.execute("SELECT pg_reload_conf()")
    while await admin.fetchval("SHOW synchronous_standby_names") != name:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def waiting_backend(admin: asyncpg.Connection) -> int:
    """The process of a COMMIT that waits for its standby."""
    async with asyncio.timeout(HANG_SECONDS):
        while (pid := await admin.fetchval(WAITING)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return int(pid)


async def test_a_commit_that_waits_for_its_standby_is_not_cancelled(
    shop: Shop, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await shop.buyer(cents=450)
    cola = await shop.product()
    monkeypatch.setattr(postgres, "FATE_SECONDS", 0.5)
    async with till_on(shop.url) as till:
        await till.execute(order(ada, cola.product_id, "before"))
        await wait_for_standby(admin, "absent")
        with pytest.raises(OutcomeUnknown):
            await till.execute(order(ada, cola.product_id, "k"))
        assert await admin.fetchval(WAITING) is not None  # Nobody sees it before the standby has it.
        await wait_for_standby(admin, "")
        outcome = await till.execute(order(ada, cola.product_id, "k"))
        assert outcome.replayed
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
        await wait_for_standby(admin, "absent")
        asked = asyncio.create_task(till.execute(order(ada, cola.product_id, "k")))
        ended = await waiting_backend(admin)
        await admin.execute(f"SELECT {end}({ended})")
        while await waiting_backend(admin) == ended:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert len(await shop.rows("orders")) == 2  # It is there, and may be lost.
        assert not asked.done()
        await wait_for_standby(admin, "")
        async with asyncio.timeout(HANG_SECONDS):
            assert not (await asked).replayed
    assert len(await shop.rows("orders")) == 2
    await shop.assert_clean()


async def test_what_the_standby_may_not_have_is_not_told_again_either(
    shop: Shop, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await shop.buyer(cents=450)
    cola = await shop.product()
    async with till_on(shop.url) as till, till_on(shop.url) as other:
        await other.execute(order(ada, cola.product_id, "before"))
        await wait_for_standby(admin, "absent")
        asked = asyncio.create_task(till.execute(order(ada, cola.product_id, "k")))
        await admin.execute(f"SELECT pg_cancel_backend({await waiting_backend(admin)})")
        await waiting_backend(admin)
        monkeypatch.setattr(postgres, "FATE_SECONDS", 0.5)
        with pytest.raises(OutcomeUnknown):
            await other.execute(order(ada, cola.product_id, "k"))
        monkeypatch.undo()
        await wait_for_standby(admin, "")
        await asked
        assert (await other.execute(order(ada, cola.product_id, "k"))).replayed
