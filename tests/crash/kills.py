"""kill -9 under load: clients keep book of what they sent and were told; then the shop's books are asked."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from tests.concurrency.scenes import Stage
from tests.limits import HANG_SECONDS
from tests.wire import Answer, Ask, Line, Lost
from tuckshop.till.callers import SessionCaller

CLIENTS = 8
PURCHASES_PER_LIFE_MIN = 100  # On the longest life; the shortest ends at the first.
LAST_MOMENT_SECONDS = 0.01  # Some batches: a server dies anywhere in them.
PRICE_CENTS = 5
PURSE_CENTS = 1_000_000
STOCK = 1_000_000


@dataclass
class Client:
    """A buyer who buys one thing after the other, and keeps book of it."""

    buyer: SessionCaller
    products: tuple[int, ...]
    number: int = 0
    acknowledged: dict[str, int] = field(default_factory=dict)  # order by key
    unknown: tuple[int, ...] = ()  # the products of the one purchase that was sent and not answered

    @property
    def key(self) -> str:
        """Of the purchase that is next to be acknowledged."""
        return f"purchase-{self.number}"

    def heard(self, answer: Answer) -> list[str]:
        """Takes an answer down; what is wrong with it."""
        if answer.status != 201:
            return [f"{self.key} of user {self.buyer.user_id} was answered with {answer}"]
        self.acknowledged[self.key] = answer.read()["id"]
        self.unknown = ()
        self.number += 1
        return []


@dataclass
class Life:
    """How long the servers live: until so many purchases more are acknowledged."""

    left: int
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def acknowledge(self) -> None:
        """One purchase more."""
        self.left -= 1
        if self.left <= 0:
            self.over.set()


@dataclass
class Kills:
    """What became of it. `unknown`: sent and not answered; `kept`: those of them that the books held."""

    kills: int = 0
    purchases: int = 0
    unknown: int = 0
    kept: int = 0
    faults: list[str] = field(default_factory=list)


async def kill_under_load(stage: Stage, *, kills: int, purchases: int, seed: int) -> Kills:
    """Kills all servers again and again while 8 clients buy, until both counts are reached or a fault shows.

    Every second time the reader is killed too: then nobody is left who has the database open.
    """
    rng = random.Random(seed)
    so_far = Kills()
    clients = await seeded(stage)
    while not so_far.faults and (so_far.kills < kills or so_far.purchases < purchases):
        if so_far.kills >= 2 * kills:
            so_far.faults.append(f"only {so_far.purchases} purchases in {so_far.kills} lives")
            break
        acknowledged = rng.randint(1, max(PURCHASES_PER_LIFE_MIN, 2 * purchases // kills))
        await _live_and_die(stage, clients, so_far, acknowledged=acknowledged, rng=rng)
        await asyncio.to_thread(stage.servers.start)
        if so_far.kills % 2:
            await asyncio.to_thread(stage.reader.start)
        for number, client in enumerate(clients):
            if client.unknown:
                await _resend(stage, client, stage.servers.ports[number % len(stage.servers.ports)], so_far)
        so_far.purchases = sum(len(client.acknowledged) for client in clients)
        so_far.faults += await books_faults(stage, clients)
        so_far.faults += await stage.audited()
    return so_far


async def seeded(stage: Stage) -> list[Client]:
    """8 buyers with more money than they can spend, and five products that never run out."""
    async with stage.seeding() as shop:
        cans = [
            await shop.product(f"can {number}", price_cents=PRICE_CENTS, stock=STOCK) for number in range(5)
        ]
        ids = tuple(can.product_id for can in cans)
        return [
            Client(await shop.buyer(f"buyer {number}", cents=PURSE_CENTS), ids) for number in range(CLIENTS)
        ]


async def _live_and_die(
    stage: Stage, clients: list[Client], so_far: Kills, *, acknowledged: int, rng: random.Random
) -> None:
    """Lets the servers live for so many purchases and a random moment more."""
    life = Life(acknowledged)
    seeds = [rng.random() for _ in clients]
    ports = stage.servers.ports
    buying = [
        asyncio.create_task(
            _buy(stage, client, ports[number % len(ports)], life, random.Random(seeds[number]))
        )
        for number, client in enumerate(clients)
    ]
    with suppress(TimeoutError):  # Then the rest tells what is wrong with servers that do not answer.
        async with asyncio.timeout(HANG_SECONDS):
            await life.over.wait()
    await asyncio.sleep(rng.uniform(0, LAST_MOMENT_SECONDS))
    stage.servers.kill()
    so_far.kills += 1
    if so_far.kills % 2:
        stage.reader.kill()
    for faults in await asyncio.gather(*buying):
        so_far.faults += faults
    await asyncio.to_thread(stage.servers.wait)


async def _buy(stage: Stage, client: Client, port: int, life: Life, rng: random.Random) -> list[str]:
    line = await Line.open(port)
    try:
        while True:
            client.unknown = tuple(rng.sample(client.products, k=rng.randint(1, 2)))
            faults = client.heard(await line.ask(_ask(stage, client)))
            if faults:
                return faults
            life.acknowledge()
    except Lost:
        return []
    finally:
        await line.close()


async def _resend(stage: Stage, client: Client, port: int, so_far: Kills) -> None:
    line = await Line.open(port)
    answer = await line.ask(_ask(stage, client))
    await line.close()
    so_far.unknown += 1
    so_far.kept += answer.replayed
    so_far.faults += client.heard(answer)


def _ask(stage: Stage, client: Client) -> Ask:
    return stage.ask_order(client.buyer, *client.unknown, key=client.key)


async def books_faults(stage: Stage, clients: list[Client]) -> list[str]:
    """Every acknowledged purchase is in the books exactly once, and nothing else is."""
    rows = await stage.query("SELECT buyer_id, id FROM orders")
    faults = []
    for client in clients:
        held = {order for buyer, order in rows if buyer == client.buyer.user_id}
        told = Counter(client.acknowledged.values())
        if lost := told.keys() - held:
            faults.append(
                f"user {client.buyer.user_id}: {len(lost)} acknowledged purchases are not in the books"
            )
        if extra := held - told.keys():
            faults.append(
                f"user {client.buyer.user_id}: {len(extra)} purchases were made that nobody asked for"
            )
        if twice := [order for order, count in told.items() if count > 1]:
            faults.append(f"user {client.buyer.user_id}: orders {twice} answered two keys each")
    return faults
