"""A Redis or Valkey server beside the database, which nothing depends on (docs/decisions/0041).

What comes from it is sealed with the shop's secret: whoever else can write there is not believed. Every wait
is bounded. A server that fails is not asked again for a while, which is logged once, and so is its return.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog

from tuckshop.settings import SettingsInvalid

if TYPE_CHECKING:
    from redis.asyncio import Redis

ANSWER_SECONDS = 0.25  # A log-in waits for as long when the server hangs, once in RETRY_SECONDS.
RETRY_SECONDS = 5.0
CONNECTIONS_MAX = 20
SEALED_BYTES_MAX = 16_384  # What the shop writes is shorter.
_SEAL_BYTES = 16

log = structlog.get_logger(__name__)

Seal = Callable[[bytes], bytes]


def require_usable(url: str) -> None:
    """Returns only if this address can be used. Raises SettingsInvalid."""
    if not url:
        return
    if find_spec("redis") is None:
        raise SettingsInvalid(
            "TUCKSHOP_REDIS_URL needs the package redis. Install it with `pip install 'tuckshop[redis]'`."
        )
    try:
        _ = connect(url, seconds=ANSWER_SECONDS)
    except (ValueError, TypeError):
        raise SettingsInvalid(
            "TUCKSHOP_REDIS_URL is not valid. Set an address such as redis://127.0.0.1:6379/0 or"
            " unix:///run/redis/redis.sock."
        ) from None


def connect(url: str, *, seconds: float) -> Redis:
    """A client that waits so long at most for each answer. It connects when it is first used."""
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    client: Redis = Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        max_connections=CONNECTIONS_MAX,
    )
    return client


def failures() -> tuple[type[Exception], ...]:
    """What is raised when the server is away, answers nonsense or refuses."""
    from redis.exceptions import RedisError

    # RuntimeError, ValueError, IndexError: from answers that are not of the protocol.
    return RedisError, OSError, TimeoutError, ValueError, IndexError, RuntimeError


def sealed(seal: Seal, purpose: str, value: bytes) -> bytes:
    """The value with a seal that holds for this purpose alone."""
    return seal(b"redis\0" + purpose.encode() + b"\0" + value)[:_SEAL_BYTES] + value


def opened(seal: Seal, purpose: str, given: object) -> bytes | None:
    """What was sealed for this purpose; None for anything else."""
    if not isinstance(given, bytes) or not _SEAL_BYTES <= len(given) <= SEALED_BYTES_MAX:
        return None
    value = given[_SEAL_BYTES:]
    return value if hmac.compare_digest(given, sealed(seal, purpose, value)) else None


def prefix(seal: Seal) -> str:
    """What all names of this shop begin with, so that several shops can share a server."""
    return f"tuckshop:{seal(b'redis')[:8].hex()}:"


class Notes:
    """Short-lived notes that all processes of the shop share."""

    def __init__(self, url: str, *, seal: Seal) -> None:
        self._url = url
        self._seal = seal
        self._prefix = prefix(seal) + "note:"
        self._client: Redis | None = None
        self._asks_again = 0.0
        self._is_lost = False

    async def read(self, name: str) -> bytes | None:
        """A note; None if there is none, or the server is away."""
        found = await self._ask(lambda client: client.get(self._prefix + name))
        return opened(self._seal, name, found)

    async def write(self, name: str, value: bytes, *, seconds: float) -> None:
        """Leaves a note for so long, if the server is there."""
        note = sealed(self._seal, name, value)
        milliseconds = max(int(seconds * 1_000), 1)
        await self._ask(lambda client: client.set(self._prefix + name, note, px=milliseconds))

    async def close(self) -> None:
        """Hangs up."""
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.aclose()
            except failures():
                log.debug("redis.not_closed")

    async def _ask(self, ask: Callable[[Redis], Awaitable[Any]]) -> object:
        if monotonic() < self._asks_again:
            return None
        if self._client is None:
            self._client = connect(self._url, seconds=ANSWER_SECONDS)
        try:
            async with asyncio.timeout(2 * ANSWER_SECONDS):  # To connect, and to ask.
                found = await ask(self._client)
        except failures() as error:
            self._asks_again = monotonic() + RETRY_SECONDS
            if not self._is_lost:
                self._is_lost = True
                log.warning("redis.lost", error=type(error).__name__)
            return None
        if self._is_lost:
            self._is_lost = False
            log.info("redis.back")
        return found
