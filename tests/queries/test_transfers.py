"""What the bank's references are looked up by."""

from __future__ import annotations

import pytest

from tests.queries.test_tabs import books
from tests.shop import Shop as Books
from tuckshop.context import Shop
from tuckshop.domain.ledger import TransferKind, wallet_of
from tuckshop.domain.orders import Payment
from tuckshop.domain.refusals import RoleMissing
from tuckshop.domain.users import OPERATOR, Actor, Role
from tuckshop.queries import transfers
from tuckshop.queries.transfers import OfBank
from tuckshop.till.callers import OPERATOR as CLI
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import TopUp

__all__ = ["books"]  # A fixture.


async def test_each_kind_is_found_by_itself_the_newest_first(open_for_business: Shop, books: Books) -> None:
    shop = open_for_business
    ada, bob = await books.buyer("ada", cents=500), await books.buyer("bob")
    for number, buyer in enumerate((ada, bob, ada)):
        await books.do(TopUp(CLI, wallet_of(buyer.user_id), 100, f"bank {number}", "May"))
    await books.execute("UPDATE users SET tab_limit_cents = 1000 WHERE id = :id", id=ada.user_id)
    cola = await books.product(price_cents=150)
    await books.buy(ada, (cola.product_id, 2), payment=Payment.TAB)
    await books.do(SettleTab(CLI, ada.user_id, coins={50: 1}))  # Without the bank.
    await books.do(SettleTab(CLI, ada.user_id, amount_cents=120, external_ref="bank 9"))

    async def found(kind: OfBank, **more: int | None) -> list[tuple[str, str, int]]:
        rows = await transfers.referenced(shop, actor=OPERATOR, kind=kind, limit=9, **more)
        return [(row.username, row.external_ref, row.amount_cents) for row in rows]

    topups = [("ada", "bank 2", 100), ("bob", "bank 1", 100), ("ada", "bank 0", 100)]
    assert await found(TransferKind.TOPUP) == topups
    assert await found(TransferKind.TOPUP, user_id=bob.user_id) == [topups[1]]
    (newest,) = await transfers.referenced(shop, actor=OPERATOR, kind=TransferKind.TOPUP, limit=1)
    assert newest.reason == "May"
    assert await found(TransferKind.TOPUP, before_id=newest.id) == topups[1:]
    assert await found(TransferKind.SETTLEMENT) == [("ada", "bank 9", 120)]
    assert await found(TransferKind.EARNINGS_PAYOUT) == []


async def test_only_the_office_looks(open_for_business: Shop) -> None:
    buyer = Actor(1, frozenset({Role.BUYER, Role.SELLER}))
    with pytest.raises(RoleMissing):
        await transfers.referenced(open_for_business, actor=buyer, kind=TransferKind.TOPUP, limit=9)
