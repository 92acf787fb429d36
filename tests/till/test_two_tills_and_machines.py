"""Two tills at one machine: coins counted while they are paid, prices set while they are charged, and so on.

Each pair races for many rounds; whichever is first, the books are as if they had come one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from tests.shop import Shop, open_shop
from tests.till.test_two_tills import both, interrupted, kinds, second_till, until_it_waits, wallet
from tuckshop import context
from tuckshop.domain.machines import BoxKind, ShelfPlan
from tuckshop.domain.orders import Change
from tuckshop.domain.refusals import CoinsOwed
from tuckshop.domain.users import OPERATOR as OPERATOR_ACTOR
from tuckshop.operations import machines as machine_operations
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.commands.machines import (
    CoinsCounted,
    CollectCoins,
    CountCoins,
    FillCoins,
    MoveStock,
    SetShelves,
)
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.products import Restock
from tuckshop.till.commands.wallet import Deposit, PayOut

ROUNDS = 20

pytestmark = pytest.mark.postgres


@pytest.fixture
async def shop(postgres_url: str) -> AsyncIterator[Shop]:
    async with open_shop(postgres_url) as opened:
        yield opened


async def held(shop: Shop, machine_id: int) -> dict[int, int]:
    rows = await shop.rows("coin_boxes")
    return {row["value_cents"]: row["count"] for row in rows if row["machine_id"] == machine_id}


async def sold_at(shop: Shop, machine_id: int, *, price_cents: int, stock: int = 500) -> int:
    product = (await shop.product("cola", price_cents=price_cents, stock=0)).product_id
    await shop.do(Restock(OPERATOR, product, stock, machine_id=machine_id))
    return product


@pytest.mark.parametrize("box_kind", ["counted", "unlimited"])
async def test_a_count_beside_a_sale_with_change(shop: Shop, box_kind: str) -> None:
    hall = await shop.machine(box_kind=box_kind)
    ada = await shop.buyer("ada")
    cola = await sold_at(shop, hall, price_cents=80)
    await shop.do(FillCoins(OPERATOR, hall, {20: ROUNDS}))
    missed = 0
    async with second_till(shop) as other:
        for _ in range(ROUNDS):
            await shop.do(Deposit(OPERATOR, wallet(ada), {100: 1}, hall))
            there = await held(shop, hall)
            sale = PlaceOrder(OPERATOR, wallet(ada), ((cola, 1),), Change.RETURN, machine_id=hall)
            count = Envelope(CountCoins(OPERATOR, hall, there))
            ((bought, counted),) = await both(shop, other, (Envelope(sale), count))
            assert isinstance(bought.answer, OrderPlaced)
            assert bought.answer.change == {20: 1}
            found = counted.answer
            assert isinstance(found, CoinsCounted)
            # Counted before the coin of 20 came out, or one too many after it.
            assert found.over_short_cents in (0, 20)
            missed += found.over_short_cents
    rows = await shop.rows("accounts")
    assert sum(row["balance_cents"] for row in rows if row["kind"] == "over_short") == missed
    assert (await held(shop, hall))[20] == missed // 20
    await shop.assert_clean()


async def test_a_collection_beside_a_pay_out_takes_no_coin_twice(shop: Shop) -> None:
    hall = await shop.machine()
    ada = await shop.buyer("ada")
    ways = set()
    async with second_till(shop) as other:
        for _ in range(ROUNDS):
            await shop.do(Deposit(OPERATOR, wallet(ada), {50: 1}, hall))
            pair = (
                Envelope(CollectCoins(OPERATOR, hall, {50: 1})),
                Envelope(PayOut(OPERATOR, wallet(ada), hall)),
            )
            (outcomes,) = await both(shop, other, pair)
            ways.add(tuple(kinds(outcomes)))
            assert (await held(shop, hall))[50] == 0
            if kinds(outcomes) == ["ChangeUnpayable", "CoinsCarried"]:
                await shop.do(FillCoins(OPERATOR, hall, {50: 1}))
                await shop.do(PayOut(OPERATOR, wallet(ada), hall))
    assert ways <= {("ChangeUnpayable", "CoinsCarried"), ("CoinsMissing", "PaidOut")}
    await shop.assert_clean()


async def test_a_box_changes_its_kind_while_it_sells(shop: Shop) -> None:
    hall = await shop.machine(box_kind="unlimited")
    ada, bob = await shop.buyer("ada"), await shop.buyer("bob")
    cola = await sold_at(shop, hall, price_cents=80)
    for buyer in (ada, bob):
        await shop.do(Deposit(OPERATOR, wallet(buyer), {100: 50}, 1))

    def sale(buyer: SessionCaller) -> Envelope:
        order = PlaceOrder(OPERATOR, wallet(buyer), ((cola, 1),), Change.RETURN, machine_id=hall)
        return Envelope(order)

    async def change_kind(kind: BoxKind) -> None:
        try:
            await machine_operations.change(
                cast(context.Shop, shop), actor=OPERATOR_ACTOR, machine_id=hall, box_kind=kind
            )
        except CoinsOwed:
            await shop.do(FillCoins(OPERATOR, hall, {20: 60, 50: 60, 10: 60, 100: 60, 5: 60}))

    allowed = {"OrderPlaced", "ChangeUnpayable"}
    async with second_till(shop) as other:
        for number in range(ROUNDS):
            for buyer in (ada, bob):
                await shop.do(Deposit(OPERATOR, wallet(buyer), {100: 1}, hall))
            kind = (BoxKind.COUNTED, BoxKind.UNLIMITED)[number % 2]
            outcomes, _ = await asyncio.gather(
                both(shop, other, (sale(ada), sale(bob)), (sale(bob), sale(ada))), change_kind(kind)
            )
            assert {name for pair in outcomes for name in kinds(pair)} <= allowed | {"InsufficientFunds"}
    await shop.assert_clean()


async def test_a_price_set_beside_a_sale_is_charged_whole_or_not_at_all(shop: Shop) -> None:
    hall = await shop.machine()
    ada = await shop.buyer("ada", cents=10_000)
    cola = await sold_at(shop, hall, price_cents=80)
    charged = set()
    async with second_till(shop) as other:
        for number in range(ROUNDS):
            before, after = 80 + number - 1 if number else 80, 80 + number
            plan = Envelope(SetShelves(OPERATOR, hall, (ShelfPlan(cola, "A1", price_cents=after),)))
            sale = Envelope(PlaceOrder(ada, wallet(ada), ((cola, 2),), machine_id=hall))
            ((bought, planned),) = await both(shop, other, (sale, plan))
            planned.receipt()
            assert isinstance(bought.answer, OrderPlaced)
            assert bought.answer.total_cents in (2 * before, 2 * after)
            charged.add(bought.answer.total_cents)
    assert len(charged) > 1
    await shop.assert_clean()


async def test_stock_moves_both_ways_at_once(shop: Shop) -> None:
    hall, cellar = await shop.machine("hall"), await shop.machine("cellar")
    cola = await sold_at(shop, hall, price_cents=80, stock=10)
    tea = (await shop.product("tea", stock=0)).product_id
    await shop.do(Restock(OPERATOR, tea, 10, machine_id=cellar))
    async with second_till(shop) as other:
        for _ in range(ROUNDS):
            pairs = [
                (
                    Envelope(MoveStock(OPERATOR, hall, cellar, product, 2)),
                    Envelope(MoveStock(OPERATOR, cellar, hall, product, 2)),
                )
                for product in (cola, tea)
            ]
            pairs += [(two, one) for one, two in pairs]
            for outcomes in await both(shop, other, *pairs):
                assert set(kinds(outcomes)) <= {"StockMoved", "OutOfStock"}
    totals: dict[int, int] = {}
    for row in await shop.rows("shelves"):
        totals[row["product_id"]] = totals.get(row["product_id"], 0) + row["quantity"]
    assert totals == {cola: 10, tea: 10}
    await shop.assert_clean()


async def test_a_machine_is_planned_by_one_till_at_a_time(shop: Shop) -> None:
    """A plan is of the whole machine: the later one clears the shelf that the earlier one has just made."""
    hall = await shop.machine()
    cola, tea = [(await shop.product(name)).product_id for name in ("cola", "tea")]
    plans = [
        Envelope(SetShelves(OPERATOR, hall, (ShelfPlan(product_id, "A", None, None, None),)))
        for product_id in (cola, tea)
    ]
    planning: list[asyncio.Task[Outcome]] = []

    async def plan_tea() -> None:
        planning.append(asyncio.create_task(shop.till.execute(plans[1])))
        await until_it_waits(shop, planning[0])

    async with interrupted(shop, "shelves_of", plan_tea) as till:
        (await till.execute(plans[0])).receipt()
    (await planning[0]).receipt()
    slots = {
        row["product_id"]: row["slot"] for row in await shop.rows("shelves") if row["machine_id"] == hall
    }
    assert slots == {cola: None, tea: "A"}
    await shop.assert_clean()


async def test_what_a_key_credits_in_an_hour_is_counted_by_both(shop: Shop) -> None:
    hall, guests = await shop.machine(), [await shop.guest(name) for name in ("door", "gate")]
    key = await shop.machine_key(hall)
    await shop.execute("UPDATE machines SET hourly_deposit_cents_max = 1000 WHERE id = :id", id=hall)
    pair = tuple(Envelope(Deposit(key, guest, {50: 1}, hall)) for guest in guests)
    async with second_till(shop) as other:
        # The first of all: there is no row yet to be locked.
        outcomes = await both(shop, other, (pair[0], pair[1]))
        for _ in range(ROUNDS):
            outcomes += await both(shop, other, (pair[0], pair[1]))
    told = [kind for outcome in outcomes for kind in kinds(outcome)]
    assert (told.count("CoinsDeposited"), told.count("MachineLimitReached")) == (20, 2 * ROUNDS + 2 - 20)
    (counter,) = await shop.rows("limit_counters")
    assert counter["used"] == 1_000
    await shop.assert_clean()
