"""A day at a machine with a counted box: what its last count misses is what the day has lost, to the coin."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.shop import Shop
from tuckshop.domain.coins import fewest, total_cents
from tuckshop.domain.ledger import AccountRef
from tuckshop.domain.machines import BoxKind, CoinBox, takes_exact_money_only
from tuckshop.domain.money import EURO
from tuckshop.domain.orders import Change
from tuckshop.domain.refusals import ChangeUnpayable
from tuckshop.till.callers import OPERATOR, MachineCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.machines import CoinsCounted, CollectCoins, CountCoins, FillCoins
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.products import Restock
from tuckshop.till.commands.wallet import Deposit, PaidOut, PayOut

SALES = 300
VALUES = EURO.values_cents
PRICES = {"gum": 35, "crisps": 85, "bar": 120, "cola": 145}
FLOAT = {5: 10, 10: 10, 20: 10, 50: 4}
IN_POCKETS = (100, 100, 100, 50, 50, 20)  # Who has small coins keeps them for when only those are taken.


class Machine:
    """The machine in the hall, its drawer as somebody would find it who looked inside, and its customers."""

    def __init__(self, shop: Shop, key: MachineCaller, guest: AccountRef, shelves: dict[int, int]) -> None:
        self.shop, self.key, self.guest, self.shelves = shop, key, guest, shelves
        self.id = key.machine_id
        self.drawer: Counter[int] = Counter()
        self.sold = self.refused = 0
        self.chance = random.Random(3)

    async def sell(self) -> None:
        """Somebody puts in coins until they are enough, buys, and takes the change; or pays to the cent."""
        self.shop.clock.forward(60)
        product, price = self.chance.choice(list(self.shelves.items()))
        coins: Counter[int] = Counter()
        while total_cents(coins) < price:
            coins[self.chance.choice(IN_POCKETS)] += 1
        warned = await self.says_exact_money_only()
        await self.insert(coins)
        buying = PlaceOrder(self.key, self.guest, ((product, 1),), Change.RETURN, machine_id=self.id)
        before = await self.moved() if warned else ()
        bought = (await self.shop.till.execute(Envelope(buying))).answer
        if isinstance(bought, ChangeUnpayable):
            assert warned  # The machine had said so before any coin was put in.
            assert await self.moved() == before
            self.refused += 1
            back = await self.shop.do(PayOut(self.key, self.guest, self.id))
            assert isinstance(back, PaidOut)
            assert total_cents(back.coins) == total_cents(coins)
            self.drawer -= Counter(back.coins)
            await self.insert(fewest(price, dict.fromkeys(VALUES)) or {})
            bought = await self.shop.do(buying)
        assert isinstance(bought, OrderPlaced)
        assert bought.balance_cents == 0
        self.drawer -= Counter(bought.change)
        self.sold += 1

    async def insert(self, coins: dict[int, int]) -> None:
        await self.shop.do(Deposit(self.key, self.guest, coins, self.id))
        self.drawer += Counter(coins)

    async def says_exact_money_only(self) -> bool:
        box = CoinBox(self.id, BoxKind.COUNTED, await self.held())
        return takes_exact_money_only(box, values=EURO.paid_out_cents)

    async def held(self) -> dict[int, int]:
        rows = await self.shop.rows("coin_boxes")
        return {row["value_cents"]: row["count"] for row in rows if row["machine_id"] == self.id}

    async def moved(self) -> tuple[int, ...]:
        names = ("transfers", "coin_movements", "stock_movements", "orders")
        return tuple([len(await self.shop.rows(name)) for name in names])

    async def collect(self, coins: dict[int, int]) -> None:
        await self.shop.do(CollectCoins(OPERATOR, self.id, coins))
        self.drawer -= Counter(coins)

    async def count(self) -> CoinsCounted:
        """Somebody counts what is there, whatever the books say."""
        found = {value: self.drawer[value] for value in VALUES}
        receipt = await self.shop.do(CountCoins(OPERATOR, self.id, found))
        assert isinstance(receipt, CoinsCounted)
        return receipt

    async def over_short_cents(self) -> int:
        rows = await self.shop.rows("accounts")
        return sum(row["balance_cents"] for row in rows if row["kind"] == "over_short")


@pytest.fixture
async def machine(shop: Shop) -> Machine:
    key = await shop.machine_key(await shop.machine())
    shelves = {}
    for name, price in PRICES.items():
        product = await shop.product(name, price_cents=price, stock=0)
        await shop.do(Restock(OPERATOR, product.product_id, SALES, machine_id=key.machine_id))
        shelves[product.product_id] = price
    return Machine(shop, key, await shop.guest(), shelves)


async def test_the_last_count_misses_the_one_coin_that_is_gone(shop: Shop, machine: Machine) -> None:
    assert await machine.says_exact_money_only()
    await shop.do(FillCoins(OPERATOR, machine.id, FLOAT))
    machine.drawer += Counter(FLOAT)
    assert not await machine.says_exact_money_only()

    for number in range(SALES):
        if number == SALES // 2:  # Somebody needs small change elsewhere, and takes all of it.
            small = {value: count for value, count in machine.drawer.items() if value < 50 and count}
            await machine.collect(small)
            assert await machine.says_exact_money_only()
        await machine.sell()
    assert machine.sold == SALES
    assert 0 < machine.refused < SALES // 2
    assert await machine.held() == {value: machine.drawer[value] for value in VALUES}

    machine.drawer[20] -= 1  # It rolled under the fridge.
    receipt = await machine.count()
    assert receipt.over_short_cents == -20
    assert receipt.expected == {
        value: machine.drawer[value] + (value == 20) for value in sorted(VALUES)[::-1]
    }

    evening = {value: count - FLOAT.get(value, 0) for value, count in machine.drawer.items()}
    await machine.collect({value: count for value, count in evening.items() if count > 0})
    assert (await machine.count()).over_short_cents == 0
    assert await machine.over_short_cents() == -20
    taken = sum(row["total_cents"] for row in await shop.rows("orders"))
    house = next(row["balance_cents"] for row in await shop.rows("accounts") if row["kind"] == "house")
    assert house == taken
    await shop.assert_clean()
