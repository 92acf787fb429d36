"""What a report counts at the edges of its days; tests/api/test_reports.py has all else of them."""

from __future__ import annotations

from datetime import date

from tests.shop import Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.days import BY_UTC, Period, day_of
from tuckshop.domain.users import OPERATOR as OFFICE
from tuckshop.domain.users import Role
from tuckshop.queries import reports
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.transfers import PaySeller, ReverseTransfer, SellerPaid

FIRST, SECOND = date(2025, 10, 10), date(2025, 10, 11)
EDGE_US = BY_UTC.start_us(day_of(SECOND))


async def test_a_pay_out_counts_on_the_day_of_its_instant(shop: Shop, running: RunningShop) -> None:
    sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=500)
    await shop.buy(ada, ((await shop.product(price_cents=500, seller=sam)).product_id, 1))
    for shop.clock.now_us, cents in ((EDGE_US - 1, 1), (EDGE_US, 20), (EDGE_US + 1, 300)):
        await shop.do(PaySeller(OPERATOR, sam.user_id, f"pay {cents}", cents))

    async def paid(day: date) -> list[int]:
        report = await reports.earnings(running, actor=OFFICE, period=Period(day, day))
        return [row.paid_cents for row in report.rows if row.seller.id == sam.user_id]

    assert (await paid(FIRST), await paid(SECOND)) == ([1], [320])


async def test_a_pay_out_that_is_reversed_is_paid_no_more(shop: Shop, running: RunningShop) -> None:
    sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=500)
    await shop.buy(ada, ((await shop.product(price_cents=500, seller=sam)).product_id, 1))
    shop.clock.now_us = EDGE_US - 1
    wrong = await shop.do(PaySeller(OPERATOR, sam.user_id, "pay 1", 300))
    assert isinstance(wrong, SellerPaid)
    shop.clock.now_us = EDGE_US
    await shop.do(ReverseTransfer(OPERATOR, wrong.transfer_id, "other account"))
    for first, paid_cents in ((FIRST, 0), (SECOND, -300)):
        report = await reports.earnings(running, actor=OFFICE, period=Period(first, SECOND))
        assert [
            (row.paid_cents, row.balance_cents) for row in report.rows if row.seller.id == sam.user_id
        ] == [(paid_cents, 500)]


async def test_a_sale_counts_on_the_day_of_its_instant(shop: Shop, running: RunningShop) -> None:
    ada = await shop.buyer("ada", cents=500)
    for shop.clock.now_us, cents in ((EDGE_US - 1, 1), (EDGE_US, 20), (EDGE_US + 1, 300)):
        gum = await shop.product(f"gum {cents}", price_cents=cents)
        await shop.buy(ada, (gum.product_id, 1))

    async def sold(day: date) -> int:
        report = await reports.sell_through(running, actor=OFFICE, period=Period(day, day))
        return report.total.sold_cents

    assert (await sold(FIRST), await sold(SECOND)) == (1, 320)
