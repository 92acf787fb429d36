"""One thread on which everybody goes on in turn: an event loop without sockets, whose time costs nothing.

Whatever may be seen from outside waits for its turn first. When nobody has anything to do until then, one of
those who wait goes on, by choice; when nobody waits, time passes until somebody's sleep is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.simulation.choices import Choices

TURNS_MAX = 20_000  # A history takes some hundreds.


class Stuck(Exception):
    """Nobody can go on, or nobody comes to an end."""


class _Waiting(NamedTuple):
    who: str
    turn: asyncio.Future[None]


class Scheduler:
    """Who goes on. `turns` counts, and is the time by which one thing comes before another."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.turns = 0
        self._last = ""
        self._waiting: list[_Waiting] = []
        self.is_over = False

    async def turn(self, who: str) -> None:
        """Waits until it is the turn of `who`; there are none when the history is over."""
        if self.is_over:
            raise asyncio.CancelledError
        waiting = _Waiting(who, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await waiting.turn
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def go_on(self, *, sleepers: bool) -> bool:
        """Gives somebody a turn; false if nobody waits, or some time is to pass first."""
        if not self._waiting or (sleepers and self.choices.once_in(16)):
            return False
        self.turns += 1
        if self.turns > TURNS_MAX:
            raise Stuck("nobody comes to an end")
        # Whoever went on last comes first: it is the dullest choice.
        self._waiting.sort(key=lambda one: (one.who != self._last, one.who))
        chosen = self._waiting.pop(self.choices.pick(len(self._waiting)))
        self._last = chosen.who
        if not chosen.turn.done():
            chosen.turn.set_result(None)
        return True


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs coroutines under a scheduler. It can wait for nothing but turns, sleeps and each other."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._selector = self  # What the loop asks for events, and to wait for them.
        self.seconds = 0.0

    def time(self) -> float:
        """Seconds since the history began."""
        return self.seconds

    def select(self, timeout: float | None) -> list[Any]:
        """Asked when nothing is left to do, or (with 0) when something is. Raises Stuck."""
        if timeout != 0 and not self._scheduler.go_on(sleepers=timeout is not None):
            if timeout is None:
                raise Stuck("everybody waits for somebody else")
            self.seconds += timeout
        return []

    def _process_events(self, event_list: object) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody is elsewhere."""


def simulate(scheduler: Scheduler, main: Callable[[], Any]) -> Any:
    """Runs the coroutine that `main` makes to its end; what it returns. Raises Stuck."""
    loop = SimulatedLoop(scheduler)
    try:
        return loop.run_until_complete(main())
    finally:
        scheduler.is_over = True
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(_ended(left))
        loop.close()


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
