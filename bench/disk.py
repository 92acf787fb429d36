"""What one durable write costs here: no figure of a sale means anything without it."""

import os
import tempfile
import time
from dataclasses import dataclass
from statistics import quantiles

_BLOCK = b"\x5a" * 8_192  # What PostgreSQL writes to its log at the least.
_WRITES = 100
_SECONDS_MAX = 1.0  # A slow disk shows as well in fewer writes.


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds that half and 99 of 100 needed at most."""

    p50_ms: float
    p99_ms: float


def fdatasync_latency() -> Latency:
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


def latency(seconds: list[float]) -> Latency:
    """The latency of these durations, two at least."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return Latency(p50_ms=cuts[49] * 1_000, p99_ms=cuts[98] * 1_000)
