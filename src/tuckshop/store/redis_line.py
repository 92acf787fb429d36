"""Hearing what other processes say through Redis: one connection, renewed for as long as it takes.

As `listening.Line` does through PostgreSQL, but for what is said while nobody is connected: that is dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from tuckshop.store.redis_server import Seal, connect, failures, opened, prefix, sealed

if TYPE_CHECKING:
    from redis.asyncio import Redis

RETRY_SECONDS = 1.0
ALIVE_SECONDS = 10.0  # A connection through a dead network would be silent for ever: it is asked so often.
ANSWER_SECONDS = 5.0
UNSENT_MAX = 1_000  # A second of many batches; more means that the server does not keep up.

log = structlog.get_logger(__name__)


class RedisLine:
    """Listens to channels, and says things.

    `renewed` is called whenever something may have been missed, `lost` when nothing is heard any more, and
    `dropped` when something that was to be said was not.
    """

    def __init__(
        self,
        *,
        url: str,
        seal: Seal,
        heard: Mapping[str, Callable[[str], None]],
        renewed: Callable[[], None],
        lost: Callable[[], None],
        dropped: Callable[[], None],
    ) -> None:
        self.is_up = False
        self._url = url
        self._seal = seal
        self._prefix = prefix(seal)
        self._heard = {f"{self._prefix}{channel}": (channel, hear) for channel, hear in heard.items()}
        self._renewed, self._lost, self._dropped = renewed, lost, dropped
        self._wake = asyncio.Event()
        self._to_say: deque[tuple[str, str]] = deque()

    def say(self, channel: str, words: str = "") -> None:
        """Says something on the channel at once, or never."""
        if not self.is_up or len(self._to_say) >= UNSENT_MAX:
            self._dropped()
            return
        self._to_say.append((channel, words))
        self._wake.set()

    async def keep_listening(self) -> None:
        """Listens until it is cancelled."""
        is_known_lost = False
        while True:
            client = connect(self._url, seconds=ANSWER_SECONDS)
            try:
                await self._listen(client)
            except failures() as error:
                if self.is_up or not is_known_lost:
                    log.warning("events.redis_lost", error=type(error).__name__)
                is_known_lost = True
            finally:
                was_up, self.is_up = self.is_up, False
                await _close(client)
            if was_up:
                self._lost()
            if self._to_say:
                self._to_say.clear()
                self._dropped()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self, client: Redis) -> None:
        pubsub = client.pubsub()
        await pubsub.subscribe(*self._heard)
        for _ in self._heard:  # What is said before all of them are confirmed would not be heard.
            if await pubsub.get_message(timeout=ANSWER_SECONDS) is None:
                raise TimeoutError
        self.is_up = True
        log.info("events.redis_up")
        self._renewed()
        tasks = [asyncio.create_task(self._hear(pubsub)), asyncio.create_task(self._send(client))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _hear(self, pubsub: Any) -> None:
        is_asked = False
        while True:
            message = await pubsub.get_message(timeout=ANSWER_SECONDS if is_asked else ALIVE_SECONDS)
            if message is None:
                if is_asked:
                    raise TimeoutError
                await pubsub.ping()
                is_asked = True
                continue
            is_asked = False
            channel, hear = self._heard.get(_text(message["channel"]), ("", None))
            words = opened(self._seal, channel, message["data"])
            if hear is not None and words is not None:
                hear(words.decode("utf-8", "replace"))

    async def _send(self, client: Redis) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._to_say:
                channel, words = self._to_say[0]
                await client.publish(f"{self._prefix}{channel}", sealed(self._seal, channel, words.encode()))
                self._to_say.popleft()


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else ""


async def _close(client: Redis) -> None:
    try:
        await client.aclose()
    except failures():
        log.debug("events.redis_not_closed")
