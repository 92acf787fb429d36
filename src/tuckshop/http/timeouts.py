"""Requests whose body stops coming: they are answered 408, and hold up nobody's end.

A timer for each request would cost every purchase a little. Instead each notes when it began to wait for a
piece, and one look a second at those that still wait finds who has waited too long.
"""

from __future__ import annotations

import asyncio

STALL_SECONDS_MAX = 10  # Between two pieces; a telephone that changes its network needs some seconds.
BODY_SECONDS_MAX = 120  # For all pieces: an image of 8 MiB over a poor line.
LOOK_SECONDS = 1.0


class Stalls:
    """The requests of one process that wait for a piece of their body. Times are looks since the start."""

    def __init__(self) -> None:
        self.looks = 0
        self._waiting: dict[asyncio.Task[object], tuple[int, int]] = {}
        self._ended: set[asyncio.Task[object]] = set()
        self._looks_max = STALL_SECONDS_MAX

    def wait(self, task: asyncio.Task[object], begun: int) -> None:
        """The request waits from now on for its next piece; for its first since the look `begun`."""
        self._waiting[task] = (begun, self.looks)

    def go_on(self, task: asyncio.Task[object]) -> None:
        """The request waits no more."""
        self._waiting.pop(task, None)

    def took_too_long(self, task: asyncio.Task[object]) -> bool:
        """Whether the request was ended here, not by somebody else."""
        if task not in self._ended:
            return False
        self._ended.discard(task)
        task.uncancel()
        return True

    def hurry(self) -> None:
        """The server ends: pieces that do not come within two looks count as stalled."""
        self._looks_max = 1

    def look(self) -> None:
        """Ends those that have waited too long."""
        self.looks += 1
        for task, (begun, since) in list(self._waiting.items()):
            if self.looks - since > self._looks_max or self.looks - begun > BODY_SECONDS_MAX:
                del self._waiting[task]
                self._ended.add(task)
                task.cancel()

    async def keep_looking(self) -> None:
        """Looks every second until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()
