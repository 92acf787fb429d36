"""R39: the release before sells on, and starts again, while nodes are upgraded one after the other."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from tests.concurrency.scenes import PRICE_CENTS, STOCK, Stage
from tests.conftest import PostgresServer, set_up
from tests.crash.kills import Client, books_faults
from tests.limits import RELEASE, until
from tests.reader import CLEAN, faults_of
from tests.server import ServerFailed, Servers, serving
from tests.upgrade.releases import NEXT, being, opened, run_apart
from tests.wire import Answer, Line, Lost
from tuckshop.operations.audit import audit
from tuckshop.store.engine import DatabaseUnusable, check, read_state
from tuckshop.store.migrate import upgrade

IS_PROOF = os.environ.get("TUCKSHOP_PROOF") == "1"
CLIENTS = 8
SALES = 200 if IS_PROOF else 5  # At each node, between two steps.
AGAIN_SECONDS = 0.02


@dataclass
class Rolling:
    """Clients that buy at all nodes as long as it is not over, and go to another one where nobody answers."""

    stage: Stage
    nodes: list[Servers]
    clients: list[Client] = field(default_factory=list)
    sold: Counter[int] = field(default_factory=Counter)  # by the node's place
    faults: list[str] = field(default_factory=list)
    is_over: bool = False

    async def sell(self, *places: int) -> None:
        """Returns when each of these nodes has sold some more."""
        wanted = {place: self.sold[place] + SALES for place in places}
        await until(lambda: bool(self.faults) or all(self.sold[at] >= count for at, count in wanted.items()))
        assert not self.faults

    async def restart(self, place: int, **settings: str) -> None:
        """Stops one node as an operator would, and starts it again."""
        node = self.nodes[place]
        await asyncio.to_thread(node.stop)
        node.settings = settings
        await asyncio.to_thread(node.start)


async def _buy(rolling: Rolling, client: Client, place: int) -> None:
    rng = random.Random(place)
    while not rolling.is_over and not rolling.faults:
        client.unknown = tuple(rng.sample(client.products, k=1))
        while client.unknown and not rolling.faults:
            place = (place + 1) % len(rolling.nodes)
            answer = await _ask(rolling, client, rolling.nodes[place].ports[0])
            if answer is None or answer.status == 503:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            rolling.faults += client.heard(answer)
            rolling.sold[place] += 1


async def _ask(rolling: Rolling, client: Client, port: int) -> Answer | None:
    line = None
    try:
        line = await Line.open(port)
        return await line.ask(rolling.stage.ask_order(client.buyer, *client.unknown, key=client.key))
    except Lost:
        return None
    finally:
        if line is not None:
            await line.close()


@pytest.mark.postgres
@pytest.mark.proof
async def test_nodes_are_upgraded_one_after_the_other(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(postgres_server.new_database)
    await set_up(url)
    with ExitStack() as stack:
        nodes = []
        for _ in range(2):
            starting = asyncio.to_thread(stack.enter_context, serving(url, tmp_path))
            nodes.append(await starting)
        stage = Stage(url, nodes[0], cast("Any", None))
        rolling = Rolling(stage, nodes)
        async with stage.seeding() as shop:
            can = await shop.product(price_cents=PRICE_CENTS, stock=STOCK)
            for number in range(CLIENTS):
                buyer = await shop.buyer(f"buyer {number}", cents=9_000 * PRICE_CENTS)
                rolling.clients.append(Client(buyer, (can.product_id,)))
        tasks = [asyncio.create_task(_buy(rolling, one, at)) for at, one in enumerate(rolling.clients)]
        await rolling.sell(0, 1)

        code, said = await run_apart(url, "db", "upgrade", home=tmp_path, release="expanding")
        assert code == 0, said
        assert said.endswith(f"to {NEXT}.\n")
        await rolling.sell(0, 1)

        await rolling.restart(0)  # The release before, on the database of the next.
        assert f"the database is newer (revision {NEXT})" in nodes[0].said()
        await rolling.sell(0, 1)

        await rolling.restart(0, **{RELEASE: "expanding"})
        assert "the database is newer" not in nodes[0].said()
        await rolling.sell(0, 1)
        await rolling.restart(1, **{RELEASE: "expanding"})
        await rolling.sell(0, 1)

        await rolling.restart(1)  # And back, if the next release disappoints.
        await rolling.sell(0, 1)
        rolling.is_over = True
        await asyncio.gather(*tasks)
        for node in nodes:
            assert "api.defect" not in node.said()
            assert "till.defect" not in node.said()
    assert await books_faults(stage, rolling.clients) == []
    async with opened(url) as engine:
        assert (await read_state(engine)).revision == NEXT
        assert faults_of(await audit(engine)) == CLEAN


async def test_a_newer_database_that_is_compatible_is_served(database_url: str, tmp_path: Path) -> None:
    """On both databases, and for the commands."""
    with being("expanding"):
        async with opened(database_url) as engine:
            await upgrade(engine)
    async with opened(database_url) as engine:
        state = await check(engine, unsafe_durability=True)
        assert (state.revision, state.compatible_since, state.is_ahead) == (NEXT, "0030", True)
        with pytest.raises(DatabaseUnusable, match="newer"):
            await upgrade(engine)
    for words, told in (
        (("db", "upgrade"), f"is up to date at revision {NEXT}. Nothing was changed."),
        (("db", "status"), "nothing"),
    ):
        code, said = await run_apart(database_url, *words, home=tmp_path)
        assert code == 0, said
        assert told in said
    code, said = await run_apart(
        database_url, "copy", "--to", f"sqlite:///{tmp_path}/copy.sqlite3", home=tmp_path
    )
    assert code, said
    assert f"newer (revision {NEXT})" in said


@pytest.mark.postgres
@pytest.mark.proof
async def test_a_process_that_the_database_has_left_behind_does_not_start(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(postgres_server.new_database)
    await set_up(url)
    code, said = await run_apart(url, "db", "upgrade", home=tmp_path, release="contracting")
    assert code == 0, said
    async with opened(url) as engine:
        with pytest.raises(DatabaseUnusable, match=f"newer \\(revision {NEXT}\\)"):
            await check(engine)
    node = Servers(url, tmp_path)
    with pytest.raises(ServerFailed, match="Install the version that upgraded it"):
        await asyncio.to_thread(node.start)
    node.kill()
    await asyncio.to_thread(node.wait)
