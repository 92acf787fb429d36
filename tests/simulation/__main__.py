"""`python -m tests.simulation`: histories until the time is over or one goes wrong; --help says more."""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from tests.conftest import set_up
from tests.simulation.bugs import BUGS, UNSEEN
from tests.simulation.histories import happen
from tests.simulation.plans import plan_of
from tests.simulation.stage import Stage, furnish, stage_of
from tests.simulation.stories import Failure, Trial, shortest, told

GARBAGE_EACH = 200_000
BUG_SECONDS = 60.0
SHORTEN_ATTEMPTS = 1_000


@contextmanager
def new_stage() -> Iterator[Stage]:
    """A shop in which histories happen."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'shop.sqlite3'}"
        asyncio.run(set_up(url))
        stage = stage_of(url, *asyncio.run(furnish(url)))
    thresholds = gc.get_threshold()
    # Tasks and futures refer to each other: to look for what nobody needs took a quarter of the time.
    gc.freeze()
    gc.set_threshold(GARBAGE_EACH)
    try:
        yield stage
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        stage.connection.close()


def main(arguments: list[str]) -> int:
    """The exit status: 1 if a history went wrong, or a planted bug was not found."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="this history alone, told whole")
    parser.add_argument("--first", type=int, default=0, help="the seed to begin with")
    parser.add_argument("--histories", type=int, default=1_000, help="how many to try")
    parser.add_argument("--seconds", type=float, default=3_600, help="when to stop")
    parser.add_argument("--bug", choices=sorted(BUGS), help="with this bug in the tills")
    parser.add_argument("--bugs", action="store_true", help="how soon each planted bug is found, as a table")
    given = parser.parse_args(arguments)
    # A defect is a fault of the history, which tells it; to draw every frame would take seconds.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with new_stage() as stage:
        if given.bugs:
            return _bugs(stage)
        trial = Trial(stage, BUGS[given.bug]) if given.bug else Trial(stage)
        if given.seed is not None:
            return _one(trial, given.seed)
        begun = time.monotonic()
        seeds = range(given.first, given.first + given.histories)
        tried, failure = trial.first_failure(seeds, seconds=given.seconds)
        seconds = time.monotonic() - begun
        print(f"{tried} histories in {seconds:.1f} s, {tried / seconds * 60:.0f} a minute")
        if failure is not None:
            _tell(failure, trial)
        return int(failure is not None)


def _one(trial: Trial, seed: int) -> int:
    failure = trial.attempt(plan_of(seed))
    if failure is None:
        with trial.bug():
            print(told(happen(plan_of(seed), trial.stage)))
        print("\nEverything is as promised.")
        return 0
    _tell(failure, trial)
    return 1


def _tell(failure: Failure, trial: Trial) -> None:
    seed = failure.plan.seed
    short = shortest(failure, trial, attempts=SHORTEN_ATTEMPTS)
    print(
        f"\nSeed {seed} goes wrong; {len(short.plan.steps)} of its {len(failure.plan.steps)} commands do:\n"
    )
    print(short.story, *short.faults, sep="\n")
    print(f"\nAgain: python -m tests.simulation --seed {seed}")


def _bugs(stage: Stage) -> int:
    missed = 0
    sought = {name: bug for name, bug in BUGS.items() if name not in UNSEEN}
    for name, bug in sought.items():
        begun = time.monotonic()
        tried, failure = Trial(stage, bug).first_failure(itertools.count(), seconds=BUG_SECONDS)
        seconds = time.monotonic() - begun
        found = f"found by history {tried}" if failure else f"NOT FOUND in {tried} histories"
        print(
            f"{name}: {found}, {seconds:.1f} s",
            *(failure.faults[:1] if failure else ()),
            sep="\n  ",
            flush=True,
        )
        missed += failure is None
    print(f"\n{len(sought) - missed} of {len(sought)} bugs were found.")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
