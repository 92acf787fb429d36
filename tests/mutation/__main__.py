"""`python -m tests.mutation [--sample N] [--seed S] [MODULE ...]`: which mutants no test notices.

First the tests of the domain and the till run once, and what each runs through is kept; then each mutant is
given to the tests that run through its line, until one fails. What was found is kept below build/mutation:
an interrupted run goes on where it was, and once any file of src or tests has changed, all begins anew.
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
KEPT = ROOT / "build" / "mutation"
HANG_SECONDS = 300
_PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


def main() -> int:
    """The exit status: 0 if every mutant was killed."""
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
    folder = KEPT / _state()
    folder.mkdir(parents=True, exist_ok=True)
    covering = _covering(folder / "lines.coverage")
    fates = folder / "fates.jsonl"
    kept = dict(map(json.loads, fates.read_text().splitlines())) if fates.exists() else {}
    counted: Counter[str] = Counter()
    for number, (path, mutant) in enumerate(found, 1):
        name = hashlib.sha256(mutant.source.encode()).hexdigest()[:16]
        place = f"{path.relative_to(ROOT)}:{mutant.line}"
        fate = kept.get(name) or _fate(path, mutant, covering.get(place, []))
        if name not in kept:
            with fates.open("a") as file:
                file.write(json.dumps((name, fate)) + "\n")
        counted[fate] += 1
        if fate != "killed":
            print(f"{place}: {fate}: {mutant.change}", flush=True)
        elif number % 50 == 0:
            print(f"{number} of {len(found)}", flush=True)
    print(f"\n{len(found)} mutants: " + ", ".join(f"{count} {fate}" for fate, count in counted.most_common()))
    return 0 if counted["killed"] == len(found) else 1


def _modules(asked: list[str]) -> Iterator[Path]:
    for place in PLACES:
        for path in sorted((ROOT / place).glob("*.py")):
            if not asked or any(str(path).endswith(one) for one in asked):
                yield path


def _state() -> str:
    """Another one as soon as any file of src or tests is."""
    files = sorted(file for place in ("src", "tests") for file in (ROOT / place).rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _covering(data: Path) -> Mapping[str, list[str]]:
    """The tests that run through each line (`path:number`), the domain's first: they are the quickest."""
    from coverage import CoverageData

    if not data.exists():
        part = data.with_suffix(".part")  # What an interrupted run has left is no map.
        settings = {"COVERAGE_FILE": str(part), "COVERAGE_CORE": "ctrace"}
        counting = ("--cov", "--cov-context=test", "--cov-report=", "--cov-fail-under=0")
        subprocess.run([*_PYTEST, *counting, *TESTS], cwd=ROOT, env=os.environ | settings, check=True)
        part.replace(data)
    read = CoverageData(str(data))
    read.read()
    return {
        f"{Path(file).relative_to(ROOT)}:{line}": sorted(
            {one.partition("|")[0] for one in contexts} - {""},
            key=lambda test: ("tests/domain/" not in test, test),
        )
        for file in read.measured_files()
        for line, contexts in read.contexts_by_lineno(file).items()
    }


def _fate(path: Path, mutant: Mutant, tests: list[str]) -> str:
    """`killed`, `survived`, or `reached by no test`; a mutant with which tests hang is killed.

    Where tests could not even begin, they have said nothing: `no test could run`.
    """
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
    return {0: "survived", 1: "killed"}.get(ran.returncode, "no test could run")


if __name__ == "__main__":
    sys.exit(main())
