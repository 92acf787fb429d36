"""A seller and the buyers who belong to them take no more out of the shop than they put in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.shop import Shop, open_shop
from tests.till.reading import balances, refuse
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Fulfil, Payment
from tuckshop.domain.refusals import EarningsOwed, NotPayable, RefundNotCovered
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.refunds import Refund, Refunded
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import PaySeller, SellerPaid
from tuckshop.till.commands.users import CloseUser
from tuckshop.till.commands.wallet import PayOut

DELAY_DAYS = 7
PRICE = 10_000


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """As a new shop is."""
    async with open_shop(database_url, payout_delay_days=DELAY_DAYS, tab_limit_cents=PRICE) as opened:
        yield opened


async def taken_out(shop: Shop) -> int:
    kinds = {"payout", "earnings_payout"}
    return sum(row["amount_cents"] for row in await shop.rows("transfers") if row["kind"] in kinds)


async def voucher(
    shop: Shop, seller: SessionCaller, name: str = "voucher", *, refundable: bool = False
) -> int:
    made = await shop.product(name, price_cents=PRICE, seller=seller, refundable=refundable)
    return made.product_id


async def test_what_was_paid_out_is_not_refunded_as_well_under_any_name(shop: Shop) -> None:
    # 100.00 in; sold to oneself, paid out and refunded, again under a new name: 400.00 out on 3366d97.
    ada = await shop.buyer("ada", cents=PRICE)
    for name in ("sam", "sam2", "sam3"):
        seller = await shop.person(name, Role.SELLER)
        can = await voucher(shop, seller, f"voucher of {name}")
        if (await balances(shop))["ada's wallet"] < PRICE:
            break
        order = await shop.buy(ada, (can, 1))
        await refuse(shop, PaySeller(OPERATOR, seller.user_id, f"pay {name}"), NotPayable(0, PRICE))
        shop.clock.forward(DELAY_DAYS * DAY_SECONDS)
        await refuse(shop, PaySeller(OPERATOR, seller.user_id, f"pay {name}"), NotPayable(0, PRICE))
        shop.clock.forward(1)
        await shop.do(PaySeller(OPERATOR, seller.user_id, f"pay {name}"))
        await refuse(shop, Refund(seller, order.order_id), RefundNotCovered(PRICE, 0))
    assert await taken_out(shop) == PRICE
    await shop.assert_clean()


async def test_the_office_makes_the_buyer_whole_and_the_seller_owes_it(shop: Shop) -> None:
    sam, cas = await shop.person("sam", Role.SELLER), await shop.person("cas", Role.CASHIER)
    ada = await shop.buyer("ada", cents=PRICE)
    can = await voucher(shop, sam)
    order = await shop.buy(ada, (can, 1))
    shop.clock.forward(DELAY_DAYS * DAY_SECONDS + 1)
    await shop.do(PaySeller(OPERATOR, sam.user_id, "pay"))
    await shop.do(Refund(cas, order.order_id))
    assert (await balances(shop))["sam's earnings"] == -PRICE
    await refuse(shop, CloseUser(sam, sam.user_id), EarningsOwed(owed_cents=PRICE))
    await refuse(shop, CloseUser(OPERATOR, sam.user_id), EarningsOwed(owed_cents=PRICE))
    await shop.assert_clean()


async def test_a_refund_takes_nothing_that_another_buyer_may_take_back(shop: Shop) -> None:
    # Ada's 100.00 are paid out. Bob's 100.00 in their place are his to take back for five minutes.
    sam = await shop.person("sam", Role.SELLER)
    ada, bob = await shop.buyer("ada", cents=PRICE), await shop.buyer("bob", cents=PRICE)
    cola, can = await voucher(shop, sam, "cola", refundable=True), await voucher(shop, sam)
    adas = await shop.buy(ada, (can, 1))
    shop.clock.forward(DELAY_DAYS * DAY_SECONDS + 1)
    await shop.do(PaySeller(OPERATOR, sam.user_id, "pay"))
    bobs = await shop.buy(bob, (cola, 1))
    await refuse(shop, Refund(sam, adas.order_id), RefundNotCovered(PRICE, 0))
    await shop.do(Refund(sam, bobs.order_id))  # His own is there for him.
    await shop.buy(bob, (cola, 1))
    shop.clock.forward(301)
    await shop.do(Refund(sam, adas.order_id))  # Too young to be paid, and still Sam's to give back.
    assert (await balances(shop))["sam's earnings"] == 0
    await shop.do(PayOut(OPERATOR, wallet_of(ada.user_id)))
    assert await taken_out(shop) == 2 * PRICE  # As much as the two have put in.
    await shop.assert_clean()


async def test_a_refund_takes_nothing_that_a_tab_has_not_paid(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    ada, bob = await shop.buyer("ada", cents=PRICE), await shop.buyer("bob")
    can = await voucher(shop, sam)
    adas = await shop.buy(ada, (can, 1))
    shop.clock.forward(DELAY_DAYS * DAY_SECONDS + 1)
    await shop.do(PaySeller(OPERATOR, sam.user_id, "pay"))
    bobs = await shop.buy(bob, (can, 1), payment=Payment.TAB, fulfil=Fulfil.NOW)
    await refuse(shop, Refund(sam, adas.order_id), RefundNotCovered(PRICE, 0))
    await shop.do(Refund(sam, bobs.order_id))  # Comes off the tab.
    await shop.buy(bob, (can, 1), payment=Payment.TAB, fulfil=Fulfil.NOW)
    await shop.do(SettleTab(OPERATOR, bob.user_id, amount_cents=PRICE, external_ref="bank"))
    await shop.do(Refund(sam, adas.order_id))
    await shop.assert_clean()


async def test_earnings_cover_one_of_two_refunds_in_a_batch(shop: Shop) -> None:
    sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=2 * PRICE)
    can = await voucher(shop, sam)
    orders = [(await shop.buy(ada, (can, 1))).order_id for _ in range(2)]
    shop.clock.forward(DELAY_DAYS * DAY_SECONDS + 1)
    await shop.do(PaySeller(OPERATOR, sam.user_id, "pay", PRICE + 1))
    outcomes = await shop.till.execute_together([Envelope(Refund(sam, one)) for one in orders])
    assert outcomes[0].answer == RefundNotCovered(PRICE, PRICE - 1)
    await shop.do(Refund(OPERATOR, orders[0]))
    await shop.buy(ada, (can, 1))
    outcomes = await shop.till.execute_together(
        [Envelope(Refund(sam, orders[1])), Envelope(Refund(sam, (await shop.rows("orders"))[-1]["id"]))]
    )
    assert [type(one.answer) for one in outcomes] == [RefundNotCovered, RefundNotCovered]  # -1 and 10000
    await shop.assert_clean()


async def test_a_seller_whom_an_admin_trusts_waits_for_nothing(shop: Shop) -> None:
    sam, sue = await shop.person("sam", Role.SELLER), await shop.person("sue", Role.SELLER)
    ada = await shop.buyer("ada", cents=2 * PRICE)
    for seller in (sam, sue):
        await shop.buy(ada, (await voucher(shop, seller, f"of {seller.user_id}"), 1))
    await shop.execute("UPDATE users SET payout_delay_days = 0 WHERE username = 'sam'")
    paid = await shop.do(PaySeller(OPERATOR, sam.user_id, "pay"))
    assert isinstance(paid, SellerPaid)
    assert paid.amount_cents == PRICE
    await refuse(shop, PaySeller(OPERATOR, sue.user_id, "pay 2"), NotPayable(0, PRICE))


async def test_a_payout_sees_what_its_batch_did_to_young_sales(shop: Shop) -> None:
    # 3 x 100.00, of which 2 are old enough; one of the young and one of the old come back in the same batch.
    sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=5 * PRICE)
    can = await voucher(shop, sam)
    old = await shop.buy(ada, (can, 2))
    shop.clock.forward(DELAY_DAYS * DAY_SECONDS + 1)
    young = await shop.buy(ada, (can, 2))
    later = await shop.buy(ada, (can, 1))
    outcomes = await shop.till.execute_together(
        [
            Envelope(Refund(OPERATOR, young.order_id, {can: 1})),
            Envelope(Refund(OPERATOR, old.order_id, {can: 1})),
            Envelope(PaySeller(OPERATOR, sam.user_id, "pay 1")),
            Envelope(PaySeller(OPERATOR, sam.user_id, "pay 2")),
        ]
    )
    paid = outcomes[2].receipt()
    assert isinstance(paid, SellerPaid)
    assert (paid.amount_cents, paid.balance_cents, paid.payable_cents) == (PRICE, 2 * PRICE, 0)
    assert outcomes[3].answer == NotPayable(0, 2 * PRICE)
    # The next batch, which looks at them anew, finds the same.
    await refuse(shop, PaySeller(OPERATOR, sam.user_id, "pay 2"), NotPayable(0, 2 * PRICE))
    back = await shop.do(Refund(sam, later.order_id))
    assert isinstance(back, Refunded)
    assert (await balances(shop))["sam's earnings"] == PRICE
    await shop.assert_clean()
