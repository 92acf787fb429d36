"""Orders that are too old lose their buyer; every sum stays as it is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.shop import NOON_US, Shop
from tests.till.reading import balances
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.days import BY_UTC, DAY_SECONDS
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Fulfil, Payment
from tuckshop.domain.users import FORMER_BUYERS, Role
from tuckshop.operations import old_orders
from tuckshop.store.engine import DatabaseAway
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.tabs import SettleTab

DAYS = 90
KEPT = ("accounts", "order_lines", "refund_lines", "sales", "shelves", "coin_boxes", "admin_log", "sessions")


def running(shop: Shop) -> RunningShop:
    return cast(RunningShop, SimpleNamespace(engine=shop.engine, clock=shop.clock, till=shop.till))


async def forget(shop: Shop) -> int:
    return await old_orders.forget_buyers(running(shop), days=DAYS)


async def history(shop: Shop) -> tuple[SessionCaller, SessionCaller]:
    """Two buyers with old orders of each kind, from the wallet and on a tab, some of them refunded."""
    await shop.person("root", Role.ADMIN)
    sam = await shop.person("sam", Role.SELLER)
    ada, bob = await shop.buyer("ada", cents=2000), await shop.buyer("bob", cents=900)
    cola = (await shop.product(price_cents=100, stock=90, seller=sam)).product_id
    gum = (await shop.product("gum", price_cents=15, stock=90)).product_id
    await shop.execute("UPDATE users SET tab_limit_cents = 900 WHERE username = 'ada'")
    placed = await shop.buy(ada, (cola, 2), (gum, 1), client_ref="mine")
    for number in range(4):
        if number:
            await shop.buy(ada, (cola, 2), (gum, 1), client_ref=f"mine {number}")
        await shop.buy(bob, (gum, 3), client_ref=f"mine {number}")
    await shop.do(Refund(ada, placed.order_id, {cola: 1}, "ada's mother fell ill"))
    for settled in (0, 200):
        tabbed = await shop.buy(ada, (cola, 3), payment=Payment.TAB, fulfil=Fulfil.NOW)
        if settled:
            await shop.do(SettleTab(OPERATOR, ada.user_id, amount_cents=settled, external_ref="bank 1"))
        await shop.do(Refund(OPERATOR, tabbed.order_id, {cola: 2}))
    owed = next(one["balance_cents"] for one in await shop.rows("accounts") if one["kind"] == "tab")
    if owed:
        await shop.do(SettleTab(OPERATOR, ada.user_id, amount_cents=-owed, external_ref="bank 2"))
    shop.clock.forward(DAYS * DAY_SECONDS + 40 * DAY_SECONDS)
    return ada, bob


def test_whole_months_by_the_shops_clock() -> None:
    def at(*day: int) -> int:
        return int(datetime(*day, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc,arg-type]

    now_us = at(2026, 11, 30)
    assert old_orders.until_us(now_us, days=30, by=BY_UTC) == at(2026, 10, 1)
    assert old_orders.until_us(now_us, days=29, by=BY_UTC) == at(2026, 11, 1)
    assert old_orders.until_us(now_us - 1, days=29, by=BY_UTC) == at(2026, 10, 1)


@pytest.mark.parametrize("chunk", [1, 3, 200])
async def test_nobody_is_named_and_no_sum_changes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(old_orders, "CHUNK", chunk)
    monkeypatch.setattr(old_orders, "MOVEMENTS_CHUNK", chunk)
    ada, bob = await history(shop)
    before, were = await shop.books(), await balances(shop)
    assert await forget(shop) == 10
    after = await shop.books()
    (former,) = [row for row in after["users"] if row["username"] == FORMER_BUYERS]
    assert former["state"] == "closed"
    theirs = {"former buyers's wallet": 0, "former buyers's tab": 0}
    assert await balances(shop) == were | theirs
    own = {row["id"] for row in after["accounts"] if row["user_id"] == former["id"]}
    for name in KEPT:
        kept = [row for row in after[name] if name != "accounts" or row["id"] not in own]
        assert kept == before[name], name
    assert {row["buyer_id"] for row in after["orders"]} == {former["id"]}
    assert {row["client_ref"] for row in after["orders"]} == {None}
    assert {row["reason"] for row in after["refunds"]} == {None}
    buyers = {ada.user_id, bob.user_id}
    for name in ("refunds", "stock_movements"):
        assert not buyers & {row["actor_id"] for row in after[name]}
    mine = {row["id"] for row in after["accounts"] if row["user_id"] in buyers}
    for row in after["transfers"]:
        if row["order_id"] is not None:
            assert not mine & {row["source_id"], row["target_id"]}
            assert row["actor_id"] not in buyers
            assert row["reason"] is None
    sums = [row["amount_cents"] for row in after["transfers"] if row["reason"] == old_orders.REASON]
    spent = 4 * 215 - 100 + 2 * 100 + 4 * 45
    kinds = [row["kind"] for row in after["transfers"] if row["reason"] == old_orders.REASON]
    assert sum(cents for cents, kind in zip(sums, kinds, strict=True) if kind == "transfer") == spent
    await shop.assert_clean()
    assert await forget(shop) == 0
    assert await shop.books() == after


async def test_what_is_not_over_stays(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=1000)
    cola = (await shop.product(price_cents=100, stock=90)).product_id
    await shop.execute("UPDATE users SET tab_limit_cents = 900 WHERE username = 'ada'")
    placed = await shop.buy(ada, (cola, 1), fulfil=Fulfil.LATER)
    owed = await shop.buy(ada, (cola, 1), payment=Payment.TAB, fulfil=Fulfil.NOW)
    late = await shop.buy(ada, (cola, 2))
    over = await shop.buy(ada, (cola, 1))
    shop.clock.forward(130 * DAY_SECONDS)
    await shop.do(Refund(OPERATOR, late.order_id, {cola: 1}))
    young = await shop.buy(ada, (cola, 1))
    assert await forget(shop) == 1
    named = {row["id"] for row in await shop.rows("orders") if row["buyer_id"] == ada.user_id}
    assert named == {placed.order_id, owed.order_id, late.order_id, young.order_id}
    await shop.assert_clean()

    await shop.do(SettleTab(OPERATOR, ada.user_id, amount_cents=100, external_ref="bank 1"))
    shop.clock.forward(31 * DAY_SECONDS)
    assert await forget(shop) == 1  # The tab's.
    assert over.order_id not in named
    await shop.assert_clean()


async def test_what_is_refunded_later_goes_to_nobody(shop: Shop) -> None:
    ada, _ = await history(shop)
    await forget(shop)
    (order, *_) = await shop.rows("orders")
    await shop.do(Refund(OPERATOR, order["id"]))
    held = await balances(shop)
    assert (held["unclaimed"], held["former buyers's wallet"]) == (115, 0)  # A cola was refunded before.
    await shop.buy(ada, (1, 1), client_ref="mine")  # Their references are free again.
    await shop.assert_clean()


async def test_of_a_closed_user_too_and_of_guests_not(shop: Shop) -> None:
    await shop.person("root", Role.ADMIN)
    ada = await shop.buyer("ada", cents=300)
    cola = (await shop.product(price_cents=100, stock=9)).product_id
    await shop.buy(ada, (cola, 1))
    from tuckshop.till.commands.users import CloseUser

    await shop.do(CloseUser(OPERATOR, ada.user_id))
    shop.clock.forward(130 * DAY_SECONDS)
    assert await forget(shop) == 1
    assert ada.user_id not in {row["buyer_id"] for row in await shop.rows("orders")}
    await shop.assert_clean()


async def test_two_nodes_at_once_do_it_once(shop: Shop) -> None:
    await history(shop)
    counts = await asyncio.gather(forget(shop), forget(shop))
    assert sum(counts) == 10
    assert len([row for row in await shop.rows("users") if row["username"] == FORMER_BUYERS]) == 1
    await shop.assert_clean()


async def test_cut_off_anywhere_it_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_orders, "CHUNK", 2)
    await history(shop)
    post, calls = old_orders._post, 0

    async def failing(*given: Any, **more: Any) -> None:
        nonlocal calls
        calls += 1
        if calls % 2 == 0:
            raise ConnectionError("cut off")
        await post(*given, **more)

    monkeypatch.setattr(old_orders, "_post", failing)
    done = 0
    for _ in range(20):
        try:
            done += await forget(shop)
            break
        except DatabaseAway:
            await shop.assert_clean()
    monkeypatch.undo()
    assert await forget(shop) == 0
    assert len({row["buyer_id"] for row in await shop.rows("orders")}) == 1
    await shop.assert_clean()


async def test_sales_go_on_meanwhile(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_orders, "CHUNK", 1)
    ada, bob = await history(shop)
    orders = [row["id"] for row in await shop.rows("orders")]
    forgetting = asyncio.create_task(forget(shop))
    for order_id in orders[:6]:
        await shop.buy(bob, (2, 1))
        await shop.do(Refund(OPERATOR, order_id, {2: 1}))
    await forgetting
    assert wallet_of(ada.user_id)
    await shop.assert_clean()


def test_noon_is_in_the_middle_of_a_month() -> None:
    assert datetime.fromtimestamp(NOON_US / 1_000_000, UTC).day == 9
