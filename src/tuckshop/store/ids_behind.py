"""Ids that a database gives out although its rows have them: its sequences are behind.

So they are after a copy by hand. A clash of a primary key is never a name that is taken, and no second try
helps.
"""

from __future__ import annotations

import re
import sqlite3

import asyncpg

_SQLITE = re.compile(r"UNIQUE constraint failed: (\w+)\.id")


class IdsBehind(Exception):
    """A new row got the id of another; nothing was written. The message is one sentence with the remedy."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"The next id of {table} is used already: the database's sequences are behind its rows, as after"
            " a copy by hand. Stop the servers, and run `tuckshop db sequences`."
        )


def ids_behind(error: BaseException | None) -> IdsBehind | None:
    """What a driver's error is, if it is this one; None for any other."""
    while error is not None:
        table = _table(error)
        if table is not None:
            return None if table == "shop" else IdsBehind(table)  # Its one row is numbered by hand.
        error = error.__cause__
    return None


def _table(error: BaseException) -> str | None:
    """The table whose id is there twice."""
    if isinstance(error, sqlite3.IntegrityError):
        found = _SQLITE.fullmatch(str(error))
        return found and found[1]
    if isinstance(error, asyncpg.UniqueViolationError) and str(error.detail).startswith("Key (id)="):
        return str(error.table_name)
    return None
