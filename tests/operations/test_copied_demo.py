"""A demo in the other database, and back: the same figures, and the next order, user and product.

A few days of it; TUCKSHOP_PROOF=1 makes it a year.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.conftest import PostgresServer
from tests.shop import Clock, open_shop
from tuckshop.demo.shop import demo_settings, make
from tuckshop.domain.days import Period, date_of
from tuckshop.domain.users import OPERATOR
from tuckshop.operations import copy
from tuckshop.operations.startup import open_shop as open_running
from tuckshop.queries import reports
from tuckshop.queries.reports import By
from tuckshop.settings import Settings
from tuckshop.store import tables
from tuckshop.store.engine import opened_engine, reading

DAYS = 365 if os.environ.get("TUCKSHOP_PROOF") == "1" else 3
NOW_US = 1_762_787_700_000_000

pytestmark = pytest.mark.postgres


async def figures(url: str) -> dict[str, Any]:
    """What the shop has sold by all that tells sales apart, every balance, coin and piece."""
    found: dict[str, Any] = {}
    given = Settings(database_url=url, secret="a secret for tests, long enough to sign with")
    async with open_running(given, clock=Clock(NOW_US)) as shop:
        today = date_of(shop.till.policy.days.of(shop.clock()))
        year = Period(today - timedelta(days=DAYS), today)
        for by in By:
            found[by] = await reports.sell_through(shop, actor=OPERATOR, period=year, by=(by,))
        async with reading(shop.engine) as connection:
            for table in (tables.accounts, tables.coin_boxes, tables.shelves):
                rows = await connection.execute(select(table).order_by(*table.primary_key.columns))
                found[table.name] = [tuple(row) for row in rows]
    return found


async def copied(source: str, target: str) -> None:
    async with opened_engine(source) as there, opened_engine(target) as here:
        await copy.copy(there, here)


async def goes_on(url: str) -> None:
    async with open_shop(url, clock=Clock(NOW_US)) as shop:
        ada = await shop.buyer("next", cents=500)
        tea = await shop.product("the next product")
        assert (await shop.buy(ada, (tea.product_id, 1))).order_id
        await shop.assert_clean()


async def test_a_demo_is_the_same_in_the_other_database_and_back(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    first, last = f"sqlite:///{tmp_path}/first.sqlite3", f"sqlite:///{tmp_path}/last.sqlite3"
    between = postgres_server.new_database()
    await make(demo_settings(Settings(database_url=first)), now_us=NOW_US, days=DAYS)
    told = await figures(first)
    assert told[By.PRODUCT].rows
    for source, target in ((first, between), (between, last)):
        await copied(source, target)
        assert await figures(target) == told
    for url in (between, last):
        await goes_on(url)
