"""Each day's sales are added up as they happen, on the shop's own days, in one statement a batch."""

import asyncio
import zoneinfo
from datetime import UTC, date, datetime, time

import pytest

from tests.shop import NOON_US, Clock, Shop, open_books, open_shop
from tests.till.plans import heard
from tuckshop.domain.days import BusinessDays, day_of
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.money import EURO
from tuckshop.domain.orders import Fulfil, Payment
from tuckshop.domain.refusals import OutOfStock
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.orders import CancelOrder, Dispense, PlaceOrder, ReduceOrder
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.engine.queue import Till
from tuckshop.till.policy import Policy
from tuckshop.till.sql.steps import Add

TODAY = day_of(datetime.fromtimestamp(NOON_US / 1_000_000, tz=UTC).date())


async def sales(shop: Shop) -> list[tuple[int, ...]]:
    """Rows of the day's sales, without the machine where there is but one."""
    return [tuple(row.values()) for row in await shop.rows("sales")]


async def test_what_is_sold_and_given_back_is_added_to_its_day(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=2000)
    cola = (await shop.product("cola", price_cents=150, stock=20)).product_id
    nuts = (await shop.product("nuts", price_cents=80)).product_id
    order = await shop.buy(ada, (cola, 3), (nuts, 1))
    await shop.buy(ada, (cola, 1))
    assert await sales(shop) == [(TODAY, 1, cola, 4, 600, 0, 0), (TODAY, 1, nuts, 1, 80, 0, 0)]

    shop.clock.forward(86_400)
    await shop.do(Refund(OPERATOR, order.order_id, {cola: 2}))
    await shop.buy(ada, (nuts, 2))
    assert await sales(shop) == [
        (TODAY, 1, cola, 4, 600, 0, 0),
        (TODAY, 1, nuts, 1, 80, 0, 0),
        (TODAY + 1, 1, cola, 0, 0, 2, 300),  # Given back on a day on which none was sold.
        (TODAY + 1, 1, nuts, 2, 160, 0, 0),
    ]
    assert [row["day"] for row in await shop.rows("orders")] == [TODAY, TODAY, TODAY + 1]
    assert [row["day"] for row in await shop.rows("refunds")] == [TODAY + 1]
    await shop.assert_clean()


async def test_a_price_that_changed_meanwhile_gives_back_what_was_paid(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=500)
    cola = (await shop.product("cola", price_cents=150)).product_id
    order = await shop.buy(ada, (cola, 1))
    await shop.execute("UPDATE products SET price_cents = 200")
    await shop.do(Refund(OPERATOR, order.order_id))
    assert await sales(shop) == [(TODAY, 1, cola, 1, 150, 1, 150)]


async def test_orders_called_off_made_smaller_or_failed_count_as_given_back(database_url: str) -> None:
    async with open_shop(database_url, tab_limit_cents=5000) as shop:
        ada = await shop.buyer("ada")
        cola = (await shop.product("cola", price_cents=150)).product_id
        orders = [await shop.buy(ada, (cola, 2), payment=Payment.TAB, fulfil=Fulfil.LATER) for _ in range(3)]
        await shop.do(CancelOrder(ada, orders[0].order_id))
        await shop.do(ReduceOrder(ada, orders[1].order_id, {cola: 1}))
        await shop.do(Dispense(OPERATOR, orders[2].order_id, failed=True))
        assert await sales(shop) == [(TODAY, 1, cola, 6, 900, 5, 750)]
        await shop.assert_clean()


async def test_a_refusal_adds_nothing(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=500)
    cola = (await shop.product("cola", stock=1)).product_id
    with pytest.raises(OutOfStock):
        await shop.buy(ada, (cola, 2))
    assert await sales(shop) == []


