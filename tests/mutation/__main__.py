"""`python -m tests.mutation [--sample N] [--listed] [--tests PATH ...] [TEXT ...]`: what no test notices.

First the tests of the domain and the till run once, and what each runs through is kept; then each mutant is
given to the tests that run through its line, until one fails. docs/mutation.toml lists those that change
nothing: they are left alone. The exit status is 1 where any other survives.

What was found is kept below build/mutation: an interrupted run goes on where it was, and once any file of src
or tests has changed, all begins anew. A mutant is given first to the test that killed it the last time, which
killers.json keeps for everybody: that is how a run takes minutes instead of hours.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
from collections.abc import Sequence

from tests.mutation.covering import TESTS, Covering
from tests.mutation.judged import equivalent
from tests.mutation.mutants import Mutant, all_mutants
from tests.mutation.running import FailsAlone, run
from tests.planted.planting import ROOT

KEPT = ROOT / "build" / "mutation"
KILLERS = ROOT / "tests" / "mutation" / "killers.json"
"""For each test the mutants that it killed the last time: which test to try first, so it may be old."""


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--sample", type=int, help="only so many, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--listed", action="store_true", help="those of docs/mutation.toml: all survive")
    parser.add_argument("--tests", nargs="+", help="only with these tests; nothing is kept")
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="only those with such a text: orders.py:42")
    asked = parser.parse_args()
    every = all_mutants()
    listed = equivalent(every)
    found = [one for one in every if (one in listed) == asked.listed]
    if asked.texts:
        found = [one for one in found if any(text in str(one) for text in asked.texts)]
    if asked.sample is not None and asked.sample < len(found):
        found = random.Random(asked.seed).sample(found, asked.sample)
    trials = Trials()
    if asked.tests:
        run(found, tests=asked.tests, choose=lambda _: None, told=trials.count)
    else:
        try:
            trials.run(found)
        finally:
            trials.keep_killers(every)
    print(f"{trials.killed} of {len(found)} mutants are killed, {trials.survivors} survive.")
    print(f"There are {len(every)}, {len(listed)} of which change nothing.")
    return 0 if (trials.killed if asked.listed else trials.survivors) == 0 else 1


class Trials:
    """Tells what comes of the mutants, and keeps which test killed each in which state of the files."""

    def __init__(self) -> None:
        self.killed = self.survivors = 0
        self._state = _state()
        self._file = KEPT / "killers.jsonl"
        killers: dict[str, list[str]] = json.loads(KILLERS.read_text("utf-8"))
        self._killers = {name: test for test, names in killers.items() for name in names}

    def run(self, found: Sequence[Mutant]) -> None:
        """With the tests that run through each line; those that were tried in this state only count."""
        covering = Covering(KEPT / f"{self._state}.coverage")
        self._file.touch()
        lines = map(json.loads, self._file.read_text().splitlines())
        tried: dict[str, str | None] = {name: test for name, state, test in lines if state == self._state}
        for mutant in found:
            if mutant.name in tried:
                self.count(mutant, tried[mutant.name])
        untried = [mutant for mutant in found if mutant.name not in tried]

        def choose(mutant: Mutant) -> Sequence[str]:
            killer = self._killers.get(mutant.name)
            tests = covering.tests(mutant.path, mutant.line)
            return sorted(tests, key=lambda test: test != killer)

        try:
            run(untried, tests=TESTS, choose=choose, told=self._keep)
        except FailsAlone as error:
            kept = self._file.read_text().splitlines(keepends=True)
            self._file.write_text("".join(line for line in kept if json.loads(line)[2] != str(error)))
            self._killers = {name: test for name, test in self._killers.items() if test != str(error)}
            raise

    def _keep(self, mutant: Mutant, killer: str | None) -> None:
        with self._file.open("a") as file:
            file.write(json.dumps((mutant.name, self._state, killer)) + "\n")
        self.count(mutant, killer)

    def keep_killers(self, every: Sequence[Mutant]) -> None:
        """Writes which test killed which mutant of the code as it is, for the next run."""
        killers: dict[str, list[str]] = {}
        for name in sorted({one.name for one in every} & self._killers.keys()):
            killers.setdefault(self._killers[name], []).append(name)
        KILLERS.write_text(json.dumps(killers, indent=0, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")

    def count(self, mutant: Mutant, killer: str | None) -> None:
        """Tells of it, if it survives."""
        if killer is None:
            self.survivors += 1
            print(f"survives: {mutant}", flush=True)
        else:
            self.killed += 1
            self._killers[mutant.name] = killer
            if self.killed % 100 == 0:
                print(f"{self.killed} are killed", flush=True)


def _state() -> str:
    """Another one as soon as any file of src or tests is."""
    files = sorted(file for place in ("src", "tests") for file in (ROOT / place).rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
