"""What the shop says to its operator: one line of JSON on standard error for each event, and counts.

Counting happens for every request, so it is a few additions in memory; words are made of it only when
somebody asks (operations/metrics.py).
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import structlog
from structlog.typing import Processor

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
ALERTS_MAX = 1_000
ALERT_LENGTH_MAX = 200
COMMANDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


def set_up_logs(*, for_people: bool = False) -> None:
    """Sends events to standard error as JSON, or `for_people` as text.

    Tracebacks come without local variables, which hold passwords and tokens; and plain, since drawing
    pretty ones takes seconds in which nobody is served.
    """
    written: Processor = structlog.processors.JSONRenderer()
    if for_people:
        plain = structlog.dev.plain_traceback
        written = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _report,
            *([] if for_people else [structlog.processors.format_exc_info]),
            written,
        ],
        logger_factory=lambda *_: _StandardError(),
    )


Report = Callable[[str, Mapping[str, Any]], None]
_reports: list[Report] = []


def report_errors_to(report: Report) -> Callable[[], None]:
    """From now on it hears of every error, by event and facts; whoever calls the answer ends that."""
    _reports.append(report)
    return lambda: _reports.remove(report)


def _report(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if method == "error":
        for report in _reports:
            report(str(event.get("event")), event)
    return event


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


@dataclass(slots=True)
class Alerts:
    """What staff should see, until it is stored: see `operations.alerts`.

    By kind and subject, so that a flood of one thing is one; of more than ALERTS_MAX the rest is left out.
    """

    waiting: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def add(self, kind: str, subject: str, detail: str) -> None:
        """Counts one more; `detail` is the newest's."""
        count, _ = self.waiting.get((kind, subject), (0, ""))
        if count or len(self.waiting) < ALERTS_MAX:
            self.waiting[kind, subject] = count + 1, detail[:ALERT_LENGTH_MAX]

    def take(self) -> dict[tuple[str, str], tuple[int, str]]:
        """All that waits, which waits no more."""
        taken, self.waiting = self.waiting, {}
        return taken


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
