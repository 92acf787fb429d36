"""A history as a story that somebody can follow, and the shortest one that still goes wrong."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from math import inf

from tests.simulation.bugs import Bug
from tests.simulation.checks import broken
from tests.simulation.database import ModelBroken
from tests.simulation.histories import History, happen
from tests.simulation.plans import Plan, plan_of
from tests.simulation.scheduler import Stuck
from tests.simulation.stage import Stage
from tuckshop.domain.refusals import Refusal
from tuckshop.till.commands.base import Envelope, Outcome

AUDITED_EACH = 10  # The audit takes as long as all else, and what it finds the model mostly has found.
SCHEDULES = 12  # Tried for each shorter plan: with fewer commands, another order may be the bad one.
_NOISE = re.compile(
    r"caller=|SessionCaller\(session_id=\d+, |AccountRef\(kind=|, \w+=None|<|: '\w+'>|\w+=\(\)"
)


@dataclass(frozen=True)
class Failure:
    """A plan, the choices with which it goes wrong, and how."""

    plan: Plan
    choices: list[int]
    faults: list[str]
    story: str


@dataclass
class Trial:
    """Lets plans happen in a shop, with a bug in its tills or without, and checks what came of them."""

    stage: Stage
    bug: Bug = nullcontext

    def attempt(
        self, plan: Plan, choices: list[int] | None = None, *, with_audit: bool = True
    ) -> Failure | None:
        """How the plan goes wrong; None if all is well."""
        try:
            with self.bug():
                history = happen(plan, self.stage, choices)
        except (Stuck, ModelBroken) as error:
            return Failure(plan, [], [f"{type(error).__name__}: {error}"], "")
        faults = broken(history, self.stage, with_audit=with_audit)
        return Failure(plan, history.choices, faults, told(history)) if faults else None

    def first_failure(self, seeds: Iterable[int], *, seconds: float = inf) -> tuple[int, Failure | None]:
        """How many histories were tried, and the first that went wrong, if one did within the time."""
        ends = time.monotonic() + seconds
        tried = 0
        for seed in seeds:
            if time.monotonic() > ends:
                break
            tried += 1
            if failure := self.attempt(plan_of(seed), with_audit=seed % AUDITED_EACH == 0):
                return tried, failure
        return tried, None


def shortest(failure: Failure, trial: Trial, *, attempts: int) -> Failure:
    """A failure with fewer commands, less trouble and fewer changes of turn, as far as one is found."""
    left = iter(range(attempts))
    failure = _with_fewer_commands(failure, trial, left)
    return _with_duller_choices(failure, trial, left)


def _with_fewer_commands(failure: Failure, trial: Trial, left: Iterator[int]) -> Failure:
    size = max(1, len(failure.plan.steps) // 2)
    while size:
        place = 0
        while place < len(failure.plan.steps):
            steps = failure.plan.steps
            plan = replace(failure.plan, steps=steps[:place] + steps[place + size :])
            found = _some_order(plan, trial, failure, left) if plan.steps else None
            if found is None:
                place += size
            else:
                failure = found
        size //= 2
    calm = replace(failure.plan, trouble=0)
    if failure.plan.trouble and (found := _some_order(calm, trial, failure, left)) is not None:
        failure = found
    return failure


def _some_order(plan: Plan, trial: Trial, failure: Failure, left: Iterator[int]) -> Failure | None:
    orders = [
        (plan, failure.choices),
        *((replace(plan, seed=plan.seed + one), None) for one in range(SCHEDULES)),
    ]
    for (shorter, choices), _ in zip(orders, left, strict=False):
        if found := trial.attempt(shorter, choices):
            return found
    return None


def _with_duller_choices(failure: Failure, trial: Trial, left: Iterator[int]) -> Failure:
    """Choices become 0, many at once, then each by itself."""
    size = max(1, len(failure.choices) // 2)
    while size:
        place = 0
        while place < len(failure.choices):
            choices = failure.choices
            if any(choices[place : place + size]) and next(left, None) is not None:
                duller = choices[:place] + [0] * len(choices[place : place + size]) + choices[place + size :]
                found = trial.attempt(failure.plan, duller)
                failure = failure if found is None or not found.choices else found
            place += size
        size //= 2
    return failure


def told(history: History) -> str:
    """The story, line by line."""
    names = {f"user_id={number}": name for number, name in _people().items()}
    return "\n".join(_line(parts, names) for parts in history.story)


def _people() -> dict[int, str]:
    names = ("Ada", "Bob", "Tom", "Cleo", "Sam", "Sue", "Sid", "the cashier", "the admin", "Ruth")
    return dict(enumerate(names, 1))


def _line(parts: tuple[object, ...], names: dict[str, str]) -> str:
    line = " ".join(_word(part) for part in parts if part != "")
    line = _NOISE.sub("", line)
    for number, name in names.items():
        line = re.sub(rf"{number}\b", name, line)
    return re.sub(r"(, )+", ", ", line)


def _word(part: object) -> str:
    match part:
        case Envelope():
            return f"{part.command} with key {part.key!r}"
        case Outcome(answer=Refusal() as refusal):
            return f"{type(refusal).__name__} {refusal.facts()}{' again' if part.replayed else ''}"
        case Outcome():
            return f"{part.answer}{' again' if part.replayed else ''}"
        case Exception():
            return type(part).__name__
        case _:
            return str(part)
