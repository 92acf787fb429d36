"""Copying a whole shop into an empty database: from SQLite to PostgreSQL, back, or to the same kind.

All of it is read in one instant of the source, and written in one transaction of the target, which ends only
when every table is the same there and the audit has found nothing. So an interrupted copy leaves no shop
behind, and nobody can serve half of one.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import LargeBinary, Select, Table, insert, literal, null, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tuckshop.operations import audit
from tuckshop.store import next_ids, tables
from tuckshop.store.engine import (
    DatabaseUnusable,
    State,
    check,
    file_of,
    read_state,
    reading,
    require_known,
    writing,
)
from tuckshop.store.migrate import upgrade

ROWS = 1_000  # Read and written at a time.
FILES = 8  # The same of rows that hold a picture or a file: up to 8 MiB each.
_LOCK = 0x636F7079  # "copy": a second copy into the same PostgreSQL database does not wait for the first.
_MODULUS = 2**256

_encode = msgspec.msgpack.Encoder().encode


class CopyFailed(Exception):
    """Nothing was copied; the message is one sentence that ends with what to do."""


@dataclass(slots=True)
class Rows:
    """How many rows there are, and what they add up to: the same for the same rows, in whatever order."""

    count: int = 0
    digest: int = 0

    def add(self, row: tuple[Any, ...]) -> None:
        """One more."""
        self.count += 1
        self.digest = (self.digest + int.from_bytes(hashlib.sha256(_encode(row)).digest())) % _MODULUS


async def copy(source: AsyncEngine, target: AsyncEngine) -> int:
    """Copies every row but the fingerprint of the signing key, and sets the next ids; how many rows.

    Raises:
        DatabaseUnusable: the source is no shop of this version; the target cannot be used, or is not empty.
        CopyFailed: the target cannot keep a row, or what it has kept is not the same; it has none of it.
    """
    require_known(await check(source, unsafe_durability=True))  # Of a newer one, this code knows not all.
    await _prepare(target)
    async with reading(source) as there, writing(target) as here:
        await _require_empty(here)
        last = await next_ids.read_last(there)
        count = sum([await _copy_table(there, here, table) for table in tables.metadata.sorted_tables])
        await next_ids.set_last(here, last)
        if here.dialect.name == "postgresql":
            await here.execute(text("ANALYZE"))  # Or the audit's joins are planned for empty tables.
        await _require_clean(here)
    return count


async def _prepare(target: AsyncEngine) -> None:
    """Makes the target's tables. Raises DatabaseUnusable for a shop, and for another program's tables."""
    state = State(frozenset(), None, is_installed=False)
    if target.dialect.name != "sqlite" or file_of(target).exists():
        state = await read_state(target)
    if state.tables:
        require_known(state)
    if state.is_installed:
        raise DatabaseUnusable("The target already contains a shop. Copy into an empty database.")
    await upgrade(target)


async def _require_empty(here: AsyncConnection) -> None:
    if here.dialect.name == "postgresql":
        is_alone = await here.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if not is_alone:
            raise DatabaseUnusable("Another copy into the target is running. Wait until it has ended.")
    for table in tables.metadata.sorted_tables:
        if await here.scalar(select(literal(1)).select_from(table).limit(1)):
            raise DatabaseUnusable(
                f"The target is not empty: there are rows in {table.name}. Copy into an empty database."
            )


async def _copy_table(there: AsyncConnection, here: AsyncConnection, table: Table) -> int:
    """The rows of one table, and whether they have arrived. Raises CopyFailed."""
    read, kept = Rows(), Rows()
    names = [column.name for column in table.columns]
    try:
        async for batch in _batches(there, table):
            for row in batch:
                read.add(row)
            await here.execute(insert(table), [dict(zip(names, row, strict=True)) for row in batch])
        async for batch in _batches(here, table):
            for row in batch:
                kept.add(row)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        raise CopyFailed(
            f"The target cannot keep a row of {table.name} ({error.orig}). Nothing was copied: run `tuckshop"
            " audit` on the source."
        ) from error
    if kept != read:
        raise CopyFailed(
            f"{table.name} is not the same in the target ({kept.count:,} rows of {read.count:,}). Nothing was"
            " copied: try another empty database."
        )
    return kept.count


async def _batches(connection: AsyncConnection, table: Table) -> AsyncIterator[list[tuple[Any, ...]]]:
    """The rows, some at a time, those that others refer to first."""
    size = FILES if any(_is_file(column) for column in table.columns) else ROWS
    found = await connection.stream(_query(table), execution_options={"yield_per": size})
    async for batch in found.partitions():
        yield [tuple(row) for row in batch]


def _query(table: Table) -> Select[Any]:
    # The target's nodes have a key of their own until somebody copies it there.
    columns = (
        null().label(column.name) if column is tables.shop.c.key_fingerprint else column
        for column in table.columns
    )
    return select(*columns).order_by(*table.primary_key.columns)


def _is_file(column: Any) -> bool:
    return isinstance(column.type, LargeBinary) and column.name == "content"


async def _require_clean(here: AsyncConnection) -> None:
    report = await audit.examine(here)
    broken = ", ".join(check.name for check in report.checks if check.problem_count)
    if broken:
        raise CopyFailed(
            f"The audit of the copy failed ({broken}). Nothing was copied: run `tuckshop audit` on the"
            " source."
        )
