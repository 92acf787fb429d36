"""Runs steps one after the other, each in a process of its own, and keeps how they ended.

What was kept is good for as long as neither the code nor the tests, nor what they run on, has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.conftest import GIVEN
from tests.planted.planting import ROOT
from tests.proof.plugin import VARIABLE
from tests.proof.steps import SIZE, Step
from tools.postgres import PostgresMissing, find_programs

PLACES = ("src", "tests", "tools", "pyproject.toml", "requirements-dev.txt")
OUTSIDE = {"__pycache__", "node_modules", "proof"}
"""Folders of no weight: what is run of tests/proof stands in each step."""
END_SECONDS = 60


@dataclass(frozen=True)
class Result:
    """How a step ended. `failed`, `skipped`: tests, each with the reason. `trouble`: what else went wrong."""

    passed: int = 0
    failed: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    figures: Sequence[str] = ()
    trouble: str = ""
    seconds: float = 0
    missing: str = ""

    @property
    def is_good(self) -> bool:
        """All of it was run and passed."""
        return not (self.failed or self.skipped or self.trouble or self.missing)

    @property
    def is_whole(self) -> bool:
        """All of it was run."""
        return not (self.skipped or self.missing)

    def __str__(self) -> str:
        if self.missing:
            return f"not run: {self.missing}"
        said = [f"{len(self.failed)} failed"] if self.failed else []
        said += [self.trouble] if self.trouble else []
        said += sorted({f"{test} not run: {why}" for test, why in self.skipped.items()})
        said += [f"{self.passed} passed"] if self.passed > 1 else []
        return ", ".join([*said, *self.figures, f"{self.seconds:.0f} s"])


@dataclass(frozen=True)
class Machine:
    """What the proof runs on. `postgres` is empty where there is none."""

    cores: int
    system: str
    python: str
    sqlite: str
    postgres: str

    def lacks(self, step: Step) -> str:
        """What the step needs and is not here; empty if all is."""
        gone = [
            need for need in step.needs if not (self.postgres if need == "postgresql" else shutil.which(need))
        ]
        return f"needs {' and '.join(sorted(gone))}" if gone else ""


def this_machine() -> Machine:
    """The one that this process runs on."""
    return Machine(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        system=f"{os.uname().sysname} {os.uname().machine}",
        python=sys.version.partition(" ")[0],
        sqlite=sqlite3.sqlite_version,
        postgres=_postgres_version(),
    )


def _postgres_version() -> str:
    if url := os.environ.get(GIVEN):
        import asyncio

        import asyncpg

        async def ask() -> str:
            connection = await asyncpg.connect(url)
            try:
                version: str = await connection.fetchval("SHOW server_version")
            finally:
                await connection.close()
            return version

        told = asyncio.run(ask())
    else:
        try:
            programs = find_programs()
        except PostgresMissing:
            return ""
        told = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    version = re.search(r"\d+(\.\d+)*", told)
    return version[0] if version else told.strip()


class Kept:
    """Results on the disk, of one state of code, tests and machine."""

    def __init__(self, machine: Machine, *, folder: Path = ROOT / "build" / "proof") -> None:
        self._machine = machine
        self._seconds = folder / "seconds.json"
        self.folder = folder / _state(machine)
        self.folder.mkdir(parents=True, exist_ok=True)

    def get(self, step: Step) -> Result | None:
        """How the step ended, if it was run to its end."""
        file = self.folder / f"{step.key}.json"
        return Result(**json.loads(file.read_text("utf-8"))) if file.exists() else None

    def put(self, step: Step, result: Result) -> None:
        """Keeps it, and how long it took."""
        _write(self.folder / f"{step.key}.json", asdict(result))
        _write(self._seconds, self._known() | {step.key: result.seconds})

    def is_of_now(self) -> bool:
        """Whether all is still as it was when this run began."""
        return self.folder.name == _state(self._machine)

    def expected_seconds(self, step: Step) -> float:
        """About how long the step takes: as long as the last time."""
        return self._known().get(step.key, step.minutes * 60)

    def _known(self) -> dict[str, float]:
        known: dict[str, float] = json.loads(self._seconds.read_text()) if self._seconds.exists() else {}
        return known


def _write(file: Path, value: object) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(value, indent=1), "utf-8")
    part.replace(file)


def _state(machine: Machine) -> str:
    told = hashlib.sha256(repr(machine).encode())
    for place in PLACES:
        files = [ROOT / place] if (ROOT / place).is_file() else sorted((ROOT / place).rglob("*"))
        for file in files:
            if file.is_file() and not OUTSIDE & set(file.relative_to(ROOT).parts):
                told.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return told.hexdigest()[:12]


def run(step: Step, kept: Kept) -> Result:
    """Runs the step to its end. Interrupted, it ends what it has started, and nothing is kept."""
    told = kept.folder / f"{step.key}.told"
    told.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in SIZE}
    if step.tests:
        environment |= SIZE | {VARIABLE: str(told)}
    begun = time.monotonic()
    with (kept.folder / f"{step.key}.log").open("wb") as log:
        process = subprocess.Popen(
            step.command(), cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            code = process.wait()
        except BaseException:
            _end(process)
            raise
    seconds = time.monotonic() - begun
    if step.tests:
        return _result(step, code, told, seconds)
    last = (kept.folder / f"{step.key}.log").read_text("utf-8", "replace").strip().rpartition("\n")[2]
    if code:
        return Result(trouble="not caught" if step.bug else f"ended with {code}: {last}", seconds=seconds)
    return Result(passed=1, figures=[last] if step.module else [], seconds=seconds)


def _result(step: Step, code: int, told: Path, seconds: float) -> Result:
    if not told.exists():
        return Result(trouble=f"pytest ended with {code}", seconds=seconds)
    read = json.loads(told.read_text("utf-8"))
    ends: dict[str, tuple[str, str]] = read["ends"]
    lost = set(step.tests) - ends.keys()
    failed = {test: why for test, (end, why) in ends.items() if end == "failed"}
    trouble = f"{len(lost)} tests were not run" if lost else ""
    if code not in (0, 1) or (code == 1) != bool(failed):
        trouble = f"pytest ended with {code}"
    return Result(
        passed=sum(end == "passed" for end, _ in ends.values()),
        failed=failed,
        skipped={test: why for test, (end, why) in ends.items() if end == "skipped"},
        figures=[figure for figures in read["figures"].values() for figure in figures],
        trouble=trouble,
        seconds=seconds,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C would, so that tests put away what they have made; by force if that takes too long."""
    for number, seconds in ((signal.SIGINT, END_SECONDS), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            pass
        return
