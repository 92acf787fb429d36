"""Every boundary of time: just before it, at it, and just after it, as its row says."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.boundaries.scene import Scene
from tests.boundaries.searching import all_comparisons, comparisons
from tests.boundaries.table import OTHERS, RULES, SHOPS, Row
from tests.shop import Clock, Shop
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.identity import login_throttle
from tuckshop.operations.startup import open_shop
from tuckshop.settings import Settings

OFFSETS = (-1, 0, 1)


@pytest.fixture
async def scene(database_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(login_throttle, "DELAY_SECONDS", 0.0)
    settings = Settings(
        database_url=database_url,
        secret="a secret for tests, long enough to sign with",
        coins=CoinsPolicy.SELF,
        payout_delay_days=0,
        machine_undo=UndoMode.CONTRACT,
        timezone="Europe/Berlin",
        day_starts="04:00",
    )
    async with AsyncExitStack() as stack, open_shop(settings, clock=clock) as running:
        yield Scene(Shop(database_url, running.engine, running.till, clock), running, stack)


@pytest.mark.parametrize("row", RULES, ids=lambda row: row.name)
def test_a_rule(row: Row) -> None:
    assert tuple(row.probe(offset) for offset in OFFSETS) == row.answers


@pytest.mark.parametrize("row", SHOPS, ids=lambda row: row.name)
async def test_a_shop(scene: Scene, row: Row) -> None:
    instant_us, ask = await row.probe(scene)
    found = []
    for offset in OFFSETS:
        scene.clock.now_us = instant_us + offset
        found.append(await ask())
    assert tuple(found) == row.answers


def test_every_comparison_with_a_time_has_a_row() -> None:
    named = Counter(place for row in (*RULES, *SHOPS) for place in row.places) + Counter(OTHERS)
    found = Counter(all_comparisons())
    assert sorted((found - named).elements()) == [], "no row of tests/boundaries/table.py names these"
    assert sorted((named - found).elements()) == [], "they are not there any more"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("if now_us >= session.expires_us: pass", "now_us >= session.expires_us"),
        ("query.where(table.c.at_us < shop.clock())", "table.c.at_us < shop.clock()"),
        ("table.c.day.between(first, last)", "table.c.day.between(first, last)"),
        ("age_seconds <= KEPT_SECONDS", "age_seconds <= KEPT_SECONDS"),
        ("'SELECT o.id FROM orders o WHERE o.created_us <= w.since_us'", "o.created_us <= w.since_us"),
        ("'DELETE FROM uploads WHERE created_us<:old'", "created_us<:old"),
        ("'WHERE s.day BETWEEN w.first AND w.last'", "s.day BETWEEN w.first AND w.last"),
        ("limit > known_max", None),
        ("expires_us == now_us", None),
    ],
)
def test_finds_a_comparison(source: str, found: str | None) -> None:
    lines = list(comparisons(f"def look():\n    {source}\n", "queries.orders"))
    assert lines == ([] if found is None else [f"queries.orders:look | {found}"])
