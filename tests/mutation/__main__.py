"""`python -m tests.mutation [--sample N] [--seed S] [MODULE ...]`: which mutants no test notices.

First the tests of the domain and the till run once, and what each runs through is kept; then
each mutant is given to the tests that run through its line, until one fails. What has been found is kept in
build/mutation.jsonl: an interrupted run goes on where it was, and a mutant of a changed module is tried anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants
from tests.planted.planting import MUTANT, ROOT

PLACES = ("src/tuckshop/domain", "src/tuckshop/till/commands")
# On SQLite the till has a thread of its own, in which coverage does not count: those on PostgreSQL are found.
TESTS = ("tests/domain", "tests/till")
KEPT = ROOT / "build" / "mutation.jsonl"
HANG_SECONDS = 300
_PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


def main() -> int:
    """The exit status: 1 if mutants have survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--sample", type=int, help="only so many, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="only of these: domain/orders.py")
    asked = parser.parse_args()
    found = [
        (path, mutant) for path in _modules(asked.modules) for mutant in mutants(path.read_text("utf-8"))
    ]
    if asked.sample is not None and asked.sample < len(found):
        found = random.Random(asked.seed).sample(found, asked.sample)
    KEPT.parent.mkdir(exist_ok=True)
    covering = _covering()
    fates = _kept()
    for number, (path, mutant) in enumerate(found, 1):
        name = hashlib.sha256(mutant.source.encode()).hexdigest()[:16]
        if name not in fates:
            fates[name] = _fate(path, mutant, covering.get((str(path.relative_to(ROOT)), mutant.line), []))
            with KEPT.open("a") as file:
                file.write(json.dumps({"name": name, "fate": fates[name]}) + "\n")
        if fates[name] != "killed":
            print(f"{path.relative_to(ROOT)}:{mutant.line}: {fates[name]}: {mutant.change}", flush=True)
        elif number % 50 == 0:
            print(f"{number} of {len(found)}", flush=True)
    counted = Counter(fates[hashlib.sha256(one.source.encode()).hexdigest()[:16]] for _, one in found)
    print(f"\n{len(found)} mutants: " + ", ".join(f"{count} {fate}" for fate, count in counted.most_common()))
    return 0 if counted["killed"] == len(found) else 1


def _modules(asked: list[str]) -> Iterator[Path]:
    for place in PLACES:
        for path in sorted((ROOT / place).glob("*.py")):
            if not asked or any(str(path).endswith(one) for one in asked):
                yield path


def _covering() -> Mapping[tuple[str, int], list[str]]:
    """The tests that run through each line, the quickest files first."""
    from coverage import CoverageData

    data = ROOT / "build" / "mutation.coverage"
    if not data.exists():
        settings = {"COVERAGE_FILE": str(data), "COVERAGE_CORE": "ctrace"}
        subprocess.run(
            [
                *_PYTEST,
                *("--cov", "--cov-context=test", "--cov-report=", "--cov-fail-under=0"),
                *TESTS,
            ],
            cwd=ROOT,
            env=os.environ | settings,
            check=True,
        )
    read = CoverageData(str(data))
    read.read()
    found: dict[tuple[str, int], list[str]] = {}
    for file in read.measured_files():
        path = str(Path(file).relative_to(ROOT))
        for line, contexts in read.contexts_by_lineno(file).items():
            found[path, line] = sorted({one.partition("|")[0] for one in contexts} - {""}, key=_cost)
    return found


def _cost(test: str) -> tuple[bool, str]:
    return "tests/domain/" not in test, test


def _kept() -> dict[str, str]:
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    return {one["name"]: one["fate"] for one in map(json.loads, lines)}


def _fate(path: Path, mutant: Mutant, tests: list[str]) -> str:
    """`killed`, `survived`, or `reached by no test`; a mutant with which tests hang is killed."""
    if not tests:
        return "reached by no test"
    module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
    told = {"module": module, "old": path.read_text("utf-8"), "new": mutant.source}
    file = ROOT / "build" / f"mutant-{os.getpid()}.json"
    file.write_text(json.dumps(told))
    try:
        ran = subprocess.run(
            [*_PYTEST, "-x", *tests],
            cwd=ROOT,
            env=os.environ | {MUTANT: str(file)},
            capture_output=True,
            timeout=HANG_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "killed"
    finally:
        file.unlink()
    return "survived" if ran.returncode == 0 else "killed"


if __name__ == "__main__":
    sys.exit(main())
