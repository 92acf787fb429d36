"""What the shop says to its operator: one line of JSON on standard error for each event, and counts.

Counting happens for every request, so it is a few additions in memory; words are made of it only when
somebody asks (operations/metrics.py).
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter

import structlog

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
COMMANDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


def set_up_logs() -> None:
    """Sends events to standard error as JSON.

    Tracebacks come without local variables, which hold passwords and tokens; and plain, since drawing
    pretty ones takes seconds in which nobody is served.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: _StandardError(),
    )


class _StandardError:
    """A line an event. One that cannot be written is lost: no sale fails because nobody reads the log."""

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):  # A full disk, a reader that is gone; a file that was closed.
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = msg


class Spread:
    """How often values fell below each of some bounds, and what they add up to."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Counts one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class Meter:
    """What one process has counted since it started."""

    requests: dict[tuple[str, str, int], Spread] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)  # those that were raised, not the till's
    connections: int = 0
    connections_max: int = 0
    connections_ended: int = 0  # since they were silent while too many were open

    def respond(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one request whose answer has begun."""
        spread = self.requests.get((route, method, status))
        if spread is None:
            spread = self.requests[route, method, status] = Spread()
        spread.add(seconds)


class Throttle:
    """Lets so many lines pass in a second: when all fails at once, the log must not make it worse."""

    def __init__(self, lines_max: int = 10) -> None:
        self._lines_max = lines_max
        self._second = 0
        self._lines = 0
        self.held_back = 0

    def lets_pass(self) -> bool:
        """Whether this line may be written; those that may not are counted in `held_back`."""
        second = int(perf_counter())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines <= self._lines_max:
            return True
        self.held_back += 1
        return False
