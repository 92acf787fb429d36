"""Keeping passwords: argon2id, a few at a time, never on the event loop."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tuckshop.domain.users import PASSWORD_LENGTH_MIN

# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
MEMORY_KIB = 19 * 1024
PASSES = 2
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 of them; none is mistaken for another.
QUEUE_MAX = 50  # Some two seconds of hashing; whoever comes later is told at once.
NEW_QUEUE_MAX = 20  # The same, at half the speed.
AT_A_TIME = 2  # More would take the memory and the cores that sales need.
NEW_AT_A_TIME = 1

FIRST_TRIED = frozenset((files("tuckshop.identity") / "common_passwords.txt").read_text("utf-8").splitlines())
"""What everybody tries first, long enough to pass as a password otherwise; lower case, one a line."""


@cache
def common() -> frozenset[str]:
    """Those, and the 11,000 that were most often found in leaks, as zxcvbn lists them."""
    # It is a tenth of a second and 14 MB to those who set no password.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    leaked = (word for word in FREQUENCY_LISTS["passwords"] if len(word) >= PASSWORD_LENGTH_MIN)
    return FIRST_TRIED.union(leaked)


def invent() -> str:
    """A random password of 80 bits that is read out and typed without mistakes: `k7mq-x3vd-9fhr-t2wz`."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(16))
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


Result = TypeVar("Result")


class Overrun(Exception):
    """More passwords wait to be hashed than can be in a bearable time; nothing was done."""


class Passwords:
    """Hashes and checks passwords on threads of its own, AT_A_TIME of them.

    New passwords have a queue of their own, are hashed one at a time, and only while no log-in waits: anybody
    can register, and nobody keeps others from logging in by that. Raises Overrun when a queue is full.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
        self._threads = ThreadPoolExecutor(max_workers=AT_A_TIME, thread_name_prefix="argon2")
        self._dummy = ""
        self._checks = _Queue(at_a_time=AT_A_TIME, waiting_max=QUEUE_MAX)
        self._new = _Queue(at_a_time=NEW_AT_A_TIME, waiting_max=NEW_QUEUE_MAX)

    async def hash(self, password: str) -> str:
        """The encoded hash of a new password, to keep."""
        return await self._run(self._new, self._hasher.hash, password)

    async def fits(self, password: str, kept: str | None) -> bool:
        """Whether the password belongs to the hash; without one it takes as long to say no."""
        if not self._dummy:
            self._dummy = await self._run(self._checks, self._hasher.hash, "nobody's password")
        return await self._run(self._checks, self._verify, kept or self._dummy, password) and kept is not None

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, queue: _Queue, work: Callable[..., Result], *arguments: str) -> Result:
        if len(queue.waiting) + queue.running >= queue.waiting_max:
            raise Overrun
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        queue.waiting.append(turn)
        self._call_next()
        try:
            await turn
            return await loop.run_in_executor(self._threads, work, *arguments)
        finally:
            if turn in queue.waiting:
                queue.waiting.remove(turn)  # Gone before it was called.
            else:
                queue.running -= 1
            self._call_next()

    def _call_next(self) -> None:
        for queue in (self._checks, self._new):
            while queue.waiting and queue.running < queue.at_a_time and self._has_thread():
                queue.running += 1
                turn = queue.waiting.popleft()
                if not turn.done():
                    turn.set_result(None)

    def _has_thread(self) -> bool:
        return self._checks.running + self._new.running < AT_A_TIME

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


@dataclass(slots=True)
class _Queue:
    """Who waits for one kind of work. `waiting_max` counts those whose turn it is, too."""

    at_a_time: int
    waiting_max: int
    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
