"""A seller's month: every figure is worked out by hand beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest

from tests.shop import Shop, open_shop
from tests.till.reading import refuse
from tuckshop import context
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Fulfil, Payment
from tuckshop.domain.refusals import ExternalRefTaken, NotPayable, RefundWindowOver, SettlementExceedsTab
from tuckshop.domain.users import Role
from tuckshop.queries.earnings import earnings
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.machines import MoveStock
from tuckshop.till.commands.orders import Dispense, OrderPlaced, PlaceOrder
from tuckshop.till.commands.products import Restock
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import PaySeller, SellerPaid
from tuckshop.till.commands.wallet import Deposit

WINDOW_SECONDS = 300


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url, tab_limit_cents=2000) as opened:
        yield opened


async def earned(shop: Shop, seller: SessionCaller) -> tuple[int, int]:
    """What the seller has, and what of it is payable."""
    told = await earnings(cast(context.Shop, shop), seller_id=seller.user_id)
    return told.balance_cents, told.payable_cents


async def pay(shop: Shop, seller: SessionCaller, ref: str, cents: int | None = None) -> SellerPaid:
    receipt = await shop.do(PaySeller(OPERATOR, seller.user_id, ref, cents), key=f"pay {ref}")
    assert isinstance(receipt, SellerPaid)
    return receipt


async def on_tab(
    shop: Shop, buyer: SessionCaller, machine: int, product: int, quantity: int, when: Fulfil
) -> int:
    receipt = await shop.do(
        PlaceOrder(
            buyer,
            wallet_of(buyer.user_id),
            ((product, quantity),),
            machine_id=machine,
            payment=Payment.TAB,
            fulfil=when,
        )
    )
    assert isinstance(receipt, OrderPlaced)
    return receipt.order_id


async def test_a_sellers_month(shop: Shop) -> None:
    desk, hall, cellar = 1, await shop.machine("hall"), await shop.machine("cellar")
    sam, sue = await shop.person("sam", Role.SELLER), await shop.person("sue", Role.SELLER)
    cashier = await shop.person("cas", Role.CASHIER)
    ada, bob = await shop.buyer("ada", cents=10_000), await shop.buyer("bob", cents=5_000)
    cleo = await shop.buyer("cleo")
    cola = (await shop.product("cola", price_cents=150, stock=20, seller=sam)).product_id
    chips = (await shop.product("chips", price_cents=80, stock=0, seller=sam)).product_id
    cake = (await shop.product("cake", price_cents=300, stock=0, seller=sam, refundable=False)).product_id
    tea = (await shop.product("tea", price_cents=100, stock=0, seller=sue)).product_id
    for machine in (hall, cellar):
        await shop.do(MoveStock(sam, desk, machine, cola, 5))
    await shop.do(Restock(sam, chips, 10, machine_id=hall))
    await shop.do(Restock(sam, cake, 5, machine_id=cellar))
    await shop.do(Restock(sue, tea, 5, machine_id=hall))

    # The first day: sales on three machines.
    adas = await shop.buy(ada, (cola, 2), machine_id=desk)  # 2 x 1.50 = 3.00
    assert await earned(shop, sam) == (300, 0)  # All of it may still come back.
    bobs = await shop.buy(
        bob, (cola, 1), (chips, 3), (tea, 1), machine_id=hall
    )  # 1.50 + 2.40, and 1.00 to Sue
    assert await earned(shop, sam) == (690, 0)  # 3.00 + 3.90
    key, guest = await shop.machine_key(cellar), await shop.guest()
    await shop.do(Deposit(key, guest, {100: 3}, cellar))
    await shop.do(PlaceOrder(key, guest, ((cake, 1),), machine_id=cellar))
    assert await earned(shop, sam) == (990, 300)  # + 3.00, and cake does not come back

    # Back within the window, by the buyer; and after it, by a cashier alone.
    shop.clock.forward(120)
    await shop.do(Refund(ada, adas.order_id, {cola: 1}))
    assert await earned(shop, sam) == (840, 300)  # 9.90 - 1.50; held back: Ada's 1.50, Bob's 3.90
    shop.clock.forward(WINDOW_SECONDS)
    assert await earned(shop, sam) == (840, 840)
    await refuse(shop, Refund(ada, adas.order_id), RefundWindowOver(window_seconds=WINDOW_SECONDS))
    await shop.do(Refund(cashier, adas.order_id))
    assert await earned(shop, sam) == (690, 690)  # 8.40 - 1.50

    # The first pay-out; the same reference pays nothing more, however it is asked for.
    shop.clock.forward(7 * DAY_SECONDS)
    first = await pay(shop, sam, "week 1")
    assert (first.amount_cents, first.balance_cents, first.payable_cents) == (690, 0, 0)
    await shop.buy(bob, (cola, 1), machine_id=hall)  # 1.50
    shop.clock.forward(WINDOW_SECONDS + 1)
    assert await earned(shop, sam) == (150, 150)
    again = PaySeller(OPERATOR, sam.user_id, "week 1")
    await refuse(shop, again, ExternalRefTaken(external_ref="week 1", transfer=first.transfer_id))
    replayed = await shop.till.execute(Envelope(again, "pay week 1", repr(again).encode()))
    assert (replayed.replayed, replayed.answer) == (True, first)
    assert await earned(shop, sam) == (150, 150)
    second = await pay(shop, sam, "week 2", 100)
    assert (second.balance_cents, second.payable_cents) == (50, 50)  # 1.50 - 1.00

    # Back after the pay-out: Bob is made whole, and Sam owes the shop.
    await shop.do(Refund(cashier, bobs.order_id, {chips: 3}))
    assert await earned(shop, sam) == (-190, 0)  # 0.50 - 2.40
    broke = PaySeller(OPERATOR, sam.user_id, "week 3")
    await refuse(shop, broke, NotPayable(payable_cents=0, balance_cents=-190))

    # On the tab: not payable before it is handed out, past its window, and settled, the oldest first.
    shop.clock.forward(7 * DAY_SECONDS)
    two_colas = await on_tab(shop, cleo, cellar, cola, 2, Fulfil.LATER)
    assert await earned(shop, sam) == (110, 0)  # - 1.90 + 3.00, of which 3.00 are held back
    await shop.do(Dispense(sam, two_colas))
    one_chips = await on_tab(shop, cleo, hall, chips, 1, Fulfil.NOW)
    shop.clock.forward(WINDOW_SECONDS + 1)
    assert await earned(shop, sam) == (190, 0)  # 1.10 + 0.80; Cleo owes 3.80
    cleos = cleo.user_id
    await shop.do(SettleTab(OPERATOR, cleos, amount_cents=300, external_ref="bank 1"))
    assert await earned(shop, sam) == (190, 110)  # The colas are paid for, the chips are not.
    twice = SettleTab(OPERATOR, cleos, amount_cents=80, external_ref="bank 1")
    settlement = next(row for row in await shop.rows("transfers") if row["external_ref"] == "bank 1")
    await refuse(shop, twice, ExternalRefTaken(external_ref="bank 1", transfer=settlement["id"]))
    await shop.do(Refund(cashier, one_chips))  # Off the tab, which owes nothing then.
    assert await earned(shop, sam) == (110, 110)
    nothing = SettleTab(OPERATOR, cleos, amount_cents=80, external_ref="bank 2")
    await refuse(shop, nothing, SettlementExceedsTab(owed_cents=0, amount_cents=80))
    await on_tab(shop, cleo, desk, cola, 1, Fulfil.NOW)
    await shop.do(SettleTab(cashier, cleos, coins={100: 1, 50: 1}))
    assert await earned(shop, sam) == (260, 110)  # + 1.50, settled, and within the window
    shop.clock.forward(WINDOW_SECONDS + 1)
    assert (await pay(shop, sam, "month")).amount_cents == 260

    # Cola: 2 - 2 + 1 + 1 + 2 + 1 = 5 for 7.50; chips: 3 - 3 + 1 - 1 = 0; cake: 1 for 3.00. Earned: 10.50.
    told = await earnings(cast(context.Shop, shop), seller_id=sam.user_id)
    sold = {one.name: (one.quantity, one.amount_cents) for one in told.products}
    assert sold == {"cola": (5, 750), "chips": (0, 0), "cake": (1, 300)}
    paid = [row["amount_cents"] for row in await shop.rows("transfers") if row["kind"] == "earnings_payout"]
    assert paid == [690, 100, 260]  # 10.50 in all
    assert await earned(shop, sam) == (0, 0)
    assert await earned(shop, sue) == (100, 100)

    owners = {row["id"]: row["username"] for row in await shop.rows("users")}
    ends = {
        (row["kind"], owners.get(row["user_id"]), row["machine_id"]): row["balance_cents"]
        for row in await shop.rows("accounts")
    }
    assert ends == {
        ("wallet", "ada", None): 10_000,  # 100.00 - 3.00 + 1.50 + 1.50
        ("wallet", "bob", None): 4_600,  # 50.00 - 4.90 - 1.50 + 2.40
        ("wallet", "cleo", None): 0,
        ("wallet", None, None): 0,  # the guest
        ("tab", "cleo", None): 0,
        ("earnings", "sam", None): 0,
        ("earnings", "sue", None): 100,
        ("coin_box", None, desk): -15_150,  # 100.00 + 50.00 + 1.50 of Cleo's
        ("coin_box", None, cellar): -300,
        ("bank", None, None): 750,  # 10.50 paid out less 3.00 that came in
    }
    assert sum(ends.values()) == 0
    await shop.assert_clean()
