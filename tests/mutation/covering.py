"""Which tests run through which lines, the quickest first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from coverage import CoverageData

from tests.planted.planting import ROOT

TESTS = ("tests/domain", "tests/till")


class Covering:
    """What the tests of the domain and the till run through: found once, and kept in a file."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            _find(file)
        self._data = CoverageData(str(file))
        self._data.read()
        self._lines: dict[str, dict[int, set[str]]] = {}
        for path in self._data.measured_files():
            by_line = self._data.contexts_by_lineno(path)
            self._lines[path] = {
                line: {context.partition("|")[0] for context in contexts}
                for line, contexts in by_line.items()
            }
        self._sizes = Counter(
            test for lines in self._lines.values() for tests in lines.values() for test in tests
        )

    def tests(self, path: Path, line: int) -> list[str]:
        """Those that run through the line, or through the nearest above: a statement may have several.

        Those that run through the fewest lines come first: they are the quickest.
        """
        lines = self._lines.get(str(path), {})
        nearest = max((one for one in lines if one <= line), default=0)
        found = lines.get(nearest, set()) - {""}
        # On SQLite the till has a thread of its own, in which nothing is counted; but what it decides there
        # is the same, and sooner.
        twins = {test: test.replace("[postgres", "[sqlite") for test in found}
        chosen = {twin if twin in self._sizes else test: self._sizes[test] for test, twin in twins.items()}
        return sorted(chosen, key=lambda test: ("[postgres" in test, chosen[test], test))


def _find(file: Path) -> None:
    part = file.with_suffix(".part")  # What an interrupted run has left is no map.
    settings = {"COVERAGE_FILE": str(part), "COVERAGE_CORE": "ctrace"}
    pytest = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    counting = ("--cov", "--cov-context=test", "--cov-report=", "--cov-fail-under=0")
    subprocess.run([*pytest, *counting, *TESTS], cwd=ROOT, env=os.environ | settings, check=True)
    part.replace(file)
