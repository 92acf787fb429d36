"""`python -m tests.mutation [--sample N] [--listed] [--tests PATH ...] [TEXT ...]`: what no test notices.

First the tests of the domain and the till run once, and what each runs through is kept; then each mutant is
given to the tests that run through its line, until one fails. docs/mutation.toml lists those that change
nothing: they are left alone. The exit status is 1 where any other survives.

What was found is kept below build/mutation: an interrupted run goes on where it was, and once any file of src
or tests has changed, all begins anew. A mutant is given first to the test that killed it the last time.
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
        trials.run(found)
    print(f"{trials.killed} of {len(found)} mutants are killed, {trials.survivors} survive.")
    print(f"There are {len(every)}, {len(listed)} of which change nothing.")
    return 0 if (trials.killed if asked.listed else trials.survivors) == 0 else 1


class Trials:
    """Tells what comes of the mutants, and keeps which test killed each in which state of the files."""

    def __init__(self) -> None:
        self.killed = self.survivors = 0
        self._state = _state()
        self._file = KEPT / "killers.jsonl"

    def run(self, found: Sequence[Mutant]) -> None:
        """With the tests that run through each line; those that were tried in this state only count."""
        covering = Covering(KEPT / f"{self._state}.coverage")
        self._file.touch()
        lines = map(json.loads, self._file.read_text().splitlines())
        last: dict[str, tuple[str, str | None]] = {name: (state, test) for name, state, test in lines}
        untried = []
        for mutant in found:
            state, test = last.get(mutant.name, ("", None))
            if state == self._state:
                self.count(mutant, test)
            else:
                untried.append(mutant)

        def choose(mutant: Mutant) -> Sequence[str]:
            _, killer = last.get(mutant.name, ("", None))
            tests = covering.tests(mutant.path, mutant.line)
            return sorted(tests, key=lambda test: test != killer)

        try:
            run(untried, tests=TESTS, choose=choose, told=self._keep)
        except FailsAlone as error:
            kept = self._file.read_text().splitlines(keepends=True)
            self._file.write_text("".join(line for line in kept if json.loads(line)[2] != str(error)))
            raise

    def _keep(self, mutant: Mutant, killer: str | None) -> None:
        with self._file.open("a") as file:
            file.write(json.dumps((mutant.name, self._state, killer)) + "\n")
        self.count(mutant, killer)

    def count(self, mutant: Mutant, killer: str | None) -> None:
        """Tells of it, if it survives."""
        if killer is None:
            self.survivors += 1
            print(f"survives: {mutant}", flush=True)
        else:
            self.killed += 1
            if self.killed % 100 == 0:
                print(f"{self.killed} are killed", flush=True)


def _state() -> str:
    """Another one as soon as any file of src or tests is."""
    files = sorted(file for place in ("src", "tests") for file in (ROOT / place).rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
