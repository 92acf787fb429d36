"""PostgreSQL stopped at once under purchases, and started again: nobody has to start the shop again.

One crash; TUCKSHOP_PROOF=1 makes it twenty.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.concurrency.scenes import Stage
from tests.conftest import own_cluster, set_up
from tests.crash.kills import Client, books_faults, seeded
from tests.limits import HOW, until
from tests.reader import Reader
from tests.server import serving
from tests.wire import Ask, Line, Lost
from tools.postgres import Cluster

CRASHES = 20 if os.environ.get("TUCKSHOP_PROOF") == "1" else 1
SEED = 20_261_130
AWAY = {"unavailable", "outcome-unknown"}


@dataclass
class Crash:
    """What has come about. `told`: who has been told that the database is away, since it is."""

    wanted: int
    sold: int = 0
    is_away: bool = False
    told: set[int] = field(default_factory=set)
    is_back: bool = False
    sold_since: set[int] = field(default_factory=set)


@pytest.mark.more
@pytest.mark.proof
@pytest.mark.postgres
def test_the_shop_outlives_its_database(tmp_path: Path) -> None:
    with own_cluster() as cluster:
        url = cluster.create_database("shop")
        asyncio.run(set_up(url))
        with serving(url, tmp_path, count=2, settings={HOW: "tired"}) as servers:
            stage = Stage(url, servers, Reader(url, tmp_path))
            assert asyncio.run(_crashes(stage, cluster)) == []
            assert servers.starts == 1
            assert "api.defect" not in servers.said()


async def _crashes(stage: Stage, cluster: Cluster) -> list[str]:
    clients = await seeded(stage)
    rng = random.Random(SEED)
    faults: list[str] = []
    for _ in range(CRASHES):
        faults += await _crash(stage, cluster, clients, rng)
        faults += await books_faults(stage, clients)
        faults += await stage.audited()
        if faults:
            break
    return faults


async def _crash(stage: Stage, cluster: Cluster, clients: list[Client], rng: random.Random) -> list[str]:
    """The database goes after some sales, and comes again when everybody was told that it is away."""
    crash, ports = Crash(wanted=rng.randint(1, 100)), stage.servers.ports
    buying = [
        asyncio.create_task(_buy(stage, client, place, ports[place % len(ports)], crash, rng))
        for place, client in enumerate(clients)
    ]
    await until(lambda: crash.sold >= crash.wanted or any(one.done() for one in buying))
    await asyncio.to_thread(cluster.stop, "immediate")
    crash.is_away = True
    await until(lambda: len(crash.told) == len(clients) or any(one.done() for one in buying))
    await asyncio.to_thread(cluster.start)
    crash.is_back = True
    return [fault for faults in await asyncio.gather(*buying) for fault in faults]


async def _buy(
    stage: Stage, client: Client, place: int, port: int, crash: Crash, rng: random.Random
) -> list[str]:
    """Buys until there was a sale after the crash; what was not answered with a sale is asked for again."""
    line = await Line.open(port)
    try:
        while place not in crash.sold_since:
            client.unknown = client.unknown or tuple(rng.sample(client.products, k=rng.randint(1, 2)))
            was_back = crash.is_back
            answer = await line.ask(_ask(stage, client))
            if answer.status == 503 and answer.problem in AWAY:
                crash.told |= {place} if crash.is_away else set()
                continue
            if faults := client.heard(answer):
                return faults
            crash.sold += 1
            if was_back:
                crash.sold_since.add(place)
    except Lost:
        return [f"a server broke the line of user {client.buyer.user_id}"]
    finally:
        await line.close()
    return []


def _ask(stage: Stage, client: Client) -> Ask:
    return stage.ask_order(client.buyer, *client.unknown, key=client.key)
