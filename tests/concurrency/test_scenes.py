"""Crowds at real servers: two side by side on PostgreSQL, one on SQLite, which has one till."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.concurrency import scenes
from tests.concurrency.exhaustion import exhausted
from tests.concurrency.market import market_day
from tests.concurrency.scenes import Stage, staged
from tests.limits import HOW

SEED = 20_260_611
IS_PROOF = os.environ.get("TUCKSHOP_PROOF") == "1"
READINGS = 2_000 if IS_PROOF else 25
EXHAUSTIONS = 10 if IS_PROOF else 1


@pytest.fixture
def stage(
    database_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> Iterator[Stage]:
    """Sound servers on an empty shop."""
    with staged(database_url, tmp_path, count=_servers(database_url)) as opened:
        yield opened
    record_property("figures", f"{opened.reader.readings:,} readings")


def _servers(url: str) -> int:
    return 1 if url.startswith("sqlite") else 2


def test_last_can_is_sold_once(stage: Stage) -> None:  # 50 buyers, 40 times
    assert asyncio.run(scenes.last_can(stage, rounds=40)) == []


@pytest.mark.more
def test_last_money_is_spent_once(stage: Stage) -> None:  # 20 purchases at once, 40 times
    assert asyncio.run(scenes.last_money(stage, rounds=40)) == []


@pytest.mark.more
def test_one_key_has_one_effect_and_one_answer(stage: Stage) -> None:  # 20 posts of each of 200 keys
    assert asyncio.run(scenes.replay_storm(stage, keys=200)) == []


@pytest.mark.more
def test_an_order_is_given_back_once(stage: Stage) -> None:  # 500 orders, 20 at a time
    assert asyncio.run(scenes.refund_twice(stage, orders=500)) == []


@pytest.mark.more
def test_a_retry_after_a_lost_answer_has_no_second_effect(stage: Stage) -> None:  # 1,000 broken lines
    assert asyncio.run(scenes.lost_answers(stage, requests=1_000, seed=SEED)) == []


@pytest.mark.more
@pytest.mark.proof
def test_every_reading_of_a_market_day_balances(stage: Stage) -> None:  # 2,000 readings
    assert asyncio.run(market_day(stage, readings=READINGS, seed=SEED)) == []


@pytest.mark.more
@pytest.mark.postgres
def test_opposite_orders_never_meet_a_deadlock(postgres_url: str, tmp_path: Path) -> None:  # 500 pairs
    with staged(postgres_url, tmp_path, count=2) as stage:
        assert asyncio.run(scenes.opposite_orders(stage, pairs=500)) == []


@pytest.mark.more
@pytest.mark.proof
def test_a_crowd_without_places_leaves_nothing_behind(database_url: str, tmp_path: Path) -> None:  # 10 rounds
    count = _servers(database_url)
    with staged(database_url, tmp_path, count=count, settings={HOW: "small"}) as stage:
        assert asyncio.run(exhausted(stage, rounds=EXHAUSTIONS)) == []
