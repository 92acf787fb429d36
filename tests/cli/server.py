"""A real `tuckshop serve` or `demo` for tests, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.limits import HANG_SECONDS
from tools import loopback

TUCKSHOP = (sys.executable, "-m", "tests.limits")
ROOT = Path(__file__).parents[2]


@dataclass
class Server:
    """A running server. `shop`: once it has ended, the line that said which shop it serves."""

    process: subprocess.Popen[str]
    url: str
    shop: str = ""

    def get(self, path: str) -> bytes:
        """The body of what is there."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=HANG_SECONDS) as answer:
            body: bytes = answer.read()
            return body

    def end(self) -> tuple[str, str]:
        """What it printed, once SIGTERM has ended it in good order: none of it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        out, error = self.process.communicate(timeout=HANG_SECONDS)
        assert self.process.returncode == 0, (out, error)
        if error.startswith("Shop: "):
            self.shop, _, error = error.partition("\n")
        return out, error


@contextmanager
def serving(*words: str, cwd: Path, program: tuple[str, ...] = TUCKSHOP, **settings: str) -> Iterator[Server]:
    """The server, once it is ready; killed at the end if it is still there."""
    port = loopback.free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    environment["TUCKSHOP_PORT"] = str(port)
    environment.setdefault("TUCKSHOP_CONFIG", os.devnull)  # This computer's own shop is another one.
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [environment.get("PYTHONPATH")])])
    environment |= {f"TUCKSHOP_{name.upper()}": value for name, value in settings.items()}
    process = subprocess.Popen(
        [*program, *words],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    server = Server(process, f"http://127.0.0.1:{port}")
    try:
        _wait(server)
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _wait(server: Server) -> None:
    until = time.monotonic() + HANG_SECONDS
    while time.monotonic() < until:
        if server.process.poll() is not None:
            raise AssertionError(server.process.communicate())
        try:
            server.get("/health/ready")
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server did not get ready")