async def test_machines_are_told_apart(shop: Shop) -> None:
    hall = await shop.machine("hall", box_kind="unlimited")
    ada = await shop.buyer("ada", cents=500)
    cola = (await shop.product("cola", price_cents=100)).product_id
    await shop.execute(
        "INSERT INTO shelves (machine_id, product_id, quantity) VALUES (:hall, :cola, 0)",
        hall=hall,
        cola=cola,
    )
    await shop.execute("UPDATE shelves SET quantity = 5")
    await shop.buy(ada, (cola, 1))
    await shop.buy(ada, (cola, 2), machine_id=hall)
    assert await sales(shop) == [(TODAY, 1, cola, 1, 100, 0, 0), (TODAY, hall, cola, 2, 200, 0, 0)]


async def test_the_shop_says_when_its_day_begins_and_may_say_otherwise_later(database_url: str) -> None:
    late = BusinessDays(zoneinfo.ZoneInfo("Europe/Berlin"), time(4, 0))
    clock = Clock(int(datetime(2026, 1, 10, 2, 59, tzinfo=UTC).timestamp()) * 1_000_000)  # 03:59 in Berlin
    async with open_shop(database_url, clock=clock, days=late) as shop:
        ada = await shop.buyer("ada", cents=500)
        cola = (await shop.product("cola", price_cents=100)).product_id
        await shop.buy(ada, (cola, 1))
        clock.forward(60)
        await shop.buy(ada, (cola, 1))
    async with open_shop(database_url, clock=clock) as shop:
        await shop.buy(ada, (cola, 1))
        await shop.assert_clean()
        ninth, tenth = day_of(date(2026, 1, 9)), day_of(date(2026, 1, 10))
        assert [row["day"] for row in await shop.rows("orders")] == [ninth, tenth, tenth]
        assert await sales(shop) == [(ninth, 1, cola, 1, 100, 0, 0), (tenth, 1, cola, 2, 200, 0, 0)]


async def test_a_batch_adds_in_one_statement_however_many_sales(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await shop.buyer("ada", cents=5000)
    products = [(await shop.product(f"p{place}", price_cents=10, stock=40)).product_id for place in range(5)]
    steps = heard(monkeypatch)
    wallet = wallet_of(ada.user_id)
    outcomes = await shop.till.execute_together(
        [Envelope(PlaceOrder(ada, wallet, ((products[place % 5], 1),))) for place in range(30)]
    )
    batches = shop.till.tally.batches - 6  # Those of the products and the deposit.
    assert all(outcome.receipt() for outcome in outcomes)
    added = [step[1] for step in steps if isinstance(step[0], Add)]
    assert len(added) == batches == 1
    assert [row[2] for row in added[0]] == products
    assert [row[3] for row in await sales(shop)] == [6] * 5


@pytest.mark.postgres
async def test_two_tills_add_to_one_day_at_once(postgres_url: str) -> None:
    """Every row is the day's first for one of them; products in opposite order, refunds in between."""
    async with open_shop(postgres_url) as shop:
        buyers = [await shop.buyer(name, cents=3000) for name in ("ada", "bob")]
        sam = await shop.person("sam", Role.SELLER)
        products = [
            (await shop.product(f"p{place}", price_cents=10, stock=500, seller=sam)).product_id
            for place in range(6)
        ]
        policy = Policy(currency=EURO)
        async with (
            Till(books=open_books(postgres_url, shop.clock), policy=policy, batch_max=3) as one,
            Till(books=open_books(postgres_url, shop.clock), policy=policy, batch_max=3) as other,
        ):

            async def buy(till: Till, place: int) -> None:
                lines = tuple((product, 1) for product in (products if till is one else products[::-1]))
                buyer = buyers[till is one]
                placed = await till.execute(Envelope(PlaceOrder(buyer, wallet_of(buyer.user_id), lines)))
                if place % 4 == 0:
                    await till.execute(Envelope(Refund(OPERATOR, placed.receipt().order_id)))  # type: ignore[attr-defined]

            for _ in range(5):
                await asyncio.gather(*(buy(till, place) for place in range(8) for till in (one, other)))
                shop.clock.forward(86_400)
        rows = await sales(shop)
        assert rows == [(TODAY + day, 1, product, 16, 160, 4, 40) for day in range(5) for product in products]
        await shop.assert_clean()
