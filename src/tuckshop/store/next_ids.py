"""The next ids of the tables: finding them, and setting them behind what a database holds.

PostgreSQL has a sequence for each numbered table. SQLite counts by itself, but for the ids that the till
reserves before it decides: those are rows of `counters`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import BigInteger, Boolean, Table, case, column, func, select, table, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.store import tables

NUMBERED: tuple[Table, ...] = tuple(
    one for one in tables.metadata.sorted_tables if "id" in one.c and one is not tables.shop
)
"""Tables whose rows the database or the till numbers."""


async def read_last(connection: AsyncConnection) -> dict[str, int]:
    """The last id that each numbered table has given out, or holds if that is larger."""
    given, held = await _given(connection), await _held(connection)
    return {name: max(held[name], given.get(name, 0)) for name in held}


async def behind(connection: AsyncConnection) -> dict[str, int]:
    """The largest id in each table that would give out one that is used."""
    given, held = await _given(connection), await _held(connection)
    return {name: held[name] for name, last_id in given.items() if held[name] > last_id}


async def set_last(connection: AsyncConnection, last: Mapping[str, int]) -> None:
    """From now on each of these tables gives out larger ids than these."""
    for name, last_id in last.items():
        counter = update(tables.counters).where(tables.counters.c.name == name)
        await connection.execute(counter.values(last_id=last_id))
        if connection.dialect.name == "postgresql" and last_id:
            await connection.execute(
                text("SELECT setval(CAST(CAST(:sequence AS text) AS regclass), :last)"),
                {"sequence": f"{name}_id_seq", "last": last_id},
            )


async def _held(connection: AsyncConnection) -> dict[str, int]:
    return {one.name: await connection.scalar(select(func.max(one.c.id))) or 0 for one in NUMBERED}


async def _given(connection: AsyncConnection) -> dict[str, int]:
    if connection.dialect.name == "postgresql":
        return {one.name: await _of_sequence(connection, one.name) for one in NUMBERED}
    counters = tables.counters.c
    return {
        row.name: row.last_id for row in await connection.execute(select(counters.name, counters.last_id))
    }


async def _of_sequence(connection: AsyncConnection, name: str) -> int:
    last = column("last_value", BigInteger) - case((column("is_called", Boolean), 0), else_=1)
    return await connection.scalar(select(last).select_from(table(f"{name}_id_seq"))) or 0
