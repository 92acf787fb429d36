"""Coin boxes filled, counted and collected; shelves planned, and stock moved between machines."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

import pytest

from tests.shop import Shop
from tests.till.reading import balances, post, refuse
from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.field_problems import (
    AboveCapacity,
    CoinCountOutOfRange,
    CoinNotCounted,
    OutOfRange,
    ProductTwice,
    SameMachine,
    SlotTwice,
)
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.orders import Change, Fulfil
from tuckshop.domain.refusals import (
    ChangeUnpayable,
    CoinNotAccepted,
    CoinsMissing,
    DepositTooLarge,
    InvalidField,
    MachineLimitReached,
    NotOwner,
    OutOfStock,
    PlanChanged,
    RoleMissing,
    SessionEnded,
    StockTooLarge,
    UnknownMachine,
    UnknownOrder,
    UnknownProduct,
    UserNotPresent,
    WrongStatus,
)
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR, MachineCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.machines import (
    CoinsCarried,
    CoinsCounted,
    CollectCoins,
    CountCoins,
    FillCoins,
    MoveStock,
    SetShelves,
    ShelvesSet,
    StockMoved,
)
from tuckshop.till.commands.orders import Dispense, OrderChanged, OrderPlaced, PlaceOrder
from tuckshop.till.commands.products import Restock
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut

HOUR_US = 3_600 * MICROSECONDS
NONE = dict.fromkeys((5, 10, 20, 50, 100), 0)


async def held(shop: Shop, machine_id: int) -> dict[int, int]:
    rows = await shop.rows("coin_boxes")
    return {row["value_cents"]: row["count"] for row in rows if row["machine_id"] == machine_id}


async def balance(shop: Shop, kind: str) -> int:
    return sum(row["balance_cents"] for row in await shop.rows("accounts") if row["kind"] == kind)


class TestCoins:
    async def test_filling_takes_from_the_bank(self, shop: Shop) -> None:  # 10 x 0.20 = 2.00
        hall = await shop.machine()
        posted = await post(shop, FillCoins(OPERATOR, hall, {20: 10}, "roll 1"))
        assert posted.transfers == [("fill", "coin box", "bank", 200)]
        assert posted.coins == [(20, 10)]
        assert isinstance(posted.receipt, CoinsCarried)
        assert (posted.receipt.amount_cents, posted.receipt.coins) == (200, {20: 10})
        assert await held(shop, hall) == {**NONE, 20: 10}
        await shop.assert_clean()

    async def test_collecting_gives_to_the_bank(self, shop: Shop) -> None:
        hall = await shop.machine()
        await shop.do(FillCoins(OPERATOR, hall, {20: 10}))
        posted = await post(shop, CollectCoins(OPERATOR, hall, {20: 4}))
        assert posted.transfers == [("collect", "bank", "coin box", 80)]
        assert posted.coins == [(20, -4)]
        await shop.assert_clean()

    async def test_no_more_is_collected_than_a_counted_box_holds(self, shop: Shop) -> None:
        hall = await shop.machine()
        await shop.do(FillCoins(OPERATOR, hall, {20: 3, 50: 1}))
        command = CollectCoins(OPERATOR, hall, {20: 4, 50: 1})
        await refuse(shop, command, CoinsMissing(value_cents=20, available=3))

    async def test_a_cashier_collects_other_coins_than_came_in(self, shop: Shop) -> None:
        await shop.do(FillCoins(OPERATOR, 1, {100: 1}))
        await shop.do(CollectCoins(OPERATOR, 1, {20: 5}))
        assert await held(shop, 1) == {**NONE, 100: 1, 20: -5}
        await shop.assert_clean()

    async def test_a_count_that_finds_all_moves_nothing(self, shop: Shop) -> None:
        hall = await shop.machine()
        await shop.do(FillCoins(OPERATOR, hall, {20: 3}))
        posted = await post(shop, CountCoins(OPERATOR, hall, {**NONE, 20: 3}))
        assert (posted.transfers, posted.coins) == ([], [])
        assert isinstance(posted.receipt, CoinsCounted)
        assert posted.receipt.over_short_cents == 0

    @pytest.mark.parametrize("box_kind", ["counted", "unlimited"])
    async def test_a_count_books_coins_found_and_coins_missed(self, shop: Shop, box_kind: str) -> None:
        # 3 x 20, 1 x 50 expected; 5 x 20 there and no 50: 40 over, 50 short, 10 missing.
        hall = await shop.machine(box_kind=box_kind)
        await shop.do(FillCoins(OPERATOR, hall, {20: 3, 50: 1}))
        posted = await post(shop, CountCoins(OPERATOR, hall, {**NONE, 20: 5}))
        assert posted.transfers == [
            ("over", "coin box", "over short", 40),
            ("short", "over short", "coin box", 50),
        ]
        assert posted.coins == [(20, 2), (50, -1)]
        assert isinstance(posted.receipt, CoinsCounted)
        assert posted.receipt.expected == {100: 0, 50: 1, 20: 3, 10: 0, 5: 0}
        assert posted.receipt.counted == {100: 0, 50: 0, 20: 5, 10: 0, 5: 0}
        assert posted.receipt.over_short_cents == -10
        assert await held(shop, hall) == {**NONE, 20: 5}
        await shop.assert_clean()

    async def test_a_count_names_every_coin_and_no_other(self, shop: Shop) -> None:
        left_out = InvalidField("counted", CoinNotCounted(5))
        await refuse(shop, CountCoins(OPERATOR, 1, {20: 1}), left_out)
        known = (5, 10, 20, 50, 100)
        await refuse(
            shop, CountCoins(OPERATOR, 1, {**NONE, 3: 1}), CoinNotAccepted(value_cents=3, accepted=known)
        )
        below = InvalidField("counted", CoinCountOutOfRange(5, 1_000_000))
        await refuse(shop, CountCoins(OPERATOR, 1, {**NONE, 5: -1}), below)

    async def test_only_cashiers_and_admins_touch_the_box(self, shop: Shop) -> None:
        sam = await shop.person("sam", Role.SELLER, Role.BUYER)
        for command in (
            FillCoins(sam, 1, {20: 1}),
            CollectCoins(sam, 1, {20: 1}),
            CountCoins(sam, 1, NONE),
        ):
            await refuse(shop, command, RoleMissing(roles=("cashier", "admin")))
        await shop.do(FillCoins(await shop.person("cas", Role.CASHIER), 1, {20: 1}))

    async def test_there_is_no_box_without_a_machine(self, shop: Shop) -> None:
        for command in (FillCoins(OPERATOR, 9, {20: 1}), CountCoins(OPERATOR, 9, NONE)):
            await refuse(shop, command, UnknownMachine(machine=9))


class TestKeys:
    async def test_a_machine_attests_its_own_coins(self, shop: Shop) -> None:
        hall = await shop.machine()
        ada = await shop.buyer("ada")
        key, wallet = await shop.machine_key(hall), wallet_of(ada.user_id)
        await shop.log_in_at(hall, ada)
        receipt = await shop.do(Deposit(key, wallet, {20: 3, 50: 1}, hall), key="one")
        assert isinstance(receipt, CoinsDeposited)
        assert receipt.balance_cents == 110
        paid = await shop.do(PayOut(key, wallet, hall))
        assert isinstance(paid, PaidOut)
        assert paid.coins == {50: 1, 20: 3}
        (record,) = await shop.rows("idempotency")
        assert record["scope"] == f"machine:{hall}"
        await shop.assert_clean()

    async def test_no_cap_holds_for_coins_that_a_machine_has_seen(self, shop: Shop) -> None:
        ada, hall = await shop.buyer("ada"), await shop.machine()
        cap_cents = shop.till.policy.coins_daily_cap_cents
        key = await shop.machine_key(hall)
        await shop.log_in_at(hall, ada)
        for wallet in (wallet_of(ada.user_id), await shop.guest()):
            for _ in range(cap_cents // 5_000):
                await shop.do(Deposit(key, wallet, {100: 50}, hall))
            shop.clock.forward(3_600)
            await shop.do(Deposit(key, wallet, {100: 1}, hall))
            shop.clock.forward(3_600)
        await shop.assert_clean()

    async def test_credits_50_00_a_call_and_200_00_an_hour(self, shop: Shop) -> None:
        # 10,000.00 a call, without a cap, were what a stolen key was good for.
        hall, guest = await shop.machine(), await shop.guest()
        key = await shop.machine_key(hall)
        await refuse(shop, Deposit(key, guest, {100: 50, 5: 1}, hall), DepositTooLarge(limit_cents=5_000))
        hour_us = (shop.clock.now_us // HOUR_US + 1) * HOUR_US
        shop.clock.now_us = hour_us + 600 * MICROSECONDS
        for _ in range(4):
            await shop.do(Deposit(key, guest, {100: 50}, hall))
        full = MachineLimitReached(limit_cents=20_000, left_cents=0, retry_seconds=3_000)
        await refuse(shop, Deposit(key, await shop.guest("another"), {5: 1}, hall), full)
        shop.clock.now_us = hour_us + HOUR_US - 1
        await refuse(shop, Deposit(key, guest, {5: 1}, hall), replace(full, retry_seconds=1))
        shop.clock.forward(0.000001)
        await shop.do(Deposit(key, guest, {5: 1}, hall))
        assert [row["used"] for row in await shop.rows("limit_counters")] == [20_000, 5]
        await shop.assert_clean()

    async def test_credits_what_its_admin_allows_and_each_machine_for_itself(self, shop: Shop) -> None:
        hall, attic, guest = await shop.machine(), await shop.machine("attic"), await shop.guest()
        await shop.execute(
            "UPDATE machines SET deposit_cents_max = 100, hourly_deposit_cents_max = 150 WHERE id = :id",
            id=hall,
        )
        key, other = await shop.machine_key(hall), await shop.machine_key(attic)
        await refuse(shop, Deposit(key, guest, {100: 1, 5: 1}, hall), DepositTooLarge(limit_cents=100))
        coins = [Deposit(key, guest, {100: 1}, hall), Deposit(key, guest, {50: 1, 5: 1}, hall)]
        coins += [Deposit(other, guest, {100: 2}, attic), Deposit(key, guest, {50: 1}, hall)]
        outcomes = await shop.till.execute_together([Envelope(one) for one in coins])
        answers = [type(outcome.answer) for outcome in outcomes]
        assert answers == [CoinsDeposited, MachineLimitReached, CoinsDeposited, CoinsDeposited]
        cashier = await shop.person("cas", Role.CASHIER)
        await shop.do(Deposit(cashier, guest, {100: 60}, hall))  # Cashiers see what they take.
        await shop.assert_clean()

    async def test_serves_only_who_has_logged_in_there(self, shop: Shop) -> None:
        hall, attic, ada = (
            await shop.machine(),
            await shop.machine("attic"),
            await shop.buyer("ada", cents=500),
        )
        key, wallet = await shop.machine_key(hall), wallet_of(ada.user_id)
        absent = UserNotPresent(user=ada.user_id)
        for command in (Deposit(key, wallet, {50: 1}, hall), PayOut(key, wallet, hall)):
            await refuse(shop, command, absent)
            await shop.log_in_at(attic, ada)
            await refuse(shop, command, absent)
        # Whoever is nobody is not told from whoever is not there.
        await refuse(shop, PayOut(key, wallet_of(999), hall), UserNotPresent(user=999))
        await shop.log_in_at(hall, ada)
        await shop.do(Deposit(key, wallet, {50: 1}, hall))
        await shop.execute("UPDATE sessions SET ended_us = :now", now=shop.clock.now_us)
        await refuse(shop, Deposit(key, wallet, {50: 1}, hall), absent)
        await shop.execute("UPDATE sessions SET ended_us = NULL")
        (session,) = await shop.rows("sessions")
        shop.clock.now_us = session["expires_us"] - 1
        await shop.do(Deposit(key, wallet, {50: 1}, hall))
        shop.clock.now_us += 1
        await refuse(shop, Deposit(key, wallet, {50: 1}, hall), absent)

    async def test_says_what_became_of_its_own_orders(self, shop: Shop) -> None:
        hall, attic, ada = (
            await shop.machine(),
            await shop.machine("attic"),
            await shop.buyer("ada", cents=500),
        )
        cola = (await shop.product(price_cents=100, machine_id=hall)).product_id
        key, other = await shop.machine_key(hall), await shop.machine_key(attic)
        first, second = [
            await shop.buy(ada, (cola, 1), machine_id=hall, fulfil=Fulfil.LATER) for _ in range(2)
        ]
        for command in (Dispense(other, first.order_id), Dispense(other, first.order_id, failed=True)):
            await refuse(shop, command, UnknownOrder(order=first.order_id))
        dispensed = await shop.do(Dispense(key, first.order_id))
        failed = await shop.do(Dispense(key, second.order_id, failed=True))
        assert isinstance(dispensed, OrderChanged)
        assert isinstance(failed, OrderChanged)
        assert (dispensed.status, failed.status) == ("dispensed", "failed")
        assert (await balances(shop))["ada's wallet"] == 400
        await refuse(shop, Dispense(key, first.order_id), WrongStatus(first.order_id, "dispensed"))
        await shop.assert_clean()

    async def test_no_other_machine_and_nothing_else(self, shop: Shop) -> None:
        hall = await shop.machine()
        ada, key = await shop.buyer("ada"), await shop.machine_key(hall)
        wallet = wallet_of(ada.user_id)
        await refuse(shop, Deposit(key, wallet, {50: 1}, 1), NotOwner(thing="machine"))
        await refuse(shop, PayOut(key, wallet, 1), NotOwner(thing="machine"))
        nobody = RoleMissing(roles=("buyer", "seller", "cashier", "admin"))
        await refuse(shop, FillCoins(key, hall, {50: 1}), nobody)
        await refuse(shop, SetShelves(key, hall, ()), nobody)

    async def test_a_key_that_is_not_the_machines_is_nobodys(self, shop: Shop) -> None:
        hall = await shop.machine()
        ada = await shop.buyer("ada")
        wallet = wallet_of(ada.user_id)
        without = MachineCaller(hall, None)
        await refuse(shop, Deposit(without, wallet, {50: 1}, hall), SessionEnded())
        await shop.machine_key(hall)
        for wrong in (
            without,
            MachineCaller(hall, b"x" * 32),
            MachineCaller(1, b"x" * 32),
        ):
            await refuse(shop, Deposit(wrong, wallet, {50: 1}, hall), SessionEnded())


class TestShelves:
    async def test_stand_as_planned(self, shop: Shop) -> None:
        hall = await shop.machine()
        cola, nuts = await shop.product("cola"), await shop.product("nuts")
        receipt = await shop.do(
            SetShelves(
                OPERATOR,
                hall,
                (
                    ShelfPlan(cola.product_id, "A1", 12, 8, 160),
                    ShelfPlan(nuts.product_id, "A2"),
                ),
            )
        )
        assert isinstance(receipt, ShelvesSet)
        assert [(one.name, one.slot, one.quantity) for one in receipt.shelves] == [
            ("cola", "A1", 0),
            ("nuts", "A2", 0),
        ]
        full = StockTooLarge(product=cola.product_id, capacity=12)
        await refuse(shop, Restock(OPERATOR, cola.product_id, 13, machine_id=hall), full)
        await shop.do(Restock(OPERATOR, cola.product_id, 12, machine_id=hall))
        ada = await shop.buyer(cents=500)
        assert (await shop.buy(ada, (cola.product_id, 1), machine_id=hall)).total_cents == 160
        assert (await shop.buy(ada, (cola.product_id, 1))).total_cents == 150
        await shop.assert_clean()

    async def test_slots_change_hands_and_those_not_named_lose_theirs(self, shop: Shop) -> None:
        hall = await shop.machine()
        ids = [(await shop.product(name)).product_id for name in ("cola", "nuts", "tea")]
        cola, nuts, tea = ids
        plans = tuple(ShelfPlan(one, slot, 9) for one, slot in zip(ids, ("A1", "A2", "A3"), strict=True))
        await shop.do(SetShelves(OPERATOR, hall, plans))
        await shop.do(SetShelves(OPERATOR, hall, (ShelfPlan(cola, "A2"), ShelfPlan(nuts, "A1", 5))))
        rows = {row["product_id"]: row for row in await shop.rows("shelves") if row["machine_id"] == hall}
        assert {one: (row["slot"], row["capacity"]) for one, row in rows.items()} == {
            cola: ("A2", None),
            nuts: ("A1", 5),
            tea: (None, None),
        }

    async def test_shelves_that_somebody_else_has_planned_are_left_alone(self, shop: Shop) -> None:
        cola, nuts = [(await shop.product(name)).product_id for name in ("cola", "nuts")]
        seen = ShelfPlan(cola, "A1", 12, 8, 160)
        first = SetShelves(OPERATOR, 1, (seen,), seen=(ShelfPlan(cola), ShelfPlan(nuts)))
        await shop.do(first)
        before = await shop.rows("shelves")
        await refuse(shop, first, PlanChanged(machine=1))
        for other in (("A2", 12, 8, 160), ("A1", 13, 8, 160), ("A1", 12, 7, 160), ("A1", 12, 8, None)):
            command = SetShelves(OPERATOR, 1, (), seen=(ShelfPlan(cola, *other),))
            await refuse(shop, command, PlanChanged(machine=1))
        assert await shop.rows("shelves") == before
        both = [SetShelves(OPERATOR, 1, (ShelfPlan(cola, slot),), seen=(seen,)) for slot in ("B1", "B2")]
        outcomes = await asyncio.gather(*map(shop.do, both), return_exceptions=True)
        assert [one for one in outcomes if isinstance(one, Exception)] == [PlanChanged(machine=1)]

    @pytest.mark.parametrize(
        ("plans", "refusal"),
        [
            (
                (ShelfPlan(1), ShelfPlan(1)),
                InvalidField(field="shelves", problem=ProductTwice()),
            ),
            (
                (ShelfPlan(1, "A"), ShelfPlan(2, "A")),
                InvalidField(field="slot", problem=SlotTwice()),
            ),
            (
                (ShelfPlan(1, None, 3, 4),),
                InvalidField(field="par_level", problem=AboveCapacity()),
            ),
            (
                (ShelfPlan(1, None, 0),),
                InvalidField(field="capacity", problem=OutOfRange(1, 1_000_000)),
            ),
            ((ShelfPlan(1, "A"), ShelfPlan(99)), UnknownProduct(product=99)),
        ],
    )
    async def test_are_all_planned_or_none(
        self, shop: Shop, plans: tuple[ShelfPlan, ...], refusal: InvalidField
    ) -> None:
        await shop.product("cola")
        await shop.product("nuts")
        await refuse(shop, SetShelves(OPERATOR, 1, plans), refusal)

    async def test_are_planned_by_admins(self, shop: Shop) -> None:
        cas = await shop.person("cas", Role.CASHIER)
        await refuse(shop, SetShelves(cas, 1, ()), RoleMissing(roles=("admin",)))


class TestMoving:
    async def test_is_two_movements(self, shop: Shop) -> None:
        hall, sam = await shop.machine(), await shop.person("sam", Role.SELLER)
        cola = await shop.product("cola", stock=5, seller=sam)
        posted = await post(shop, MoveStock(sam, 1, hall, cola.product_id, 3, "for the fair"))
        assert posted.stock == [("move", "cola", -3), ("move", "cola", 3)]
        assert posted.receipt == StockMoved(cola.product_id, 1, 2, hall, 3)
        await shop.assert_clean()

    async def test_takes_what_is_there_to_where_there_is_room(self, shop: Shop) -> None:
        hall, cola = await shop.machine(), await shop.product("cola", stock=5)
        one = cola.product_id
        await refuse(shop, MoveStock(OPERATOR, 1, hall, one, 6), OutOfStock(product=one, available=5))
        problem = SameMachine()
        await refuse(shop, MoveStock(OPERATOR, 1, 1, one, 1), InvalidField(field="to", problem=problem))
        await refuse(shop, MoveStock(OPERATOR, 1, 9, one, 1), UnknownMachine(machine=9))
        await refuse(shop, MoveStock(OPERATOR, 9, 1, one, 1), UnknownMachine(machine=9))
        sam = await shop.person("sam", Role.SELLER)
        await refuse(shop, MoveStock(sam, 1, hall, one, 1), NotOwner(thing="product"))
        await shop.do(SetShelves(OPERATOR, hall, (ShelfPlan(one, capacity=2),)))
        await refuse(shop, MoveStock(OPERATOR, 1, hall, one, 3), StockTooLarge(product=one, capacity=2))


async def test_a_day_at_a_machine(shop: Shop) -> None:
    """Filled with 20 x 0.10 and 20 x 0.20; 300 sales; somebody takes a 0.20; counted and collected."""
    chance = Random(20_261_121)
    hall = await shop.machine()
    gum = await shop.product("gum", price_cents=70, stock=300)
    await shop.do(MoveStock(OPERATOR, 1, hall, gum.product_id, 300))
    await shop.do(FillCoins(OPERATOR, hall, {10: 20, 20: 20}))
    people = [await shop.buyer(f"buyer {number}") for number in range(10)]
    sold, exact_only, box = 0, 0, {**NONE, 10: 20, 20: 20}
    while sold < 300:
        buyer = chance.choice(people)
        wallet = wallet_of(buyer.user_id)
        coins = chance.choice(({100: 1}, {100: 1}, {50: 1, 20: 1}, {50: 2}, {20: 4}))
        await shop.do(Deposit(OPERATOR, wallet, coins, hall))
        for value, count in coins.items():
            box[value] += count
        try:
            bought = await shop.do(
                PlaceOrder(OPERATOR, wallet, ((gum.product_id, 1),), Change.RETURN, machine_id=hall)
            )
        except ChangeUnpayable:
            exact_only += 1  # Told before anything moves: the coins are still the buyer's.
            back = await shop.do(CollectCoins(OPERATOR, hall, {100: box[100]})) if box[100] > 40 else None
            box[100] = 0 if back else box[100]
            bought = await shop.do(PlaceOrder(OPERATOR, wallet, ((gum.product_id, 1),), machine_id=hall))
        assert isinstance(bought, OrderPlaced)
        for value, count in bought.change.items():
            box[value] -= count
        sold += 1
    assert exact_only > 10
    assert await held(shop, hall) == box
    assert all(count >= 0 for count in box.values())

    missing = min(value for value, count in box.items() if count)
    box[missing] -= 1
    counted = await shop.do(CountCoins(OPERATOR, hall, box))
    assert isinstance(counted, CoinsCounted)
    assert counted.over_short_cents == -missing
    await shop.do(CollectCoins(OPERATOR, hall, {value: count for value, count in box.items() if count}))
    assert await held(shop, hall) == NONE
    assert await balance(shop, "coin_box") == 0
    assert await balance(shop, "over_short") == -missing
    assert await balance(shop, "house") == 300 * 70
    wallets = await balance(shop, "wallet")
    assert -await balance(shop, "bank") == 300 * 70 + wallets - missing
    await shop.assert_clean()
