"""Hearing what other processes say through PostgreSQL: one connection, renewed for as long as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg
import structlog

RETRY_SECONDS = 1.0
ALIVE_SECONDS = 10.0  # A connection through a dead network would be silent for ever: it is asked so often.
ANSWER_SECONDS = 5.0
_SAY = "SELECT pg_notify(channel, words) FROM unnest($1::text[], $2::text[]) AS said (channel, words)"

log = structlog.get_logger(__name__)


class Line:
    """Listens to channels, and says things; `renewed` is called whenever something may have been missed."""

    def __init__(
        self, *, dsn: str, heard: Mapping[str, Callable[[str], None]], renewed: Callable[[], None]
    ) -> None:
        self.is_up = False
        self._dsn = dsn
        self._heard = heard
        self._renewed = renewed
        self._wake = asyncio.Event()
        self._to_say: list[tuple[str, str]] = []

    def say(self, channel: str, words: str = "") -> None:
        """Says something on the channel, as soon as it can."""
        self._to_say.append((channel, words))
        self._wake.set()

    async def keep_listening(self) -> None:
        """Listens until it is cancelled."""
        while True:
            connection = None
            try:
                connection = await asyncpg.connect(
                    self._dsn,
                    timeout=ANSWER_SECONDS,
                    command_timeout=ANSWER_SECONDS,
                    server_settings={"application_name": "tuckshop events"},
                )
                await self._listen(connection)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("events.line_lost", error=type(error).__name__)
            finally:
                self.is_up = False
                if connection is not None:
                    connection.terminate()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self, connection: asyncpg.Connection[Any]) -> None:
        connection.add_termination_listener(lambda _: self._wake.set())
        for channel in self._heard:
            await connection.add_listener(channel, self._hear)
        self.is_up = True
        self._renewed()
        while not connection.is_closed():
            self._wake.clear()
            said, self._to_say = self._to_say, []
            await connection.execute(_SAY, [channel for channel, _ in said], [words for _, words in said])
            try:
                await asyncio.wait_for(self._wake.wait(), ALIVE_SECONDS)
            except TimeoutError:
                continue
        raise asyncpg.InterfaceError("the connection was closed")

    def _hear(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        self._heard[channel](str(payload))
