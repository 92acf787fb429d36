"""An account as its owner reads it; tests/api/test_reports.py has statements of a period."""

from __future__ import annotations

from tests.shop import Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.ledger import AccountKind, wallet_of
from tuckshop.queries import statements
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.transfers import SendMoney


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
