"""An account as its owner reads it; tests/api/test_reports.py has more of those of a period."""

from __future__ import annotations

from datetime import date

from tests.shop import Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.days import BY_UTC, Period, day_of
from tuckshop.domain.ledger import AccountKind, wallet_of
from tuckshop.domain.users import OPERATOR as OFFICE
from tuckshop.queries import statements
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.transfers import SendMoney, TopUp


async def test_each_movement_shows_the_balance_that_it_left(shop: Shop, running: RunningShop) -> None:
    ada, bob = await shop.buyer("ada", cents=500), await shop.buyer("bob")
    cola = await shop.product("cola", price_cents=150)
    order = await shop.buy(ada, (cola.product_id, 2))  # 500 - 300 = 200
    await shop.do(Refund(ada, order.order_id, {cola.product_id: 1}))  # 350
    to_bob = wallet_of(bob.user_id)
    await shop.do(SendMoney(ada, wallet_of(ada.user_id), to_bob, 50, "lunch"))  # 300
    await shop.do(SendMoney(bob, to_bob, wallet_of(ada.user_id), 20))  # 320

    async def page(before_id: int | None, limit: int = 9) -> list[statements.Movement]:
        return await statements.newest(running, user_id=ada.user_id, before_id=before_id, limit=limit)

    found = await page(None)
    assert [(one.kind, one.amount_cents, one.balance_cents, one.other, one.reason) for one in found] == [
        ("transfer", 20, 320, "bob", None),
        ("transfer", -50, 300, "bob", "lunch"),
        ("refund", 150, 350, None, None),
        ("sale", -300, 200, None, None),
        ("deposit", 500, 500, None, None),
    ]
    assert [one.order_id for one in found] == [None, None, order.order_id, order.order_id, None]
    parts: list[statements.Movement] = []
    while more := await page(parts[-1].id if parts else None, limit=2):
        parts += more
    assert parts == found


async def test_an_account_that_nothing_has_moved_is_empty(shop: Shop, running: RunningShop) -> None:
    ada = await shop.buyer("ada")
    for kind in (AccountKind.WALLET, AccountKind.TAB, AccountKind.EARNINGS):
        found = await statements.newest(running, user_id=ada.user_id, account=kind, before_id=None, limit=9)
        assert found == []


async def test_a_day_ends_just_before_the_next_begins(shop: Shop, running: RunningShop) -> None:
    ada = await shop.buyer("ada")
    first, second = date(2025, 10, 10), date(2025, 10, 11)
    begins_us = BY_UTC.start_us(day_of(second))
    for shop.clock.now_us, cents in ((begins_us - 1, 1), (begins_us, 20), (begins_us + 1, 300)):
        await shop.do(TopUp(OPERATOR, wallet_of(ada.user_id), cents, f"bank {cents}"))

    async def told(day: date) -> tuple[int, list[int], int]:
        found = await statements.statement(
            running, actor=OFFICE, user_id=ada.user_id, period=Period(day, day)
        )
        return found.opening_cents, [line.amount_cents for line in found.lines], found.closing_cents

    assert await told(first) == (0, [1], 1)
    assert await told(second) == (1, [20, 300], 321)
