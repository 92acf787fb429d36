"""A reader that takes the whole audit again and again while others write: every reading must balance.

A process of its own (`python -m tests.reader URL FILE`): it can be killed together with the servers, and
then nobody is left who closes a SQLite file in good order. It writes one line for each reading.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.limits import HANG_SECONDS
from tests.server import environment
from tuckshop.operations.audit import Report, audit
from tuckshop.store.engine import open_engine

CLEAN = "clean"
READINGS_MAX = 1_000_000
FAULTS_SHOWN_MAX = 3
# As long as a reading takes, it rests: a reader that is always there would leave the writers half a machine.
PAUSE_SECONDS_MIN = 0.01


def faults_of(report: Report) -> str:
    """What an audit found, in one line; CLEAN if that is nothing."""
    found = [f"{check.name}: {check.problems[:2]}" for check in report.checks if check.problem_count]
    return "; ".join(found).replace("\n", " ") or CLEAN


@dataclass
class Reader:
    """The reader's process, as seen from the test. Killed or not, it may be started again."""

    url: str
    home: Path
    _files: list[Path] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts reading; returns after the first reading."""
        file = self.home / f"readings-{len(self._files) + 1}"
        self._files.append(file)
        with file.with_suffix(".log").open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.reader", self.url, str(file)],
                cwd=self.home,
                env=environment(self.url, self.home),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + HANG_SECONDS
        while not (file.exists() and file.stat().st_size):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"no reading:\n{file.with_suffix('.log').read_text()[-2_000:]}")
            time.sleep(0.01)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ends after the reading that is being taken. Raises AssertionError if it had ended by itself."""
        process, self._process = self._process, None
        if process is not None:
            ended = process.poll()
            process.terminate()
            process.wait()
            assert ended is None, self._files[-1].with_suffix(".log").read_text()[-2_000:]

    @property
    def readings(self) -> int:
        """How many were taken so far."""
        return len(self._lines())

    def faults(self) -> list[str]:
        """The first readings that did not balance."""
        found = [f"reading {number}: {line}" for number, line in enumerate(self._lines(), 1) if line != CLEAN]
        return found[:FAULTS_SHOWN_MAX]

    def _lines(self) -> list[str]:
        # What follows the last line break is a reading that a kill cut off.
        return [line for file in self._files for line in file.read_text().split("\n")[:-1]]


@contextmanager
def reading(url: str, home: Path) -> Iterator[Reader]:
    """A reader of the books at `url`, for as long as the context lasts."""
    reader = Reader(url, home)
    try:
        reader.start()
        yield reader
    finally:
        reader.stop()


async def _read(url: str, file: Path) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    parent = os.getppid()
    engine = open_engine(url, pool_size=1)
    with file.open("a") as output:
        for _ in range(READINGS_MAX):
            if stopped.is_set() or os.getppid() != parent:
                break
            began = time.monotonic()
            try:
                line = faults_of(await audit(engine))
            except Exception as error:  # noqa: BLE001  # Whatever it is, the test must hear of it.
                line = f"{type(error).__name__}: {error}".replace("\n", " ")
            output.write(f"{line}\n")
            output.flush()
            await asyncio.sleep(max(PAUSE_SECONDS_MIN, time.monotonic() - began))
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(_read(sys.argv[1], Path(sys.argv[2])))
