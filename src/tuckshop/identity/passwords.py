"""Keeping passwords: argon2id, a few at a time, never on the event loop."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
MEMORY_KIB = 19 * 1024
PASSES = 2
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 of them; none is mistaken for another.
QUEUE_MAX = 50  # Some two seconds of hashing; whoever comes later is told at once.
AT_A_TIME = 2  # More would take the memory and the cores that sales need.

COMMON = frozenset(
    [
        "00000000",
        "000000000",
        "11111111",
        "111111111",
        "12341234",
        "12345678",
        "123456789",
        "1234567890",
        "12344321",
        "123123123",
        "123321123",
        "123454321",
        "13131313",
        "22222222",
        "55555555",
        "66666666",
        "77777777",
        "87654321",
        "88888888",
        "98765432",
        "987654321",
        "99999999",
        "a1b2c3d4",
        "aaaaaaaa",
        "abcd1234",
        "abcdefgh",
        "abc12345",
        "access14",
        "administrator",
        "adminadmin",
        "admin123",
        "admin1234",
        "arsenal1",
        "asdfasdf",
        "asdfghjk",
        "asdfghjkl",
        "babygirl",
        "baseball",
        "basketball",
        "batman123",
        "bismillah",
        "blink182",
        "butterfly",
        "changeme",
        "changeme1",
        "charlie1",
        "chelsea1",
        "chocolate",
        "computer",
        "corvette",
        "danielle",
        "december",
        "dragon12",
        "einstein",
        "elephant",
        "facebook",
        "fernando",
        "football",
        "football1",
        "fuckyou1",
        "fussball",
        "garfield",
        "geheim123",
        "godzilla",
        "hallo123",
        "hallohallo",
        "hello123",
        "helloworld",
        "hardcore",
        "iloveyou",
        "iloveyou1",
        "internet",
        "jennifer",
        "jessica1",
        "jonathan",
        "jordan23",
        "juventus",
        "kennwort",
        "kimberly",
        "letmein1",
        "letmein123",
        "liverpool",
        "liverpool1",
        "lovelove",
        "marlboro",
        "master12",
        "maverick",
        "mercedes",
        "metallica",
        "michael1",
        "michelle",
        "midnight",
        "minecraft",
        "monkey12",
        "monkey123",
        "mustang1",
        "nicholas",
        "november",
        "p@ssw0rd",
        "p@ssword",
        "pa$$word",
        "pa55word",
        "passw0rd",
        "password",
        "password1",
        "password12",
        "password123",
        "password1!",
        "passwort",
        "passwort1",
        "patricia",
        "pokemon1",
        "princess",
        "princess1",
        "q1w2e3r4",
        "q1w2e3r4t5",
        "qazwsxedc",
        "qwer1234",
        "qwert123",
        "qwerty12",
        "qwerty123",
        "qwerty1234",
        "qwertyui",
        "qwertyuiop",
        "qwertzui",
        "qwertzuiop",
        "rockstar",
        "samantha",
        "samsung1",
        "scorpion",
        "secret123",
        "september",
        "shadow12",
        "slipknot",
        "soccer12",
        "spiderman",
        "spongebob",
        "starwars",
        "steelers",
        "sunshine",
        "sunshine1",
        "superman",
        "superman1",
        "superstar",
        "svetlana",
        "swordfish",
        "test1234",
        "testtest",
        "trustno1",
        "tuckshop",
        "tuckshop1",
        "vanessa1",
        "victoria",
        "welcome1",
        "welcome123",
        "whatever",
        "whatever1",
        "willkommen",
        "winston1",
        "www12345",
        "yankees1",
        "zaq12wsx",
        "zaq1zaq1",
        "zxcvbnm1",
        "zxcvbnm123",
        "1q2w3e4r",
        "1q2w3e4r5t",
        "1qaz2wsx",
        "1qazxsw2",
    ]
)
"""What everybody tries first, long enough to pass as a password otherwise; lower case."""


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
