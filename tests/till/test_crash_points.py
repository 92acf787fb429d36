"""R9: every command dies at every statement and around COMMIT; the books are those before, or those after."""

from __future__ import annotations

import itertools
import os

import pytest
from msgspec.structs import replace

from tests.shop import Shop, open_shop
from tests.till.day import open_day, steps
from tests.till.recorder import record
from tests.till.wire import at_message, open_wire
from tuckshop.till.commands.base import COMMANDS, Envelope, Outcome
from tuckshop.till.engine.queue import Defect

LEAST_MESSAGES = 8  # Every command sends at least as many.
# A command sends fewer messages than the last of these; each number is a day of its own.
MESSAGES = range(1, 40) if os.environ.get("TUCKSHOP_PROOF") else (8,)


async def test_a_statement_that_fails_on_sqlite_leaves_the_books_as_they_were(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    died: set[str] = set()
    recorders = record(monkeypatch)
    async with open_shop(sqlite_url) as shop:
        day = await open_day(shop)
        await shop.product("the till connects")
        [connection], execute = recorders, shop.till.execute
        numbers = itertools.count()

        async def dying(envelope: Envelope) -> Outcome:
            if envelope.key is None:  # What is kept under a key is part of the same transaction.
                envelope = replace(envelope, key=f"key {next(numbers)}", fingerprint=b"f")
            before = await shop.books()
            connection.refused = 1  # Without BEGIN, the file is away, and the till waits for it.
            while True:
                connection.told.clear()
                try:
                    outcome = await execute(envelope)
                except Defect:
                    assert await shop.books() == before, connection.told
                    connection.refused += 1
                    died.add(type(envelope.command).tag)
                else:
                    assert connection.told[-1] == "COMMIT"
                    connection.refused = None
                    return outcome

        shop.till.execute = dying  # type: ignore[method-assign]
        for _, step in steps(day):
            await step()
        await shop.assert_clean()
    assert died == set(COMMANDS)


@pytest.mark.postgres
@pytest.mark.proof
@pytest.mark.parametrize("deliver", [False, True], ids=["request lost", "answer lost"])
@pytest.mark.parametrize("number", MESSAGES)
async def test_a_line_to_postgres_that_breaks_has_each_command_done_once(
    postgres_url: str, sqlite_url: str, number: int, *, deliver: bool
) -> None:
    async with open_shop(sqlite_url) as undisturbed:
        for _, step in steps(await open_day(undisturbed)):
            await step()
        wanted = await _rows(undisturbed)
    async with open_wire(postgres_url) as wire, open_shop(wire.url) as shop:
        day = await open_day(shop)
        execute, wire.deliver = shop.till.execute, deliver

        async def cut(envelope: Envelope) -> Outcome:
            wire.cut = at_message(number)
            try:
                return await execute(envelope)
            finally:
                wire.cut = None

        shop.till.execute = cut  # type: ignore[method-assign]
        for _, step in steps(day):
            await step()
        await shop.assert_clean()
        assert await _rows(shop) == wanted  # Nothing was done twice.
    assert wire.cuts >= (len(COMMANDS) if number <= LEAST_MESSAGES else 0)


async def _rows(shop: Shop) -> dict[str, int]:
    """How many rows each table has."""
    return {table: len(rows) for table, rows in (await shop.books()).items()}
