"""Four weeks of the demo shop, made through the till: the same for the same seed and the same end."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, TypeVar

from tuckshop.demo.data import PICTURE_TYPE, PRODUCTS, SHOP, DemoProduct
from tuckshop.domain.coins import fewest
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.machines import DEFAULT_MACHINE_ID, ShelfPlan
from tuckshop.domain.orders import Change
from tuckshop.domain.users import Role, UserState
from tuckshop.identity import registration, roles, sessions
from tuckshop.operations import pictures
from tuckshop.store import admin_log
from tuckshop.store.engine import writing
from tuckshop.till.callers import SessionCaller
from tuckshop.till.commands.base import Command, Envelope
from tuckshop.till.commands.machines import CoinsCarried, FillCoins, SetShelves, ShelvesSet
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, ProductRecord, Restock
from tuckshop.till.commands.refunds import Refund, Refunded
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut

if TYPE_CHECKING:
    from tuckshop.context import Shop

MADE = "demo.made"  # The admin log's line that says that the history is complete.

DAYS = 28
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
LOW_STOCK = 9  # With fewer than this, a shelf is refilled in the morning.
BAKERY = "bakery"  # What is left of its products in the evening is given away.
VISITS = 1.7  # A buyer's on a working day.
WEEKEND = 0.12  # Of a working day's.
HOURS = ((8.7, 0.5, 26), (12.4, 0.55, 46), (15.3, 0.7, 22), (18.4, 0.9, 6))  # When: hour, spread, weight.
SMALL = {100: {50: 1, 20: 2, 10: 1}, 50: {20: 1, 10: 2, 5: 2}}

Progress = Callable[[float], None]
R = TypeVar("R")


@dataclass
class Clock:
    """An instant that the history moves forward, never back."""

    now_us: int

    def __call__(self) -> int:
        return self.now_us

    def reach(self, instant_us: int) -> None:
        """Lets time pass until then."""
        self.now_us = max(self.now_us, instant_us)


@dataclass
class History:
    """What has happened so far, and what will. `progress` is told the part that is done, from 0 to 1."""

    shop: Shop
    clock: Clock
    end_us: int
    days: int = DAYS
    random: Random = field(default_factory=lambda: Random(1984))  # noqa: S311  # The same every time.
    progress: Progress = lambda _: None

    def __post_init__(self) -> None:
        self.callers: dict[str, SessionCaller] = {}
        self.stock: dict[int, int] = {}
        self.products: dict[int, DemoProduct] = {}
        self.prices: dict[int, int] = {}
        self.balances: dict[str, int] = dict.fromkeys(SHOP.buyers, 0)
        self._agenda: list[tuple[int, int, Callable[[], Awaitable[None]]]] = []
        self._numbers = itertools.count()

    async def make(self) -> None:
        """Makes all of it, from an empty shop to `end_us`."""
        await self._add_users()
        await self._add_products()
        await self._equip_machine()
        for day in range(self.days + 1):
            self._plan(day)
        start_us = self.clock()
        while self._agenda:
            instant_us, _, act = heapq.heappop(self._agenda)
            if instant_us > self.end_us:
                break
            self.clock.reach(instant_us)
            await act()
            self.progress(0.15 + 0.85 * (instant_us - start_us) / max(self.end_us - start_us, 1))
        self.clock.reach(self.end_us)
        await self._finish()
        self.progress(1.0)

    async def _add_users(self) -> None:
        users = [
            # Orders and sells too: the document of `app-demo` has one user do everything.
            (SHOP.admin.username, [Role.ADMIN, Role.SELLER, Role.BUYER]),
            (SHOP.cashier, [Role.CASHIER]),
            *((name, [Role.SELLER]) for name in SHOP.sellers),
            *((name, [Role.BUYER]) for name in SHOP.buyers),
        ]
        for count, (name, held) in enumerate(users, 1):
            password = SHOP.admin.password if name == SHOP.admin.username else SHOP.password
            await registration.add(
                self.shop,
                username=name,
                email=f"{name}@example.org",
                password=password,
                roles=held,
                any_password=True,
            )
            logged_in = await sessions.log_in(self.shop, username=name, password=password, device="demo")
            self.callers[name] = self.shop.tokens.caller(logged_in.access)
            self.progress(0.1 * count / len(users))

    async def _add_products(self) -> None:
        for count, product in enumerate(PRODUCTS, 1):
            price_cents = product.former_price_cents or product.price_cents
            command = AddProduct(
                self.callers[product.seller or SHOP.admin.username],
                name=product.name,
                price_cents=price_cents,
                stock=SHOP.machine.shelf_capacity,
                image_id=await pictures.add(
                    self.shop, media_type=PICTURE_TYPE, content=product.picture_content()
                ),
                for_house=product.seller is None,
                **product.attributes(),
            )
            receipt = await self._do(command, ProductRecord)
            self.products[receipt.product_id] = product
            self.prices[receipt.product_id] = price_cents
            self.stock[receipt.product_id] = receipt.stock
            self.progress(0.1 + 0.05 * count / len(PRODUCTS))

    async def _equip_machine(self) -> None:
        machine = SHOP.machine
        labels = (
            f"{row}{place}" for row in machine.shelf_rows for place in range(1, machine.shelves_per_row + 1)
        )
        shelves = tuple(
            ShelfPlan(product_id, label, capacity=machine.shelf_capacity)
            for product_id, label in zip(self.products, labels, strict=True)
        )
        admin = self.callers[SHOP.admin.username]
        await self._do(SetShelves(admin, DEFAULT_MACHINE_ID, shelves), ShelvesSet)
        await self._do(FillCoins(admin, DEFAULT_MACHINE_ID, machine.coins, "float"), CoinsCarried)

    def _plan(self, day: int) -> None:
        """Puts what is known of the day on the agenda."""
        midnight_us = self.clock() // DAY_US * DAY_US + day * DAY_US
        is_weekend = (midnight_us // DAY_US + 3) % 7 >= 5  # 1970 began on a Thursday.
        if not is_weekend:
            for product_id in self.products:
                self._at(midnight_us + self._hour(7.2, 0.3), self._refilling(product_id))
                if self.products[product_id].seller == BAKERY:
                    self._at(midnight_us + self._hour(19.4, 0.1), self._clearing(product_id))
        for product_id, product in self.products.items():
            if product.price_change_day == day + 1:
                self._at(midnight_us + self._hour(6.5, 0.2), self._pricing(product_id))
        for name in SHOP.buyers:
            visits = VISITS * (WEEKEND if is_weekend else 1)
            for _ in range(int(visits + self.random.random() * 1.0)):
                hour, spread, _ = self.random.choices(HOURS, [weight for *_, weight in HOURS])[0]
                self._at(midnight_us + self._hour(hour, spread), self._visiting(name))

    def _at(self, instant_us: int, act: Callable[[], Awaitable[None]]) -> None:
        heapq.heappush(self._agenda, (instant_us, next(self._numbers), act))

    def _hour(self, hour: float, spread: float) -> int:
        return int(max(self.random.gauss(hour, spread), 0) * 3_600 * SECOND_US)

    def _refilling(self, product_id: int) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            capacity = SHOP.machine.shelf_capacity
            missing = capacity - self.stock[product_id]
            if missing > capacity - LOW_STOCK or (missing and self.products[product_id].seller == BAKERY):
                await self._change_product(Restock(self._seller(product_id), product_id, missing))

        return act

    def _clearing(self, product_id: int) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            left = self.stock[product_id]
            if left > LOW_STOCK:
                kept = left - self.random.randint(2, 6)
                command = ChangeProduct(
                    self._seller(product_id), product_id, stock=kept, reason="given away in the evening"
                )
                await self._change_product(command)

        return act

    def _pricing(self, product_id: int) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            price_cents = self.products[product_id].price_cents
            await self._change_product(
                ChangeProduct(self._seller(product_id), product_id, price_cents=price_cents)
            )
            self.prices[product_id] = price_cents

        return act

    def _visiting(self, name: str) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            basket = self._choose()
            if not basket:
                return
            cost_cents = sum(self.prices[product_id] * count for product_id, count in basket)
            if self.balances[name] < cost_cents:
                await self._deposit(name, cost_cents - self.balances[name])
                self.clock.reach(self.clock() + self.random.randint(4, 25) * SECOND_US)
            takes_change = self.random.random() < 0.18
            sold = await self._do(
                PlaceOrder(
                    self.callers[name],
                    self._wallet(name),
                    tuple(basket),
                    change=Change.RETURN if takes_change else Change.KEEP,
                ),
                OrderPlaced,
            )
            self.balances[name] = sold.balance_cents
            for product_id, count in basket:
                self.stock[product_id] -= count
            back = [product_id for product_id, _ in basket if self.products[product_id].refundable]
            if back and self.random.random() < 0.03:
                wait_us = self.random.randint(30, 200) * SECOND_US
                self._at(self.clock() + wait_us, self._refunding(name, sold.order_id, back[0]))
            elif self.balances[name] >= 300 and self.random.random() < 0.04:
                self._at(self.clock() + 60 * SECOND_US, self._leaving(name))

        return act

    def _refunding(self, name: str, order_id: int, product_id: int) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            command = Refund(self.callers[name], order_id, {product_id: 1}, "took the wrong one")
            back = await self._do(command, Refunded)
            self.balances[name] = back.balance_cents or 0
            self.stock[product_id] += 1

        return act

    def _leaving(self, name: str) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            if self.balances[name] >= 5:
                paid = await self._do(PayOut(self.callers[name], self._wallet(name)), PaidOut)
                self.balances[name] = paid.balance_cents

        return act

    def _choose(self) -> list[tuple[int, int]]:
        """What a visitor takes: products in stock and how many of each, seldom more than one or two."""
        is_morning = self.clock() % DAY_US < 10 * 3_600 * SECOND_US
        available = [product_id for product_id, count in self.stock.items() if count >= 2]
        weights = [
            self.products[product_id].popularity
            * (self.products[product_id].morning_factor if is_morning else 1)
            for product_id in available
        ]
        count = self.random.choices((1, 2, 3), (58, 32, 10))[0]
        chosen = dict.fromkeys(self.random.choices(available, weights, k=count)) if available else {}
        return [(product_id, 2 if self.random.random() < 0.06 else 1) for product_id in chosen]

    async def _deposit(self, name: str, missing_cents: int) -> None:
        """Some put in what is missing, most a round sum; at times the cashier does it for them."""
        if self.random.random() < 0.35:
            cents = -(-missing_cents // 50) * 50
        else:
            cents = -(-missing_cents // 100) * 100 + self.random.choice((200, 300, 500, 800))
        coins = fewest(cents, dict.fromkeys(self.shop.currency.accepted_cents))
        assert coins is not None
        coins = self._in_small(coins)
        attester = SHOP.cashier if self.random.random() < 0.08 else name
        command = Deposit(self.callers[attester], self._wallet(name), coins)
        deposited = await self._do(command, CoinsDeposited)
        self.balances[name] = deposited.balance_cents

    def _in_small(self, coins: dict[int, int]) -> dict[int, int]:
        """The same sum as people really have it in their pockets: some of the large coins in small ones."""
        small = dict(coins)
        for value, count in coins.items():
            for _ in range(count):
                if value in SMALL and self.random.random() < 0.2:
                    small[value] -= 1
                    for part, parts in SMALL[value].items():
                        small[part] = small.get(part, 0) + parts
        return {value: count for value, count in small.items() if count}

    async def _change_product(self, command: Restock | ChangeProduct) -> None:
        receipt = await self._do(command, ProductRecord)
        self.stock[receipt.product_id] = receipt.stock

    async def _finish(self) -> None:
        for name, caller in self.callers.items():
            await sessions.log_out(self.shop, caller=caller)
            if name == SHOP.disabled_buyer:
                await roles.change(self.shop, user_id=caller.user_id, state=UserState.DISABLED)
        async with writing(self.shop.engine) as connection:
            await admin_log.record(connection, action=MADE, subject="shop", now_us=self.clock())

    def _seller(self, product_id: int) -> SessionCaller:
        return self.callers[self.products[product_id].seller or SHOP.admin.username]

    def _wallet(self, name: str) -> AccountRef:
        user_id = self.callers[name].user_id
        assert user_id is not None
        return wallet_of(user_id)

    async def _do(self, command: Command, kind: type[R]) -> R:
        """The command's receipt; the history never asks for what is refused."""
        receipt = (await self.shop.till.execute(Envelope(command))).receipt()
        assert isinstance(receipt, kind)
        return receipt
