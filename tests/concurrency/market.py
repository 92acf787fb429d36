"""A market day: all that moves money, coins or stock, in crowds, until the books were read often enough."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import dataclass, field

from tests.concurrency.scenes import Stage
from tests.limits import until
from tests.wire import Ask, lines, volley
from tuckshop.domain.users import Role
from tuckshop.till.callers import SessionCaller

CROWD = 16
CROWDS_PER_READING_MAX = 20  # Readings take longer as the books grow: in a rush, the last would take forever.
ORDERS_KNOWN_MAX = 200
DONE = {"200", "201"}
REFUSED = {
    "409 insufficient-funds",
    "409 out-of-stock",
    "409 nothing-to-pay-out",
    "409 refund-exceeds-sale",
}


@dataclass
class _Market:
    stage: Stage
    buyers: list[SessionCaller]
    cashier: SessionCaller
    seller: SessionCaller
    products: list[int]
    orders: list[int] = field(default_factory=list)

    def something(self, rng: random.Random) -> Ask:
        """What one of the crowd wants."""
        buyer, product = rng.choice(self.buyers), rng.choice(self.products)
        cashier = self.stage.servers.token(self.cashier)
        seller = self.stage.servers.token(self.seller)
        match rng.randrange(10):
            case 0:
                coins = {str(value): rng.randint(1, 4) for value in (10, 20, 50)}
                return Ask("/v1/wallet/deposits", cashier, {"coins": coins, "user": buyer.user_id})
            case 1:
                return Ask("/v1/wallet/payout", cashier, {"user": buyer.user_id})
            case 2:
                return Ask(f"/v1/products/{product}/stock", seller, {"restock": rng.randint(1, 9)})
            case 3:
                correct = {"correct": rng.randint(0, 9), "reason": "counted"}
                return Ask(f"/v1/products/{product}/stock", seller, correct)
            case 4 | 5 if self.orders:
                return Ask(f"/v1/orders/{rng.choice(self.orders)}/refunds", cashier)
            case _:
                return self.stage.ask_order(buyer, *rng.sample(self.products, k=rng.randint(1, 2)))


async def market_day(stage: Stage, *, readings: int, seed: int) -> list[str]:
    """Crowds of 16 sell, refund, pay in and out, restock and count, until there are so many readings."""
    rng = random.Random(seed)
    market = await _open(stage)
    told: Counter[str] = Counter()
    async with lines(stage.servers.ports, CROWD) as crowd:
        for number in itertools.count(1):
            await until(lambda: stage.reader.readings >= number // CROWDS_PER_READING_MAX)  # noqa: B023
            if stage.reader.readings >= readings:
                break
            asks = [market.something(rng) for _ in crowd]
            for ask, answer in zip(asks, await volley(crowd, asks), strict=True):
                told[str(answer)] += 1
                if ask.path == "/v1/orders" and answer.status == 201:
                    market.orders.append(answer.read()["id"])
            del market.orders[:-ORDERS_KNOWN_MAX]
    faults = [
        f"{count} answers were {answer}" for answer, count in told.items() if answer not in DONE | REFUSED
    ]
    return faults + await stage.audited()


async def _open(stage: Stage) -> _Market:
    async with stage.seeding() as shop:
        seller = await shop.person("sam", Role.SELLER)
        cans = [
            await shop.product(f"can {number}", price_cents=35 + 20 * number, stock=20, seller=seller)
            for number in range(4)
        ]
        return _Market(
            stage,
            [await shop.buyer(f"buyer {number}", cents=500) for number in range(8)],
            await shop.person("kim", Role.CASHIER),
            seller,
            [can.product_id for can in cans],
        )
