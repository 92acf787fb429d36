"""Redis servers of our own for tests, on loopback and in memory; and what an attacker writes there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.limits import HANG_SECONDS
from tests.programs import found, running
from tools.loopback import HOST, free_port

_PORTS = range(10_000, 20_000)


@dataclass
class RedisServer:
    """A redis-server that can be stopped, and started again in the same place with nothing in it."""

    folder: Path
    port: int
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://{HOST}:{self.port}/0"

    def start(self) -> None:
        """Returns when it answers. Raises ProgramFailed."""
        words = ("--port", str(self.port), "--bind", HOST, "--save", "", "--appendonly", "no")
        started = running([found("redis-server"), *words], folder=self.folder, is_ready=self.answers)
        self.process: subprocess.Popen[bytes] = self._stack.enter_context(started)

    def kill(self) -> None:
        """kill -9; returns when it is gone."""
        self.process.kill()
        self._stack.close()

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            with self.client() as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False

    def client(self) -> Redis:
        """A client of the test's own."""
        return Redis(host=HOST, port=self.port, socket_timeout=HANG_SECONDS)


@contextmanager
def serving_redis(folder: Path) -> Iterator[RedisServer]:
    """A server, from when it answers to the end of the context."""
    server = RedisServer(folder, free_port(_PORTS))
    server.start()
    try:
        yield server
    finally:
        server._stack.close()
