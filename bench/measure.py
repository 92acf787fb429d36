"""What a run gives, and how the best number of parallel buyers is found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from bench.host import Host, Latency, look


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Purchases that were answered, at which rate and how soon."""

    purchases: int
    per_second: float
    latency: Latency


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """The longer run at the best number of parallel buyers, and the host just before it."""

    parallel: int
    run: Run
    host: Host


class Runner(Protocol):
    """One driver, ready to run."""

    def __call__(self, *, parallel: int, seconds: float) -> Run:
        """Buy as fast as so many parallel buyers can. Raises: BenchFailed unless every purchase succeeds."""


class BenchFailed(Exception):
    """A run whose figures would be worthless; the message says why."""


def at_best(run: Runner, *, parallels: Iterable[int], seconds: float) -> Measure:
    """Try each number of parallel buyers shortly, then run the best one for the whole time."""
    best = best_of(
        parallels, lambda parallel: run(parallel=parallel, seconds=sweep_seconds(seconds)).per_second
    )
    host = look()
    return Measure(parallel=best, run=run(parallel=best, seconds=seconds), host=host)


def best_of(candidates: Iterable[int], per_second: Callable[[int], float]) -> int:
    """The candidate with the highest rate."""
    return max(candidates, key=per_second)


def sweep_seconds(seconds: float) -> float:
    """A quarter of the whole run finds the best; less than two seconds would find the luckiest."""
    return max(2.0, seconds / 4)
