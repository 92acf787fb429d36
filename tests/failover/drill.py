"""A drill: clients buy with keys at two app nodes while one database machine after the other is lost."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

from tests.concurrency.scenes import Stage
from tests.crash.kills import Client, seeded
from tests.failover.machines import Machine, Site
from tests.limits import HANG_SECONDS
from tests.wire import Answer, Line, Lost

PAUSE_SECONDS = 0.05  # Between a client's purchases: what is shown is not speed.
AGAIN_SECONDS = 0.2
UNDER_WAY_SECONDS = 1.0
BESIDE_SECONDS = 2.0  # Of purchases before each event, and of those that the control loses.

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loss:
    """One event, and what the clients saw of it."""

    what: str
    without_sale_seconds: float
    acknowledged: int
    lost: int


@dataclass
class Drill:
    """What has come about. `answers`: kinds of answers other than a sale."""

    site: Site
    stage: Stage
    clients: list[Client] = field(default_factory=list)
    sold_at: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    kept: int = 0
    longest_answer_seconds: float = 0.0
    losses: list[Loss] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    is_over: bool = False

    async def lose(self, what: str, event: Callable[[Site, Machine], Callable[[], None]]) -> None:
        """Has an event come about, waits for sales after it, undoes it, and counts what was lost."""
        leader = await asyncio.to_thread(self.site.settle)
        await asyncio.sleep(BESIDE_SECONDS)
        begun = time.monotonic()
        undo = await asyncio.to_thread(event, self.site, leader)
        await self.sale_after(time.monotonic())  # On a busy computer an event takes its time.
        await asyncio.to_thread(undo)
        await asyncio.to_thread(self.site.settle)
        await self.sale_after(time.monotonic())
        before = [set(client.acknowledged.values()) for client in self.clients]
        lost = await self.lost(before)
        seconds = self._gap(begun)
        self.losses.append(Loss(what, seconds, sum(map(len, before)), lost))
        count = sum(map(len, before))
        log.info("%s: %.1f s without a sale, %d acknowledged, %d lost", what, seconds, count, lost)

    async def sale_after(self, begun: float) -> None:
        """A sale that was asked for after the event is over."""
        async with asyncio.timeout(HANG_SECONDS):
            # Sales that were under way when the event came may be acknowledged just after it.
            while not self.faults and self.sold_at[-1] < begun + UNDER_WAY_SECONDS:  # noqa: ASYNC110
                await asyncio.sleep(PAUSE_SECONDS)

    def _gap(self, begun: float) -> float:
        """The longest time without a sale since the event."""
        times = [at for at in self.sold_at if at >= begun - UNDER_WAY_SECONDS]
        return max(after - before for before, after in pairwise(times))

    async def lost(self, before: list[set[int]]) -> int:
        rows = await self.stage.query("SELECT buyer_id, id FROM orders")
        lost = 0
        for client, told in zip(self.clients, before, strict=True):
            lost += len(told - {order for buyer, order in rows if buyer == client.buyer.user_id})
        return lost


async def begin(site: Site, stage: Stage) -> tuple[Drill, list[asyncio.Task[None]]]:
    """A drill whose clients buy from now on."""
    drill = Drill(site, stage, await seeded(stage))
    tasks = [asyncio.create_task(_buy(drill, client, place)) for place, client in enumerate(drill.clients)]
    return drill, tasks


async def _buy(drill: Drill, client: Client, place: int) -> None:
    rng = random.Random(place)
    ports = drill.stage.servers.ports
    tries = place
    while not drill.is_over and not drill.faults:
        client.unknown = tuple(rng.sample(client.products, k=rng.randint(1, 2)))
        is_unknown = False
        while client.unknown and not drill.faults:
            answer = await _ask(drill, client, ports[tries % len(ports)])
            if answer is None or answer.status == 503:
                told = "lost" if answer is None else answer.problem
                drill.answers[told] += 1
                is_unknown = is_unknown or told != "unavailable"
                tries += 1
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            drill.faults += client.heard(answer)
            drill.sold_at.append(time.monotonic())
            if is_unknown:
                drill.unknown += 1
                drill.kept += answer.replayed
        await asyncio.sleep(PAUSE_SECONDS)


async def _ask(drill: Drill, client: Client, port: int) -> Answer | None:
    begun = time.monotonic()
    line = None
    try:
        line = await Line.open(port)
        return await line.ask(drill.stage.ask_order(client.buyer, *client.unknown, key=client.key))
    except Lost:
        return None
    finally:
        drill.longest_answer_seconds = max(drill.longest_answer_seconds, time.monotonic() - begun)
        if line is not None:
            await line.close()


# --- Events: each returns what undoes it


def kill_machine(site: Site, leader: Machine) -> Callable[[], None]:
    """kill -9 to everything on the leader's machine."""
    leader.kill()
    return leader.start


def cut_cable(site: Site, leader: Machine) -> Callable[[], None]:
    """The leader's machine goes on, and nobody reaches it."""
    leader.plug(is_in=False)
    return lambda: leader.plug(is_in=True)


def kill_postgres(site: Site, leader: Machine) -> Callable[[], None]:
    """kill -9 to PostgreSQL alone: Patroni starts it again, or gives the lead away."""
    leader.kill(only="postgres")
    return lambda: None


def switch_over(site: Site, leader: Machine) -> Callable[[], None]:
    """Another machine leads, in good order."""
    site.switch_over()
    return lambda: None


async def lose_without_waiting(drill: Drill) -> int:
    """The control: nobody waits for a second machine, which hears nothing for 2 s. How many are lost."""
    site = drill.site
    loose = {"synchronous_mode": False, "maximum_lag_on_failover": 1 << 30}
    await asyncio.to_thread(site.settle)
    await asyncio.to_thread(site.change, "/config", loose)
    leader = await asyncio.to_thread(lambda: site.settle(is_synchronous=False))
    others = [one for one in site.machines if one is not leader]
    stopped = [pid for one in others for pid in one.receivers()]
    for one in others:
        one.stop_receiving()
    await asyncio.sleep(BESIDE_SECONDS)
    await asyncio.to_thread(leader.kill)
    for pid in stopped:  # What lies in its socket must not be written after all.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await drill.sale_after(time.monotonic())
    return await drill.lost([set(client.acknowledged.values()) for client in drill.clients])
