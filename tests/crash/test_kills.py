"""Servers that are killed under load lose nothing that they acknowledged, and do nothing twice."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.concurrency.scenes import staged
from tests.crash.kills import Kills, kill_under_load

SEED = 20_260_610
IS_PROOF = os.environ.get("TUCKSHOP_PROOF") == "1"
KILLS, PURCHASES = (50, 10_000) if IS_PROOF else (4, 400)
CONTROL_KILLS_MAX = 10

pytestmark = pytest.mark.more


@pytest.mark.proof
def test_a_killed_server_keeps_what_it_acknowledged(
    database_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with staged(database_url, tmp_path, count=_servers(database_url)) as stage:
        found = asyncio.run(kill_under_load(stage, kills=KILLS, purchases=PURCHASES, seed=SEED))
        readings = stage.reader.readings

    record_property("figures", f"{_figures(found)}, {readings} readings")
    assert found.faults == []
    assert found.unknown > found.kept > 0 or not IS_PROOF  # Deaths before and after the commit were met.


def test_finds_purchases_that_were_acknowledged_and_lost(database_url: str, tmp_path: Path) -> None:
    with staged(database_url, tmp_path, count=_servers(database_url), bug="early-answer") as stage:
        found = asyncio.run(kill_under_load(stage, kills=CONTROL_KILLS_MAX, purchases=0, seed=SEED))

    assert "acknowledged purchases are not in the books" in "\n".join(found.faults)


def test_finds_purchases_that_were_made_twice(sqlite_url: str, tmp_path: Path) -> None:
    with staged(sqlite_url, tmp_path, count=1, bug="forgotten-key") as stage:
        found = asyncio.run(kill_under_load(stage, kills=CONTROL_KILLS_MAX, purchases=0, seed=SEED))

    assert "purchases were made that nobody asked for" in "\n".join(found.faults)


def _servers(url: str) -> int:
    return 1 if url.startswith("sqlite") else 2


def _figures(found: Kills) -> str:
    return (
        f"{found.kills} kills, {found.purchases:,} purchases,"
        f" {found.unknown} unknown ({found.kept} of them in the books)"
    )
