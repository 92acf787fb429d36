"""Logs are kept for as long as the setting says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from tests.operations.test_retention import running
from tests.shop import Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.identity.access_tokens import Tokens
from tuckshop.operations import old_logs, retention
from tuckshop.operations.old_logs import Forgotten
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.products import Restock

DAYS = 30


async def test_lines_are_deleted_and_the_newest_stays(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_logs, "CHUNK", 2)
    cola = await shop.product(stock=0)
    for _ in range(5):
        await shop.do(Restock(OPERATOR, cola.product_id, 1))
    ids = [row["id"] for row in await shop.rows("admin_log")]
    given = running(shop)
    shop.clock.forward(DAYS * DAY_SECONDS)
    assert await old_logs.forget(given, days=DAYS) == Forgotten(0, 0)
    shop.clock.forward(1e-6)
    assert await old_logs.forget(given, days=DAYS) == Forgotten(len(ids) - 1, 0)
    assert [row["id"] for row in await shop.rows("admin_log")] == ids[-1:]
    await shop.do(Restock(OPERATOR, cola.product_id, 1))
    assert (await shop.rows("admin_log"))[-1]["id"] > ids[-1]
    assert await old_logs.forget(given, days=DAYS) == Forgotten(1, 0)
    await shop.assert_clean()


async def test_sessions_that_have_ended_lose_device_and_address(shop: Shop) -> None:
    for name in ("ada", "bob", "cleo"):
        await shop.buyer(name)
    await shop.execute("UPDATE sessions SET device = 'Firefox', address = '203.0.113.7'")
    await shop.execute("UPDATE sessions SET ended_us = created_us WHERE id = 1")
    await shop.execute("UPDATE sessions SET expires_us = created_us + 1 WHERE id = 2")
    shop.clock.forward(DAYS * DAY_SECONDS + 1)
    assert await old_logs.forget(running(shop), days=DAYS) == Forgotten(0, 2)
    rows = await shop.rows("sessions")
    assert [(row["device"], row["address"]) for row in rows] == [(None, None)] * 2 + [
        ("Firefox", "203.0.113.7")
    ]
    assert await old_logs.forget(running(shop), days=DAYS) == Forgotten(0, 0)


async def test_unless_it_is_set_nothing_is_forgotten(shop: Shop) -> None:
    cola = await shop.product(price_cents=100)
    await shop.buy(await shop.buyer("ada", cents=100), (cola.product_id, 1))
    shop.clock.forward(9_000 * DAY_SECONDS)
    tokens = Tokens(secret=b"s" * 32, clock=shop.clock)
    given = SimpleNamespace(engine=shop.engine, clock=shop.clock, till=shop.till, tokens=tokens)
    before = await shop.books()
    done = await retention.forget_persons(cast(RunningShop, given), retention.Kept())
    assert done == (0, 0, 0, 0, 0)
    assert await shop.books() == before
    done = await retention.forget_persons(cast(RunningShop, given), retention.Kept(90, 30))
    assert done == (0, 0, 1, 1, 0)
    await shop.assert_clean()
