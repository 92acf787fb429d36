"""A real replica: what may be a moment old is read from it while it is near, and nothing else ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from tests.api.conftest import SECRET, serving
from tests.conftest import own_cluster, set_up
from tests.limits import HANG_SECONDS
from tests.shop import Shop, open_shop
from tests.till.test_postgres import order
from tools.postgres import Cluster, Standby
from tuckshop import settings
from tuckshop.domain.days import Period
from tuckshop.domain.users import OPERATOR
from tuckshop.operations import startup
from tuckshop.queries import catalogue, exports, reports, wallet
from tuckshop.queries.catalogue import Search
from tuckshop.settings import Settings, SettingsInvalid
from tuckshop.store import replica
from tuckshop.store.engine import DatabaseUnusable, open_engine
from tuckshop.store.replica import Replica

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def primary() -> Iterator[Cluster]:
    with own_cluster({"wal_keep_size": "64MB"}) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def standby(primary: Cluster) -> Iterator[Standby]:
    with Standby(primary) as cluster:
        yield cluster


@dataclass
class Copied:
    """A shop, its replica, and whoever holds the replica up."""

    shop: Shop
    url: str
    standby: Standby
    _line: Any = None

    async def catch_up(self) -> None:
        """Returns when the replica has all that was committed."""
        line = await asyncpg.connect(self.shop.url)
        here = await line.fetchval("SELECT pg_current_wal_lsn()::text")
        await line.close()
        async with asyncio.timeout(HANG_SECONDS):
            while not await self._ask(f"SELECT pg_last_wal_replay_lsn() >= '{here}'"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def pause(self) -> None:
        """The replica falls behind from now on."""
        await self._ask("SELECT pg_wal_replay_pause()")
        async with asyncio.timeout(HANG_SECONDS):
            while await self._ask("SELECT pg_get_wal_replay_pause_state()") != "paused":  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def go_on(self) -> None:
        """It follows again."""
        await self._ask("SELECT pg_wal_replay_resume()")

    async def _ask(self, sql: str) -> Any:
        line = await asyncpg.connect(self.url)
        try:
            return await line.fetchval(sql)
        finally:
            await line.close()


@pytest.fixture
async def copied(
    primary: Cluster, standby: Standby, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Copied]:
    monkeypatch.setattr(replica, "LOOK_SECONDS", 0.0)
    name = f"shop_{abs(hash(request.node.name))}"
    url = primary.create_database(name)
    await set_up(url)
    async with open_shop(url) as shop:
        engine = open_engine(standby.url(name))
        shop.replica = Replica(engine, primary=shop.engine)
        one = Copied(shop, standby.url(name), standby)
        yield one
        await one.go_on()
        await engine.dispose()


async def names(shop: Any) -> list[str]:
    return [one.name for one in await catalogue.page(shop, Search(limit=10))]


async def test_lists_come_from_the_replica_and_a_sellers_own_from_the_primary(
    copied: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "LAG_SECONDS_MAX", HANG_SECONDS)
    shop: Any = copied.shop
    cola = await shop.product("Cola")
    await copied.catch_up()
    assert await names(shop) == ["Cola"]
    await copied.pause()
    tea = await shop.product("Tea")
    assert await names(shop) == ["Cola"]
    assert await catalogue.count(shop, Search(limit=10)) == 1
    assert (await catalogue.find(shop, product_id=tea.product_id)).name == "Tea"
    seen = await catalogue.page(shop, Search(limit=10, waiting=True))
    assert [one.name for one in seen] == ["Cola", "Tea"]

    ada = await shop.buyer(cents=450)
    (await shop.till.execute(order(ada, cola.product_id))).receipt()
    assert (await wallet.balance(shop, user_id=ada.user_id)).balance_cents == 300  # Her can is paid for.
    period = reports.period_of(shop, None, None)
    assert await _sold(shop, period) == 0
    assert len([row async for row in exports.sold(shop)]) == 1  # The header.
    await copied.go_on()
    await copied.catch_up()
    assert await names(shop) == ["Cola", "Tea"]
    assert await _sold(shop, period) == 1
    assert len([row async for row in exports.sold(shop)]) == 2


async def _sold(shop: Any, period: Period) -> int:
    found = await reports.sell_through(shop, actor=OPERATOR, period=period)
    return sum(row.figures.quantity for row in found.rows)


async def test_a_replica_that_is_behind_is_not_asked(copied: Copied, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "LAG_SECONDS_MAX", 0.0)
    await copied.shop.product("Cola")
    await copied.catch_up()
    await copied.pause()
    await copied.shop.product("Tea")
    assert await names(copied.shop) == ["Cola", "Tea"]
    await copied.go_on()
    await copied.catch_up()
    assert await names(copied.shop) == ["Cola", "Tea"]


async def test_a_replica_that_is_away_is_not_needed(copied: Copied, primary: Cluster) -> None:
    await copied.shop.product("Cola")
    await copied.catch_up()
    assert await names(copied.shop) == ["Cola"]
    await asyncio.to_thread(copied.standby.stop, "immediate")
    assert await names(copied.shop) == ["Cola"]
    await copied.shop.product("Tea")
    assert await names(copied.shop) == ["Cola", "Tea"]
    await asyncio.to_thread(copied.standby.start)
    await copied.catch_up()
    assert await names(copied.shop) == ["Cola", "Tea"]


async def test_a_replica_that_leads_by_now_is_not_asked(copied: Copied) -> None:
    assert copied.shop.replica is not None
    wrong = Replica(copied.shop.engine, primary=copied.shop.engine)
    assert not await wrong._near()


async def test_a_server_sells_with_a_replica_and_refuses_another_database(
    copied: Copied, primary: Cluster, standby: Standby
) -> None:
    async with serving(copied.shop.url, replica_url=copied.url) as api:
        assert (await api.client.get("/v1/products")).status_code == 200
    given = Settings(database_url=copied.shop.url, replica_url=standby.url(), secret=SECRET)
    with pytest.raises(DatabaseUnusable, match="TUCKSHOP_REPLICA_URL names a database that is no copy"):
        async with startup.open_shop(given):
            pass


@pytest.mark.parametrize(
    ("url", "replica_url"),
    [("sqlite:////tmp/shop", "postgresql://h/shop"), ("postgresql://h/shop", "sqlite:////tmp/shop")],
)
def test_only_postgresql_has_replicas(url: str, replica_url: str) -> None:
    with pytest.raises(SettingsInvalid, match="TUCKSHOP_REPLICA_URL is for a database of PostgreSQL"):
        settings.read({"TUCKSHOP_DATABASE_URL": url, "TUCKSHOP_REPLICA_URL": replica_url})
