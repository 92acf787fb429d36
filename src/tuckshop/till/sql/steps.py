"""The kinds of statements that a transaction script is made of, the same for both databases.

Each takes a list of tuples. PostgreSQL gets them as one array per column (`unnest`), so a batch of any size
is one round trip per statement; SQLite gets them as JSON to read and row by row to write.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Boolean, LargeBinary, SmallInteger, Table, Text

Rows = Sequence[Any]


class Read(NamedTuple):
    """Rows found by a list of keys. `keys`: column and type by name; `lock`: the alias to lock."""

    name: str
    keys: tuple[tuple[str, str], ...]
    select: str
    lock: str | None = None


class Insert(NamedTuple):
    """New rows of a table; tuples in the order of `columns`."""

    table: Table
    columns: tuple[str, ...]


class Update(NamedTuple):
    """New values, or what is to be `added`, for rows found by their keys; tuples of keys, then values."""

    table: Table
    keys: tuple[str, ...]
    values: tuple[str, ...]
    added: bool = False


class Add(NamedTuple):
    """What is to be added to rows found by their keys, or makes those that are not there yet."""

    table: Table
    keys: tuple[str, ...]
    values: tuple[str, ...]


class Delete(NamedTuple):
    """Rows that go away, found by their keys."""

    table: Table
    keys: tuple[str, ...]


class Reserve(NamedTuple):
    """The batch's instant, and so many new ids per table: (now_us, {table: ids})."""

    counts: dict[str, int]


Write = Insert | Update | Add | Delete
Step = tuple[Read | Write, Rows] | Reserve
Script = Generator[Step, Any, Any]
"""Yields statements and is sent the rows."""


def column_type(table: Table, column: str) -> str:
    """The column's PostgreSQL type."""
    match table.c[column].type:
        case BigInteger():
            return "bigint"
        case SmallInteger():
            return "smallint"
        case Boolean():
            return "boolean"
        case LargeBinary():
            return "bytea"
        case Text():
            return "text"
        case _:
            return "integer"


def on_conflict(add: Add) -> str:
    """What an INSERT does with rows that are there already; both databases say it alike."""
    sets = ", ".join(f"{name} = {add.table.name}.{name} + excluded.{name}" for name in add.values)
    return f"ON CONFLICT ({', '.join(add.keys)}) DO UPDATE SET {sets}"
