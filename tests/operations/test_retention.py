"""Keys are kept for thirty days, and not for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from tests.shop import Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.operations import retention
from tuckshop.queries import idempotency_keys
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.products import Restock


@dataclass
class _Running:
    """As much of a running shop as forgetting needs."""

    engine: Any
    clock: Any


def running(shop: Shop) -> RunningShop:
    return cast(RunningShop, _Running(shop.engine, shop.clock))


async def test_a_key_is_good_for_thirty_days(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)  # Several transactions, the last of them short.
    cola = await shop.product(stock=0)
    for number in range(5):
        await shop.do(Restock(OPERATOR, cola.product_id, 1), key=f"early {number}")
    shop.clock.forward(2 * DAY_SECONDS)
    await shop.do(Restock(OPERATOR, cola.product_id, 1), key="late")

    shop.clock.forward(28 * DAY_SECONDS)
    assert await retention.forget_old(running(shop)) == 0
    await shop.do(Restock(OPERATOR, cola.product_id, 1), key="early 0")
    (shelf,) = await shop.rows("shelves")
    assert shelf["quantity"] == 6  # Answered as before, and nothing put on the shelf.

    shop.clock.forward(1)
    assert await retention.forget_old(running(shop)) == 5
    assert [row["key"] for row in await shop.rows("idempotency")] == ["late"]
    await shop.assert_clean()


async def test_whether_a_key_was_used_is_asked_by_caller(shop: Shop) -> None:
    cola = await shop.product(stock=0)
    restock = Restock(OPERATOR, cola.product_id, 1)
    await shop.do(restock, key="once")
    assert await idempotency_keys.is_used(running(shop), Envelope(restock, "once"))
    assert not await idempotency_keys.is_used(running(shop), Envelope(restock, "twice"))
    assert not await idempotency_keys.is_used(running(shop), Envelope(restock))
    buyer = Restock(await shop.buyer(), cola.product_id, 1)
    assert not await idempotency_keys.is_used(running(shop), Envelope(buyer, "once"))
