"""Half an hour at half of what a server can do: it takes no more memory, and no more connections.

With TUCKSHOP_PROOF=1 alone: nothing of less than half an hour says anything.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import pytest

from tests.concurrency.scenes import Stage
from tests.crash.kills import Client, books_faults, seeded
from tests.reader import Reader
from tests.server import Servers, serving
from tests.wire import Line
from tuckshop.domain.ledger import wallet_of
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.wallet import Deposit

log = logging.getLogger(__name__)  # Figures: --log-cli-level=INFO

IS_PROOF = os.environ.get("TUCKSHOP_PROOF") == "1"
WARM_SECONDS, SOAK_SECONDS = 180, 1_800
GROWTH_MAX = 1.1
PURSES = 10


def memory_and_connections(servers: Servers) -> tuple[int, int]:
    """KiB that all processes of the servers hold, and how many sockets."""
    held = sockets = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            group = int((folder / "stat").read_text().rpartition(")")[2].split()[2])
            if group in servers.groups:
                status = (folder / "status").read_text()
                held += int(status.partition("VmRSS:")[2].split()[0])
                sockets += sum(str(one.readlink()).startswith("socket:") for one in (folder / "fd").iterdir())
        except OSError:  # It has ended meanwhile, or is another user's.
            continue
    return held, sockets


async def _soak(stage: Stage, clients: list[Client], *, seconds: float) -> list[str]:
    """Everybody buys, and rests after each purchase for as long as it took: half of what they could."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds

    async def buy(client: Client) -> list[str]:
        line = await Line.open(stage.servers.ports[0])
        try:
            while (begun := loop.time()) < ends:
                client.unknown = (client.products[client.number % len(client.products)],)
                ask = stage.ask_order(client.buyer, *client.unknown, key=client.key)
                if faults := client.heard(await line.ask(ask)):
                    return faults
                await asyncio.sleep(loop.time() - begun)
        finally:
            await line.close()
        return []

    return [fault for faults in await asyncio.gather(*map(buy, clients)) for fault in faults]


@pytest.mark.more
def test_counts_what_a_server_holds(sqlite_url: str, tmp_path: Path) -> None:
    with serving(sqlite_url, tmp_path) as servers:
        memory, sockets = memory_and_connections(servers)
    assert memory > 10_000
    assert sockets > 0


if IS_PROOF:

    @pytest.mark.proof
    def test_half_of_the_peak_leaves_no_trace(database_url: str, tmp_path: Path) -> None:
        with serving(database_url, tmp_path) as servers:
            stage = Stage(database_url, servers, Reader(database_url, tmp_path))

            async def soak() -> list[str]:
                clients = await seeded(stage)
                async with stage.seeding() as shop:  # Nobody runs out of money, however fast the computer.
                    for client in clients:
                        for _ in range(PURSES - 1):
                            await shop.do(Deposit(OPERATOR, wallet_of(client.buyer.user_id), {100: 10_000}))
                faults = await _soak(stage, clients, seconds=WARM_SECONDS)
                before = memory_and_connections(servers)
                faults += await _soak(stage, clients, seconds=SOAK_SECONDS)
                after = memory_and_connections(servers)
                log.info("%s purchases, %s, %s", sum(one.number for one in clients), before, after)
                if after[0] > GROWTH_MAX * before[0]:
                    faults.append(f"memory grew from {before[0]} to {after[0]} KiB")
                if after[1] != before[1]:
                    faults.append(f"there were {before[1]} sockets, and then {after[1]}")
                return faults + await books_faults(stage, clients) + await stage.audited()

            assert asyncio.run(soak()) == []
