"""Four weeks in the demo shop, lived through the till: the same for the same seed and the same end."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, TypeVar

from tuckshop.cli.demo_goods import BUYERS, GOODS, SELLERS, Good
from tuckshop.cli.demo_pictures import draw
from tuckshop.domain.coins import fewest
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.machines import DEFAULT_MACHINE_ID, ShelfPlan
from tuckshop.domain.orders import Change
from tuckshop.domain.users import Role, UserState
from tuckshop.identity import registration, sessions
from tuckshop.identity import roles as standing
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

ADMIN, ADMIN_PASSWORD = "admin", "12345"  # As one of the served contracts has it.
CASHIER = "kim"
PASSWORD = "demo-demo"
LOCKED_OUT = "dora"
MADE = "demo.made"  # The admin log's line that says that the history is whole.

DAYS = 28
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
PAR = 24  # Pieces that a shelf is filled up to.
ROWS, ROW_LENGTH = "ABC", 8  # The first shelf of the machine is A1.
LOW = 9  # Fewer than this, and it is filled in the morning.
BAKED = "bakery"  # What is left of it in the evening is given away.
VISITS = 1.7  # A buyer's on a working day.
WEEKEND = 0.12  # Of a working day's.
HOURS = ((8.7, 0.5, 26), (12.4, 0.55, 46), (15.3, 0.7, 22), (18.4, 0.9, 6))  # When: hour, spread, weight.
SMALL = {100: {50: 1, 20: 2, 10: 1}, 50: {20: 1, 10: 2, 5: 2}}
FLOAT = {50: 40, 20: 100, 10: 100, 5: 200}  # To give change with.
MORNING_GOODS = {"Coffee": 3, "Croissant": 3, "Pretzel": 2}
FORMER_CENTS = {"Coffee": (110, 9), "Chocolate bar": (120, 14), "Cola": (160, 18), "Banana": (50, 22)}
"""The price that each of these began with, and the day on which it changed."""

Tell = Callable[[float], None]
R = TypeVar("R")


@dataclass
class Clock:
    """An instant that the history moves; never back."""

    now_us: int

    def __call__(self) -> int:
        return self.now_us

    def reach(self, instant_us: int) -> None:
        """Lets time pass until then."""
        self.now_us = max(self.now_us, instant_us)


@dataclass
class History:
    """What has happened so far, and what will. `tell` hears how much of it is done, from 0 to 1."""

    shop: Shop
    clock: Clock
    end_us: int
    days: int = DAYS
    buyers: tuple[str, ...] = BUYERS
    chance: Random = field(default_factory=lambda: Random(1984))  # noqa: S311  # The same every time.
    tell: Tell = lambda _: None

    def __post_init__(self) -> None:
        self.people: dict[str, SessionCaller] = {}
        self.on_shelf: dict[int, int] = {}
        self.goods: dict[int, Good] = {}
        self.prices: dict[int, int] = {}
        self.balances: dict[str, int] = dict.fromkeys(self.buyers, 0)
        self._agenda: list[tuple[int, int, Callable[[], Awaitable[None]]]] = []
        self._numbers = itertools.count()

    async def live(self) -> None:
        """All of it, from an empty shop to `end_us`."""
        await self._people_come()
        await self._goods_come()
        for day in range(self.days + 1):
            self._plan(day)
        start_us = self.clock()
        while self._agenda:
            instant_us, _, act = heapq.heappop(self._agenda)
            if instant_us > self.end_us:
                break
            self.clock.reach(instant_us)
            await act()
            self.tell(0.15 + 0.85 * (instant_us - start_us) / max(self.end_us - start_us, 1))
        self.clock.reach(self.end_us)
        await self._everybody_leaves()
        self.tell(1.0)

    async def _people_come(self) -> None:
        everybody = [
            (ADMIN, [Role.ADMIN, Role.SELLER, Role.BUYER]),  # In that contract everybody sells and orders.
            (CASHIER, [Role.CASHIER]),
            *((name, [Role.SELLER]) for name in SELLERS),
            *((name, [Role.BUYER]) for name in self.buyers),
        ]
        for count, (name, roles) in enumerate(everybody, 1):
            password = ADMIN_PASSWORD if name == ADMIN else PASSWORD
            await registration.add(
                self.shop,
                username=name,
                email=f"{name}@example.org",
                password=password,
                roles=roles,
                any_password=True,
            )
            logged_in = await sessions.log_in(self.shop, username=name, password=password, device="demo")
            self.people[name] = self.shop.tokens.caller(logged_in.access)
            self.tell(0.1 * count / len(everybody))

    async def _goods_come(self) -> None:
        for count, good in enumerate(GOODS, 1):
            picture = draw(good.picture)
            price_cents, _ = FORMER_CENTS.get(good.name, (good.price_cents, 0))
            command = AddProduct(
                self.people[good.seller or ADMIN],
                name=good.name,
                price_cents=price_cents,
                stock=PAR,
                refundable=good.refundable,
                tax_basis_points=good.tax_basis_points,
                cost_cents=good.cost_cents,
                image_id=await pictures.add(
                    self.shop, media_type=picture.media_type, content=picture.content
                ),
                for_house=good.seller is None,
            )
            stands = await self._do(command, ProductRecord)
            self.goods[stands.product_id] = good
            self.prices[stands.product_id] = price_cents
            self.on_shelf[stands.product_id] = PAR
            self.tell(0.1 + 0.05 * count / len(GOODS))
        plans = tuple(
            ShelfPlan(product_id, f"{ROWS[place // ROW_LENGTH]}{place % ROW_LENGTH + 1}", capacity=PAR)
            for place, product_id in enumerate(self.goods)
        )
        await self._do(SetShelves(self.people[ADMIN], DEFAULT_MACHINE_ID, plans), ShelvesSet)
        await self._do(FillCoins(self.people[ADMIN], DEFAULT_MACHINE_ID, FLOAT, "float"), CoinsCarried)

    def _plan(self, day: int) -> None:
        """Puts the day's known acts on the agenda."""
        midnight_us = self.clock() // DAY_US * DAY_US + day * DAY_US
        is_weekend = (midnight_us // DAY_US + 3) % 7 >= 5  # 1970 began on a Thursday.
        if not is_weekend:
            for product_id in self.goods:
                self._at(midnight_us + self._hour(7.2, 0.3), self._restocking(product_id))
                if self.goods[product_id].seller == BAKED:
                    self._at(midnight_us + self._hour(19.4, 0.1), self._clearing(product_id))
        for product_id, good in self.goods.items():
            if FORMER_CENTS.get(good.name, (0, 0))[1] == day + 1:
                self._at(midnight_us + self._hour(6.5, 0.2), self._pricing(product_id))
        for name in self.buyers:
            visits = VISITS * (WEEKEND if is_weekend else 1)
            for _ in range(int(visits + self.chance.random() * 1.0)):
                hour, spread, _ = self.chance.choices(HOURS, [weight for *_, weight in HOURS])[0]
                self._at(midnight_us + self._hour(hour, spread), self._visiting(name))

    def _at(self, instant_us: int, act: Callable[[], Awaitable[None]]) -> None:
        heapq.heappush(self._agenda, (instant_us, next(self._numbers), act))

    def _hour(self, hour: float, spread: float) -> int:
        return int(max(self.chance.gauss(hour, spread), 0) * 3_600 * SECOND_US)

    def _restocking(self, product_id: int) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            missing = PAR - self.on_shelf[product_id]
            if missing > PAR - LOW or (missing and self.goods[product_id].seller == BAKED):
                await self._goods_move(Restock(self._owner(product_id), product_id, missing))

        return act

    def _clearing(self, product_id: int) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            left = self.on_shelf[product_id]
            if left > LOW:
                kept = left - self.chance.randint(2, 6)
                command = ChangeProduct(
                    self._owner(product_id), product_id, stock=kept, reason="given away in the evening"
                )
                await self._goods_move(command)

        return act

    def _pricing(self, product_id: int) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            price_cents = self.goods[product_id].price_cents
            await self._goods_move(
                ChangeProduct(self._owner(product_id), product_id, price_cents=price_cents)
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
                self.clock.reach(self.clock() + self.chance.randint(4, 25) * SECOND_US)
            takes_change = self.chance.random() < 0.18
            sold = await self._do(
                PlaceOrder(
                    self.people[name],
                    self._wallet(name),
                    tuple(basket),
                    change=Change.RETURN if takes_change else Change.KEEP,
                ),
                OrderPlaced,
            )
            self.balances[name] = sold.balance_cents
            for product_id, count in basket:
                self.on_shelf[product_id] -= count
            back = [product_id for product_id, _ in basket if self.goods[product_id].refundable]
            if back and self.chance.random() < 0.03:
                wait_us = self.chance.randint(30, 200) * SECOND_US
                self._at(self.clock() + wait_us, self._refunding(name, sold.order_id, back[0]))
            elif self.balances[name] >= 300 and self.chance.random() < 0.04:
                self._at(self.clock() + 60 * SECOND_US, self._leaving(name))

        return act

    def _refunding(self, name: str, order_id: int, product_id: int) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            command = Refund(self.people[name], order_id, {product_id: 1}, "took the wrong one")
            back = await self._do(command, Refunded)
            self.balances[name] = back.balance_cents or 0
            self.on_shelf[product_id] += 1

        return act

    def _leaving(self, name: str) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            if self.balances[name] >= 5:
                paid = await self._do(PayOut(self.people[name], self._wallet(name)), PaidOut)
                self.balances[name] = paid.balance_cents

        return act

    def _choose(self) -> list[tuple[int, int]]:
        """What a visitor takes: products that are there, seldom more than one or two."""
        is_morning = self.clock() % DAY_US < 10 * 3_600 * SECOND_US
        there = [product_id for product_id, count in self.on_shelf.items() if count >= 2]
        weights = [
            self.goods[product_id].popularity
            * (MORNING_GOODS.get(self.goods[product_id].name, 1) if is_morning else 1)
            for product_id in there
        ]
        wanted = self.chance.choices((1, 2, 3), (58, 32, 10))[0]
        chosen = dict.fromkeys(self.chance.choices(there, weights, k=wanted)) if there else {}
        return [(product_id, 2 if self.chance.random() < 0.06 else 1) for product_id in chosen]

    async def _deposit(self, name: str, missing_cents: int) -> None:
        """Some put in what is missing, most a round sum; at times the cashier does it for them."""
        if self.chance.random() < 0.35:
            cents = -(-missing_cents // 50) * 50
        else:
            cents = -(-missing_cents // 100) * 100 + self.chance.choice((200, 300, 500, 800))
        coins = fewest(cents, dict.fromkeys(self.shop.currency.accepted_cents))
        assert coins is not None
        coins = self._in_small(coins)
        witness = CASHIER if self.chance.random() < 0.08 else name
        command = Deposit(self.people[witness], self._wallet(name), coins)
        deposited = await self._do(command, CoinsDeposited)
        self.balances[name] = deposited.balance_cents

    def _in_small(self, coins: dict[int, int]) -> dict[int, int]:
        """The same sum as people really have it in their pockets: some of the large coins in small ones."""
        small = dict(coins)
        for value, count in coins.items():
            for _ in range(count):
                if value in SMALL and self.chance.random() < 0.2:
                    small[value] -= 1
                    for part, parts in SMALL[value].items():
                        small[part] = small.get(part, 0) + parts
        return {value: count for value, count in small.items() if count}

    async def _goods_move(self, command: Restock | ChangeProduct) -> None:
        stands = await self._do(command, ProductRecord)
        self.on_shelf[stands.product_id] = stands.stock

    async def _everybody_leaves(self) -> None:
        for name, caller in self.people.items():
            await sessions.log_out(self.shop, caller=caller)
            if name == LOCKED_OUT:
                await standing.change(self.shop, user_id=caller.user_id, state=UserState.DISABLED)
        async with writing(self.shop.engine) as connection:
            await admin_log.record(connection, action=MADE, subject="shop", now_us=self.clock())

    def _owner(self, product_id: int) -> SessionCaller:
        return self.people[self.goods[product_id].seller or ADMIN]

    def _wallet(self, name: str) -> AccountRef:
        user_id = self.people[name].user_id
        assert user_id is not None
        return wallet_of(user_id)

    async def _do(self, command: Command, kind: type[R]) -> R:
        """The command's receipt; the history never asks for what is refused."""
        receipt = (await self.shop.till.execute(Envelope(command))).receipt()
        assert isinstance(receipt, kind)
        return receipt
