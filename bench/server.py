"""A Tuckshop server of the bench's own, as an operator would start it."""

import hashlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench import processes
from bench.measure import BenchFailed
from bench.programs import said_by
from tools import loopback
from tools.postgres import Cluster

_CLUSTER: dict[str, str | int] = {
    "shared_buffers": "512MB",
    "max_connections": 150,  # For 64 clients of pgbench, or two workers, and some to look on.
    # No checkpoint falls into one run and spares another.
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}
_HOST = "127.0.0.1"
_READY_SECONDS_MAX = 30.0
_STOP_SECONDS_MAX = 15.0
_AUDIT_SECONDS_MAX = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that takes requests."""

    port: int
    secret: str
    ready_seconds: float
    group: int  # the id of its process group

    def resident_bytes(self) -> list[int]:
        """What each of its processes holds in memory, the largest first."""
        return sorted(map(processes.resident_bytes, self.processes()), reverse=True)

    def processes(self) -> list[Path]:
        """Its processes, as their folders below /proc."""
        return processes.group(self.group)


@contextmanager
def serving(url: str, *, workers: int, settings: dict[str, str] | None = None) -> Iterator[Server]:
    """Run `tuckshop serve` on a database in a process group of its own, and stop all of it afterwards."""
    secret = hashlib.sha256(url.encode()).hexdigest()  # The same at every start: a shop takes no other.
    with tempfile.TemporaryDirectory(prefix="tuckshop-bench-") as home, tempfile.TemporaryFile() as log:
        port = loopback.free_port()
        began = time.monotonic()
        process = subprocess.Popen(
            _tuckshop("serve", "--host", _HOST, "--port", str(port), "--workers", str(workers)),
            env=_environment(url, home=home, secret=secret) | (settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, port, log)
            ready_seconds = time.monotonic() - began
            yield Server(port=port, secret=secret, ready_seconds=ready_seconds, group=process.pid)
        except BenchFailed as failure:
            raise BenchFailed(f"{failure}\nThe server's last words:\n{_tail(log)}") from failure
        finally:
            _stop(process)


def postgres() -> Cluster:
    """A PostgreSQL server that keeps every promise of durability."""
    return Cluster(_CLUSTER)


def machine_key(url: str, name: str) -> str:
    """A new key of a machine."""
    with tempfile.TemporaryDirectory(prefix="tuckshop-bench-") as home:
        environment = _environment(url, home=home, secret=secrets.token_hex(32))
        said = said_by(_tuckshop("machine", "key", name), seconds_max=_READY_SECONDS_MAX, env=environment)
        return said.split()[1]


def require_clean_audit(url: str) -> None:
    """Run `tuckshop audit`. Raises: BenchFailed unless it finds every row right."""
    with tempfile.TemporaryDirectory(prefix="tuckshop-bench-") as home:
        environment = _environment(url, home=home, secret=secrets.token_hex(32))
        said_by(_tuckshop("audit"), seconds_max=_AUDIT_SECONDS_MAX, env=environment)


def _tuckshop(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("tuckshop")), *arguments]


def _environment(url: str, *, home: str, secret: str) -> dict[str, str]:
    # The caller's own shop must not be what is measured.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TUCKSHOP_")}
    return inherited | {
        "TUCKSHOP_DATABASE_URL": url,
        "TUCKSHOP_HOME": home,
        "TUCKSHOP_SECRET": secret,
        "TUCKSHOP_CONFIG": os.devnull,
    }


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    deadline = time.monotonic() + _READY_SECONDS_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchFailed(f"tuckshop serve ended with {process.returncode}")
        if loopback.says_ready(port, seconds=1):
            return
        time.sleep(0.01)
    raise BenchFailed(f"tuckshop serve was not ready in {_READY_SECONDS_MAX:.0f} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS_MAX)
    # Workers that outlived their parent; none is left after a clean stop.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode(errors="replace")[-2_000:]
