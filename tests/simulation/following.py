"""What the tills said in a history, said again to a real PostgreSQL, in the same order.

It must answer each statement with the same rows or the same error, and let those wait, and only those, that
waited in the simulation. So the model is held to what it is a model of.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tests.limits import HANG_SECONDS
from tests.simulation.database import FIRST_ID, NUMBERED, Answered, Asked, Ended, Event
from tests.simulation.stage import Dump, queries, told_by
from tuckshop.till.sql import postgres

_PAUSE_SECONDS = 0.002
_REFS = "SELECT id, kind, user_id, guest_id, machine_id FROM accounts"
_WAITS = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"


@dataclass
class Followed:
    """How far a real server went along: statements, those that waited, and where it parted."""

    statements: int = 0
    waits: int = 0
    differences: list[str] = field(default_factory=list)


async def follow(events: list[Event], dsn: str) -> Followed:
    """Says to the server at `dsn`, whose books are as the history began, all that was said."""
    followed = Followed()
    async with _watching(dsn) as watcher:
        for table in sorted(NUMBERED):
            await watcher.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {FIRST_ID})")
        follower = _Follower(dsn, watcher, followed)
        try:
            for event, following in zip(events, [*events[1:], None], strict=True):
                await follower.say(event, following)
                if followed.differences:
                    break
        finally:
            await follower.close()
    return followed


async def books_of(dsn: str) -> Dump:
    """All rows of the books, as the simulation tells them."""
    async with _watching(dsn) as connection:
        refs = {account_id: ref for account_id, *ref in await connection.fetch(_REFS)}
        return {
            table: told_by(_plain(await connection.fetch(sql)), places, refs)
            for table, sql, places in queries()
        }


class _Follower:
    def __init__(self, dsn: str, watcher: Any, followed: Followed) -> None:
        self._dsn = dsn
        self._watcher = watcher
        self._followed = followed
        self._lines: dict[int, Any] = {}  # by transaction
        self._idle: dict[str, Any] = {}  # by till
        self._answers: dict[int, asyncio.Future[Any]] = {}

    async def say(self, event: Event, following: Event | None) -> None:
        """One event; `following` tells whether a statement waits."""
        number = event.transaction
        match event:
            case Asked():
                line = self._lines.get(number) or await self._begin(number, event.who)
                answer = self._answers[number] = asyncio.ensure_future(_ask(line, event))
                self._followed.statements += 1
                if not isinstance(following, Answered) or following.transaction != number:
                    self._followed.waits += 1
                    await self._see_it_wait(line, answer, event)
            case Answered():
                await self._compare(event)
            case Ended():
                line = self._lines.pop(number, None)
                if line is not None:
                    await line.execute("COMMIT" if event.status == "committed" else "ROLLBACK")
                    self._idle[event.who] = line

    async def close(self) -> None:
        """Hangs up."""
        for line in (*self._lines.values(), *self._idle.values()):
            line.terminate()
        await asyncio.gather(*self._answers.values(), return_exceptions=True)

    async def _begin(self, number: int, who: str) -> Any:
        line = self._idle.pop(who, None) or await asyncpg.connect(self._dsn, server_settings=postgres._PLANS)
        await line.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        self._lines[number] = line
        return line

    async def _see_it_wait(self, line: Any, answer: asyncio.Future[Any], event: Asked) -> None:
        async with asyncio.timeout(HANG_SECONDS):
            while not await self._watcher.fetchval(_WAITS, line.get_server_pid()):
                if answer.done():
                    self._followed.differences.append(f"{event}: PostgreSQL does not wait: {answer}")
                    return
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _compare(self, event: Answered) -> None:
        answer = self._answers.pop(event.transaction)
        try:
            async with asyncio.timeout(HANG_SECONDS):
                rows = await answer
        except TimeoutError:
            found: Any = "it waits"
        except asyncpg.PostgresError as error:
            found = type(error)
        else:
            found = sorted(_plain(rows), key=repr)
        if found != (sorted(event.answer, key=repr) if isinstance(event.answer, list) else event.answer):
            self._followed.differences.append(f"{event}\n  and PostgreSQL: {found}")


async def _ask(line: Any, event: Asked) -> Any:
    if isinstance(event.asked, tuple):
        read, rows = event.asked
        return await line.fetch(postgres._read_sql(read), *postgres._columns(read, rows))
    sql = postgres._write_sql(*(write for write, _ in event.asked))
    return await line.fetch(sql, *(one for each in event.asked for one in postgres._columns(*each)))


def _plain(rows: Iterable[Any]) -> list[tuple[Any, ...]]:
    """As SQLite has them: flags are numbers."""
    return [tuple(int(one) if isinstance(one, bool) else one for one in row) for row in rows]


@asynccontextmanager
async def _watching(dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()
