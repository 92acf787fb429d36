"""R21: the leader of the database is lost again and again, and no sale that was acknowledged is."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest

from tests.concurrency.scenes import Stage
from tests.conftest import set_up
from tests.crash.kills import books_faults
from tests.failover import drill
from tests.failover.drill import Drill
from tests.failover.machines import Site, missing, opened_site
from tests.limits import HANG_SECONDS, HOW
from tests.reader import CLEAN, faults_of
from tests.server import serving
from tuckshop.operations.audit import audit
from tuckshop.store.engine import open_engine

IS_PROOF = os.environ.get("TUCKSHOP_PROOF") == "1"
KILLS, CUTS, ALONE, SWITCHES = (10, 5, 3, 3) if IS_PROOF else (1, 1, 1, 1)
log = logging.getLogger(__name__)

LOOKS, LOOK_AGAIN_SECONDS = 8, 0.5

pytestmark = [
    pytest.mark.more,
    pytest.mark.postgres,
    pytest.mark.skipif(bool(missing()), reason=f"needs {missing()}"),
]


@contextmanager
def two_nodes(folder: Path) -> Iterator[tuple[Site, Stage]]:
    """An empty shop on three machines, with two nodes that serve it. Their logs must name no defect."""
    with opened_site() as site:
        asyncio.run(_make_database(site))
        asyncio.run(set_up(site.url()))
        with serving(site.url(), folder, count=2, settings={HOW: "as sold"}) as servers:
            yield site, Stage(site.url(), servers, cast("Any", None))
            assert "api.defect" not in servers.said()
            assert "till.defect" not in servers.said()


@pytest.mark.proof
def test_a_lost_leader_loses_no_sale(
    tmp_path_factory: pytest.TempPathFactory, record_property: Callable[[str, object], None]
) -> None:
    with two_nodes(tmp_path_factory.mktemp("failover")) as (site, stage):
        found = asyncio.run(_drill(site, stage))
    log.info("%s", table(found))
    record_property("figures", _figures(found))
    assert found.faults == []
    assert [one for one in found.losses if one.lost] == []


def test_finds_what_is_lost_where_nobody_waits_for_a_second_machine(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async def control(site: Site, stage: Stage) -> int:
        one, tasks = await drill.begin(site, stage)
        lost = await drill.lose_without_waiting(one)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return lost

    with two_nodes(tmp_path_factory.mktemp("failover")) as (site, stage):
        lost = asyncio.run(control(site, stage))
    log.info("without waiting for a second machine: %d acknowledged sales lost", lost)
    assert lost > 0


async def _make_database(site: Site) -> None:
    connection = await asyncpg.connect(site.admin_url)
    await connection.execute(f"CREATE ROLE tuckshop LOGIN PASSWORD '{site.passwords['SHOP_PASSWORD']}'")
    await connection.execute("CREATE DATABASE tuckshop OWNER tuckshop")
    await connection.close()
    right = 0
    async with asyncio.timeout(HANG_SECONDS):
        while right < LOOKS:  # HAProxy takes every machine for the leader until it has looked.
            right = right + 1 if await _leads(site) else 0
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _leads(site: Site) -> bool:
    try:
        connection = await asyncpg.connect(site.url())
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    try:
        return not await connection.fetchval("SELECT pg_is_in_recovery()")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    finally:
        connection.terminate()


async def _drill(site: Site, stage: Stage) -> Drill:
    one, tasks = await drill.begin(site, stage)
    for times, what, event in (
        (KILLS, "leader killed (kill -9)", drill.kill_machine),
        (CUTS, "leader cut off the network", drill.cut_cable),
        (ALONE, "PostgreSQL alone killed (kill -9)", drill.kill_postgres),
        (SWITCHES, "switchover", drill.switch_over),
    ):
        for _ in range(times):
            await one.lose(what, event)
            if one.faults or one.losses[-1].lost:
                break
    one.is_over = True
    await asyncio.gather(*tasks)
    one.faults += await books_faults(stage, one.clients)
    engine = open_engine(stage.url, pool_size=1)
    if (said := faults_of(await audit(engine))) != CLEAN:
        one.faults.append(f"audit: {said}")
    await engine.dispose()
    return one


def table(found: Drill) -> str:
    """For docs/operate/failover.md."""
    lines = ["| event | times | seconds without a sale | acknowledged sales lost |", "|---|---|---|---|"]
    for what in dict.fromkeys(one.what for one in found.losses):
        rows = [one for one in found.losses if one.what == what]
        seconds = sorted(one.without_sale_seconds for one in rows)
        span = f"{seconds[0]:.0f}" if len(rows) == 1 else f"{seconds[0]:.0f} to {seconds[-1]:.0f}"
        lines.append(f"| {what} | {len(rows)} | {span} | {sum(one.lost for one in rows)} |")
    return "\n".join((*lines, _figures(found)))


def _figures(found: Drill) -> str:
    acknowledged = sum(len(client.acknowledged) for client in found.clients)
    return (
        f"{len(found.losses)} losses of a leader, {acknowledged:,} sales acknowledged,"
        f" {sum(one.lost for one in found.losses)} lost, {found.unknown} unknown and found out by their keys"
        f" ({found.kept} of them in the books), longest answer {found.longest_answer_seconds:.1f} s,"
        f" answers {dict(found.answers)}"
    )
