"""Keeping passwords: argon2id, a few at a time, never on the event loop."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
MEMORY_KIB = 19 * 1024
PASSES = 2
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 of them; none is mistaken for another.
QUEUE_MAX = 50  # Some two seconds of hashing; whoever comes later is told at once.
AT_A_TIME = 2  # More would take the memory and the cores that sales need.

COMMON = frozenset((files("tuckshop.identity") / "common_passwords.txt").read_text("utf-8").splitlines())
"""What everybody tries first, long enough to pass as a password otherwise; lower case, one a line."""


def invent() -> str:
    """A random password of 80 bits that is read out and typed without mistakes: `k7mq-x3vd-9fhr-t2wz`."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(16))
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


Result = TypeVar("Result")


class Overrun(Exception):
    """More passwords wait to be hashed than can be in a bearable time; nothing was done."""


class Passwords:
    """Hashes and checks passwords on threads of its own. Raises Overrun when QUEUE_MAX are waiting."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
        self._threads = ThreadPoolExecutor(max_workers=AT_A_TIME, thread_name_prefix="argon2")
        self._dummy = ""
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """The encoded hash to keep."""
        return await self._run(self._hasher.hash, password)

    async def fits(self, password: str, kept: str | None) -> bool:
        """Whether the password belongs to the hash; without one it takes as long to say no."""
        if not self._dummy:
            self._dummy = await self.hash("nobody's password")
        return await self._run(self._verify, kept or self._dummy, password) and kept is not None

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., Result], *arguments: str) -> Result:
        if self._waiting >= QUEUE_MAX:
            raise Overrun
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._waiting -= 1

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
