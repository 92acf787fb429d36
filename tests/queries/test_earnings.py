"""What cannot be paid to sellers yet, and how it is found; more of it in tests/till/test_transfers.py."""

from __future__ import annotations

from itertools import count

from tests.queries.query_plans import heard, plans
from tests.queries.test_tabs import books
from tests.shop import Clock
from tests.shop import Shop as Books
from tuckshop.context import Shop
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.domain.orders import Fulfil, Payment
from tuckshop.domain.users import OPERATOR, Role
from tuckshop.queries import earnings
from tuckshop.till.callers import OPERATOR as CLI
from tuckshop.till.commands.orders import Dispense
from tuckshop.till.commands.transfers import PaySeller, SellerPaid
from tuckshop.till.sql import statements

__all__ = ["books"]  # A fixture.


async def test_each_kind_of_order_counts_once_and_alone(
    open_for_business: Shop, books: Books, clock: Clock
) -> None:
    sam = await books.person("sam", Role.SELLER)
    seller_id = sam.user_id
    cola = (await books.product("cola", price_cents=100, stock=100, seller=sam)).product_id
    ada = await books.buyer("ada", cents=5_000)
    await books.execute("UPDATE users SET tab_limit_cents = 1000 WHERE id = :id", id=ada.user_id)
    delay = "UPDATE users SET payout_delay_days = :days WHERE id = :id"
    await books.execute(delay, days=0, id=seller_id)

    references = count()

    async def held_cents() -> int:
        told = (
            await earnings.payable(open_for_business, actor=OPERATOR, seller_id=seller_id)
        ).held_back_cents
        own = await earnings.earnings(open_for_business, seller_id=seller_id)
        assert own.balance_cents - own.payable_cents == told  # What the seller sees.
        paid = await books.do(PaySeller(CLI, seller_id, f"bank {next(references)}", 1))
        assert isinstance(paid, SellerPaid)  # The till, which asks another way, finds the same.
        assert paid.balance_cents - paid.payable_cents == told
        return told

    await books.buy(ada, (cola, 9))  # Long past, so that there is something to be paid.
    clock.forward(3_600)
    waits = await books.buy(ada, (cola, 1), fulfil=Fulfil.LATER)
    assert await held_cents() == 100
    await books.buy(ada, (cola, 2), payment=Payment.TAB)  # Owed, and to be handed out.
    assert await held_cents() == 300
    await books.buy(ada, (cola, 3))  # Can be given back.
    assert await held_cents() == 600
    clock.forward(301)
    assert await held_cents() == 300
    await books.do(Dispense(sam, waits.order_id))  # Made before others that nobody can give back.
    assert await held_cents() == 300
    clock.forward(301)
    assert await held_cents() == 200
    await books.execute(delay, days=1, id=seller_id)
    clock.forward(DAY_SECONDS - 3_600 - 602 + 1)  # A day after the first 9.00.
    assert await held_cents() == 200 + 300 + 100
    clock.forward(3_600)
    assert await held_cents() == 200 + 100  # Handed out last, whenever it was made.
    clock.forward(301)
    assert await held_cents() == 200
    await books.assert_clean()


async def test_a_clock_that_was_set_back_a_little_hides_nothing(
    open_for_business: Shop, books: Books, clock: Clock
) -> None:
    sam = await books.person("sam", Role.SELLER)
    await books.execute("UPDATE users SET payout_delay_days = 0 WHERE id = :id", id=sam.user_id)
    cola = (await books.product("cola", price_cents=100, seller=sam)).product_id
    ada = await books.buyer("ada", cents=500)
    await books.buy(ada, (cola, 1))
    clock.forward(1 - statements.CLOCK_SECONDS_BACK_MAX)
    await books.buy(ada, (cola, 1))
    clock.forward(302)  # Past the second order's window, and not past the first one's.
    found = await earnings.payable(open_for_business, actor=OPERATOR, seller_id=sam.user_id)
    assert found.held_back_cents == 100


async def test_a_long_history_is_not_read(open_for_business: Shop) -> None:
    with heard(open_for_business.engine) as said:
        await earnings.earnings(open_for_business, seller_id=1)

    told = await plans(open_for_business.engine, said)

    for index in (
        "ix_orders_status",
        "ix_orders_late_fulfilled_us",
        "ix_order_lines_seller_id_order_id",
        "ix_accounts_tab",
        "ix_orders_tab_buyer_id",
    ):
        assert index in told, told
