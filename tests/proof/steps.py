"""What is run for the rows, cut into steps that take some minutes at the most, so that few is done twice."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.planted.planting import ROOT, Bug, bugs
from tests.proof.plugin import NEITHER, POSTGRES, VARIABLE
from tests.proof.rows import Row

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.proof.plugin")
SIZE = {"TUCKSHOP_PROOF": "1"}
_CONTROL_MINUTES, _BUG_MINUTES = 0.5, 0.2


@dataclass(frozen=True)
class Step:
    """`tests`: node ids. `bug`: a planted one, which its tests must find. `module`: what is run instead."""

    name: str
    tests: tuple[str, ...] = ()
    bug: str = ""
    module: str = ""
    database: str = NEITHER
    is_control: bool = False
    needs: tuple[str, ...] = ()
    minutes: float = 1

    @property
    def key(self) -> str:
        """The same for as long as the same is run."""
        told = "\n".join((self.module, self.bug, *self.tests))
        words = re.sub(r"\W+", "-", self.name).strip("-")
        return f"{words}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"

    def command(self) -> list[str]:
        """The program and its arguments."""
        if self.tests:
            return [*PYTEST, *self.tests]
        return [sys.executable, "-m", self.module or "tests.planted", *([self.bug] if self.bug else [])]


class Unknown(Exception):
    """A row names tests that there are not; the message says which."""


def steps_of(rows: Sequence[Row]) -> dict[str, list[Step]]:
    """The steps of each row by its name. Rows that run the same share the step. Raises: Unknown."""
    known = bugs()
    found = collected(
        sorted(
            {test for row in rows for test in (*row.tests, *row.controls)}
            | {test for row in rows for bug in row.bugs for test in known[bug].tests}
        )
    )
    steps: dict[tuple[str, ...], Step] = {}
    of_rows: dict[str, list[Step]] = {}
    for row in rows:
        own = [*_of_tests(row, found), *_of_bugs(row, known, found)]
        if row.command:
            own.append(Step(row.name, module=row.command, needs=row.needs, minutes=row.minutes))
        of_rows[row.name] = [steps.setdefault((one.module, one.bug, *one.tests), one) for one in own]
    return of_rows


def collected(targets: Sequence[str]) -> Mapping[str, str]:
    """The database of each test that there is at full size, by its node id. Raises: Unknown."""
    if not targets:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "told.json"
        ran = subprocess.run(
            [*PYTEST, "--collect-only", *targets],
            cwd=ROOT,
            env=os.environ | SIZE | {VARIABLE: str(file)},
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise Unknown("\n".join(ran.stdout.splitlines()[-20:]) + ran.stderr)
        found: dict[str, str] = json.loads(file.read_text("utf-8"))["found"]
    return found


def _of_tests(row: Row, found: Mapping[str, str]) -> Iterator[Step]:
    controls = list(below(row.controls, found))
    tests = [test for test in below(row.tests, found) if test not in controls]
    for ids, is_control, each, minutes in (
        (tests, False, row.each, row.minutes),
        (controls, True, 1_000, _CONTROL_MINUTES),
    ):
        for database in sorted({found[test] for test in ids}, reverse=True):
            here = [test for test in ids if found[test] == database]
            cuts = [here[start : start + each] for start in range(0, len(here), each)]
            for number, cut in enumerate(cuts, 1):
                parts = (
                    row.name,
                    "control" if is_control else "",
                    database,
                    f"{number} of {len(cuts)}" if len(cuts) > 1 else "",
                )
                needs = (*row.needs, *(["postgresql"] if database == POSTGRES else []))
                yield Step(
                    " ".join(filter(None, parts)),
                    tests=tuple(cut),
                    database=database,
                    is_control=is_control,
                    needs=needs,
                    minutes=minutes,
                )


def below(targets: Iterable[str], found: Iterable[str]) -> Iterator[str]:
    """The node ids that are one of these, or in one."""
    for test in found:
        if any(
            test == target or test.startswith((f"{target}/", f"{target}::", f"{target}["))
            for target in targets
        ):
            yield test


def _of_bugs(row: Row, known: Mapping[str, Bug], found: Mapping[str, str]) -> Iterator[Step]:
    for bug in row.bugs:
        is_on_postgres = any(found[test] == POSTGRES for test in below(known[bug].tests, found))
        needs = ("postgresql",) if is_on_postgres else ()
        yield Step(f"bug {bug}", bug=bug, is_control=True, needs=needs, minutes=_BUG_MINUTES)
