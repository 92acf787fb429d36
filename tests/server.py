"""Real servers for tests: `tuckshop serve` in process groups of their own, on one database, on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.limits import HANG_SECONDS
from tests.planted.planting import VARIABLE
from tests.wire import HOST
from tools import loopback
from tuckshop.identity.access_tokens import Tokens
from tuckshop.operations.startup import system_clock
from tuckshop.till.callers import SessionCaller

SECRET = "a secret that only the tests' servers know"
PORT_TRIES_MAX = 5
ROOT = Path(__file__).parent.parent

# Below the ports that outgoing connections get, and apart from those of tests' PostgreSQL servers: between a
# kill and the next start, nobody else may take one.
_PORTS = range(10_000, 20_000)

# Waits until its standard input closes, which happens however the process that holds the other end dies.
_GUARD = "cat >/dev/null; kill -KILL -$1"


class ServerFailed(Exception):
    """A server did not do what every server must; the message ends with what it said."""


@dataclass
class _Process:
    port: int
    log: Path
    process: subprocess.Popen[bytes]
    guard: subprocess.Popen[bytes]

    def reap(self) -> None:
        """Returns when the server is gone; then nobody must kill a group of its number any more."""
        self.process.wait()
        os.killpg(self.guard.pid, signal.SIGKILL)
        self.guard.communicate()


@dataclass
class Servers:
    """One or several servers on one database.

    `bug`: a planted one, see tests/concurrency/planted.py. `settings`: TUCKSHOP_* variables. `under`: the
    words of a program that starts them, and ends when they do.
    """

    url: str
    home: Path
    count: int = 1
    bug: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    under: Sequence[str] = ()
    starts: int = 0
    _ports: list[int] = field(default_factory=list)
    _running: list[_Process] = field(default_factory=list)
    _tokens: Tokens = field(default_factory=lambda: Tokens(secret=SECRET.encode(), clock=system_clock))

    @property
    def ports(self) -> Sequence[int]:
        """Where they listen; the same after a new start."""
        return tuple(self._ports)

    @property
    def groups(self) -> Sequence[int]:
        """The ids of the process groups that run."""
        return tuple(one.process.pid for one in self._running)

    def token(self, caller: SessionCaller) -> str:
        """A fresh access token, good for five minutes on each of them."""
        return self._tokens.access(caller)

    def start(self) -> None:
        """Starts all of them, and returns when they can sell. Raises ServerFailed."""
        if not self._ports:
            self._ports = [loopback.free_port(_PORTS) for _ in range(self.count)]
        self.starts += 1
        self._running = [self._launch(port) for port in self._ports]
        for one in self._running:
            _wait_until_ready(one)

    def said(self) -> str:
        """What they have logged since their last start."""
        return "\n".join(_log_of(self, port).read_text(errors="replace") for port in self._ports)

    def kill(self) -> None:
        """kill -9 to every process of every group, at once."""
        for one in self._running:
            with suppress(ProcessLookupError):
                os.killpg(one.process.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Returns when all of them are gone and their ports are free."""
        for one in self._running:
            one.reap()
        for one in self._running:
            _wait_until_free(one.port)
        self._running = []

    def stop(self) -> None:
        """Ends them as an operator would, and whatever is left of them by force."""
        for one in self._running:
            with suppress(ProcessLookupError):
                os.kill(_child_of(one.process.pid) if self.under else one.process.pid, signal.SIGTERM)
        for one in self._running:
            with suppress(subprocess.TimeoutExpired):
                one.process.wait(HANG_SECONDS)
        self.kill()
        self.wait()

    def _launch(self, port: int) -> _Process:
        log = _log_of(self, port)
        command = [sys.executable, "-m", "tests.limits"]
        if self.bug is not None:
            command[-1:] = ["tests.concurrency.planted", self.bug]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*self.under, *command, "serve", "--host", HOST, "--port", str(port)],
                cwd=self.home,
                env={**environment(self.url, self.home), **self.settings},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(process.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        return _Process(port, log, process, guard)


@contextmanager
def serving(
    url: str,
    home: Path,
    *,
    count: int = 1,
    bug: str | None = None,
    settings: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
) -> Iterator[Servers]:
    """Servers that take requests, for as long as the context lasts. Raises ServerFailed."""
    for tries_left in reversed(range(PORT_TRIES_MAX)):
        servers = Servers(url, home, count, bug, settings or {}, under)
        try:
            servers.start()
            break
        except ServerFailed as failure:
            servers.kill()
            servers.wait()
            # Between the look at a port and its use another process may take it.
            if not tries_left or "Cannot listen" not in str(failure):
                raise
    else:  # pragma: no cover
        raise AssertionError
    try:
        yield servers
    finally:
        servers.stop()


def _log_of(servers: Servers, port: int) -> Path:
    return servers.home / f"server-{port}-{servers.starts}.log"


def _child_of(pid: int) -> int:
    """The process that it started. Raises: ProcessLookupError."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists() or not (found := children.read_text().split()):
        raise ProcessLookupError(pid)
    return int(found[0])


def environment(url: str, home: Path) -> dict[str, str]:
    """What a process gets to know that works on the database at `url`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TUCKSHOP_") or name == VARIABLE
    }
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return inherited | {
        "PYTHONPATH": os.pathsep.join(paths),
        "TUCKSHOP_DATABASE_URL": url,
        "TUCKSHOP_HOME": str(home),
        "TUCKSHOP_SECRET": SECRET,
        "TUCKSHOP_CONFIG": os.devnull,  # This computer's own shop is another one.
    }


def _wait_until_free(port: int) -> None:
    # Workers are not this process's children: that they are gone shows in the port alone.
    deadline = time.monotonic() + HANG_SECONDS
    while not loopback.is_free(port):
        if time.monotonic() > deadline:
            raise ServerFailed(f"port {port} is still taken")
        time.sleep(0.005)


def _wait_until_ready(one: _Process) -> None:
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline:
        if one.process.poll() is not None:
            raise ServerFailed(f"a server ended with {one.process.returncode}:\n{_tail(one.log)}")
        if loopback.says_ready(one.port):
            return
        time.sleep(0.02)
    raise ServerFailed(f"a server was not ready in {HANG_SECONDS:.0f} s:\n{_tail(one.log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2_000:]
