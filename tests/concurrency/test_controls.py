"""Scenes that cannot fail would prove nothing: with a guard taken away, each must find what goes wrong.

On PostgreSQL two servers race; on SQLite there is one till, so its batches themselves must go wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.concurrency import scenes
from tests.concurrency.scenes import Stage, staged
from tests.limits import until

pytestmark = pytest.mark.more

Scene = Callable[[Stage], Coroutine[Any, Any, list[str]]]


def _faults(url: str, home: Path, *, bug: str, scene: Scene) -> str:
    count = 1 if url.startswith("sqlite") else 2
    with staged(url, home, count=count, bug=bug) as stage:
        faults = asyncio.run(scene(stage))
    return "\n".join(faults)


def _bug(url: str, *, sqlite: str, postgres: str) -> str:
    return sqlite if url.startswith("sqlite") else postgres


def test_finds_the_last_can_sold_twice(database_url: str, tmp_path: Path) -> None:
    bug = _bug(database_url, sqlite="blind", postgres="unlocked-shelves")

    async def scene(stage: Stage) -> list[str]:
        faults = await scenes.last_can(stage, rounds=5)
        await until(stage.reader.faults)
        return faults + stage.reader.faults()

    faults = _faults(database_url, tmp_path, bug=bug, scene=scene)

    assert "the last can was answered with {'201': " in faults
    assert "the books hold sales of last cans" in faults
    assert "audit: " in faults
    assert "every shelf equals the sum of its stock movements" in faults
    assert "reading " in faults


def test_finds_the_last_money_spent_twice(database_url: str, tmp_path: Path) -> None:
    bug = _bug(database_url, sqlite="blind", postgres="unlocked-wallets")

    faults = _faults(database_url, tmp_path, bug=bug, scene=lambda stage: scenes.last_money(stage, rounds=5))

    assert "the last money was answered with {'201': " in faults
    assert "the books hold so many purchases with the last money" in faults
    assert "audit: " in faults
    assert "every balance equals the sum of its transfers" in faults


def test_finds_an_order_given_back_twice(database_url: str, tmp_path: Path) -> None:
    bug = _bug(database_url, sqlite="blind", postgres="unlocked-wallets")

    faults = _faults(
        database_url, tmp_path, bug=bug, scene=lambda stage: scenes.refund_twice(stage, orders=40)
    )

    assert "two refunds were answered with ['201', '201']" in faults
    assert "the books hold " in faults
    assert "every order line has the number of its refunded pieces" in faults


def test_finds_a_key_with_two_effects(database_url: str, tmp_path: Path) -> None:
    bug = _bug(database_url, sqlite="forgotten-key", postgres="late-record")

    faults = _faults(database_url, tmp_path, bug=bug, scene=lambda stage: scenes.replay_storm(stage, keys=10))

    assert "key 1: one key had " in faults
    assert "orders for 9 keys" in faults


def test_finds_a_retry_with_a_second_effect(database_url: str, tmp_path: Path) -> None:
    faults = _faults(
        database_url,
        tmp_path,
        bug="forgotten-key",
        scene=lambda stage: scenes.lost_answers(stage, requests=200, seed=1),
    )

    assert "orders of 200" in faults


@pytest.mark.postgres
def test_finds_a_deadlock_that_reaches_a_client(postgres_url: str, tmp_path: Path) -> None:
    faults = _faults(
        postgres_url,
        tmp_path,
        bug="arrival-order",
        scene=lambda stage: scenes.opposite_orders(stage, pairs=3, at_once=1),
    )

    assert "an order was answered with 503 unavailable" in faults
