"""What this computer can do just now: no figure of a sale means anything without it."""

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

_BLOCK = b"\x5a" * 8_192  # What PostgreSQL writes to its log at the least.
_WRITES = 100
_SECONDS_MAX = 1.0  # A slow disk shows as well in fewer writes.
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds that half and 99 of 100 needed at most."""

    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a durable write costs, and which share of the processors others are using."""

    fdatasync: Latency
    busy_share: float


def look() -> Host:
    """Look around, while nothing of the bench runs. Takes a second or so."""
    fdatasync = _fdatasync_latency()
    idle, whole = _processor_ticks()
    time.sleep(_LOOK_SECONDS)
    idle_later, whole_later = _processor_ticks()
    busy_share = 1 - (idle_later - idle) / max(1, whole_later - whole)
    return Host(fdatasync=fdatasync, busy_share=busy_share)


def latency(seconds: list[float]) -> Latency:
    """The latency of these durations, two at least."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return Latency(p50_ms=cuts[49] * 1_000, p99_ms=cuts[98] * 1_000)


def _fdatasync_latency() -> Latency:
    """Overwrite blocks of a file where the bench's databases lie, each followed by fdatasync."""
    seconds: list[float] = []
    with tempfile.NamedTemporaryFile(prefix="tuckshop-bench-") as file:
        descriptor = file.fileno()
        os.write(descriptor, _BLOCK * _WRITES)
        os.fsync(descriptor)
        while len(seconds) < _WRITES and (len(seconds) < 2 or sum(seconds) < _SECONDS_MAX):
            os.pwrite(descriptor, _BLOCK, len(seconds) * len(_BLOCK))
            began = time.perf_counter()
            os.fdatasync(descriptor)
            seconds.append(time.perf_counter() - began)
    return latency(seconds)


def _processor_ticks() -> tuple[int, int]:
    """Ticks that all processors were idle, and all ticks, since the computer started."""
    ticks = [int(tick) for tick in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return ticks[3] + ticks[4], sum(ticks)
