"""Programs beside the shop for tests, such as nginx and redis-server.

They are started in groups of their own, and gone with the test, however that ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.limits import HANG_SECONDS

# Waits until its standard input closes, which happens however the process that holds the other end dies.
_GUARD = "cat >/dev/null; kill -KILL -$1"
_ELSEWHERE = ":/usr/sbin:/usr/local/sbin:/sbin"  # Debian keeps servers off the PATH of users.


class ProgramFailed(Exception):
    """A program did not start; the message ends with what it said."""


def found(name: str) -> str:
    """The path of a program. Raises ProgramFailed."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + _ELSEWHERE)
    if path is None:
        raise ProgramFailed(f"{name} is missing: `make test.more` installs it")
    return path


@contextmanager
def running(
    command: Sequence[str], *, folder: Path, is_ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    """The program, from when it is ready to the end of the context. Raises ProgramFailed."""
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "guard", str(process.pid)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        deadline = time.monotonic() + HANG_SECONDS
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ProgramFailed(f"{command[0]} did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.01)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(HANG_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.killpg(guard.pid, signal.SIGKILL)
        guard.communicate()
