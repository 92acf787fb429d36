"""Tills side by side in every order: what they answer and write is what one till would do in turn."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from tests.simulation.__main__ import new_stage
from tests.simulation.bugs import BUGS, UNSEEN, locked_reads
from tests.simulation.checks import LOCK_ORDER
from tests.simulation.stage import Stage
from tests.simulation.stories import Trial, shortest
from tuckshop.till.sql import statements

PROOF = os.environ.get("TUCKSHOP_PROOF") == "1"
HISTORIES = 20_000 if PROOF else 150
BUG_HISTORIES = 3_000  # Each planted bug is found much earlier.
SAMPLE = (
    "wallets_by_guest_id are not locked",
    "idempotency records are forgotten",
    "a lost COMMIT counts as done",
    "neighbours of a batch are blind to each other",
)
"""Found within some dozens of histories."""

pytestmark = pytest.mark.uncounted


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with new_stage() as opened:
        yield opened


@pytest.mark.proof
def test_tills_side_by_side_do_what_one_would_do_in_turn(
    stage: Stage, record_property: Callable[[str, object], None]
) -> None:
    trial = Trial(stage)
    tried, failure = trial.first_failure(range(HISTORIES))
    record_property("figures", f"{tried:,} histories")
    if failure is not None:
        short = shortest(failure, trial, attempts=1_000)
        pytest.fail(
            f"python -m tests.simulation --seed {failure.plan.seed}\n{short.story}\n"
            + "\n".join(short.faults)
        )


def test_the_order_of_locks_names_every_lock() -> None:
    """Where one is taken without its place in the order, tills may wait for each other in a circle."""
    assert sorted(LOCK_ORDER) == sorted(read.name for read, _ in locked_reads(vars(statements)))


@pytest.mark.parametrize("name", [one for one in BUGS if one not in UNSEEN] if PROOF else SAMPLE)
@pytest.mark.proof
def test_control_a_planted_bug_is_found(stage: Stage, name: str) -> None:
    _, failure = Trial(stage, BUGS[name]).first_failure(range(BUG_HISTORIES))
    assert failure is not None


def test_a_seed_tells_the_same_story_again_and_a_failure_a_shorter_one(stage: Stage) -> None:
    trial = Trial(stage, BUGS["wallets_by_guest_id are not locked"])
    _, failure = trial.first_failure(itertools.count())
    assert failure is not None
    again = trial.attempt(failure.plan)
    given = trial.attempt(failure.plan, failure.choices)
    assert again is not None
    assert given is not None
    assert again.story == given.story == failure.story
    short = shortest(failure, trial, attempts=200)
    assert len(short.plan.steps) < len(failure.plan.steps)
    assert short.faults
    told = trial.attempt(short.plan, short.choices)
    assert told is not None
    assert told.story == short.story
