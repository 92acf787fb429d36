"""The simulated server answers, and lets wait, as PostgreSQL does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from tests.conftest import PostgresServer
from tests.simulation.__main__ import new_stage
from tests.simulation.database import Database, Transaction
from tests.simulation.following import books_of, follow
from tests.simulation.histories import History, happen
from tests.simulation.plans import plan_of
from tests.simulation.stage import Stage, furnish
from tuckshop.store.engine import postgres_dsn
from tuckshop.till.sql.steps import Read, Rows

HISTORIES = 500 if os.environ.get("TUCKSHOP_PROOF") == "1" else 4
WAITS_MIN = 2  # Where nobody waits, there is little to be learnt.

pytestmark = [pytest.mark.postgres, pytest.mark.uncounted]


def crowded(stage: Stage) -> Iterator[History]:
    """Histories in which tills wait for each other and the server keeps well.

    Which of two goes on first that waited for one end, the real server chooses: such histories are left out.
    """
    seed = 0
    while True:
        history = happen(replace(plan_of(seed), trouble=0, tills=3), stage, is_prompt=True)
        if history.waits >= WAITS_MIN and not history.deadlocks and not history.races:
            yield history
        seed += 1


@pytest.mark.proof
def test_postgresql_answers_as_the_simulation_does(
    postgres_url: str, postgres_server: PostgresServer, record_property: Callable[[str, object], None]
) -> None:
    asyncio.run(furnish(postgres_url))
    waits = 0
    with new_stage() as stage:
        for history in islice(crowded(stage), HISTORIES):
            url = postgres_server.copy_of(postgres_url)
            followed = asyncio.run(follow(history.events, postgres_dsn(url)))
            assert followed.differences == [], history.plan.seed
            assert asyncio.run(books_of(postgres_dsn(url))) == history.books
            postgres_server.leave(url)
            waits += followed.waits
    record_property("figures", f"{HISTORIES} histories, {waits:,} waits")
    assert waits >= HISTORIES


def test_control_a_model_that_sees_rows_as_they_were_before_the_wait(
    postgres_url: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(furnish(postgres_url))

    async def read(self: Database, one: Transaction, asked: Read, rows: Rows) -> Any:
        before = await real(self, one, asked._replace(lock=None), rows)
        await real(self, one, asked, rows)
        return before

    real = Database.read
    monkeypatch.setattr(Database, "read", read)
    with new_stage() as stage:
        for history in crowded(stage):
            url = postgres_server.copy_of(postgres_url)
            if asyncio.run(follow(history.events, postgres_dsn(url))).differences:
                return
            postgres_server.leave(url)
