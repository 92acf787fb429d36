"""What a till tells SQLite, written down; any statement can be refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import pytest

from tuckshop.store.engine import connect_sqlite


class Recorder:
    """The till's connection, which writes down what it is told, and refuses the statement of that number."""

    def __init__(self, real: sqlite3.Connection) -> None:
        self.real = real
        self.told: list[str] = []
        self.refused: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        self._tell(sql)
        return self.real.execute(sql, *values)

    def executemany(self, sql: str, rows: Iterable[Any]) -> sqlite3.Cursor:
        self._tell(sql)
        return self.real.executemany(sql, rows)

    def _tell(self, sql: str) -> None:
        if sql == "ROLLBACK":
            return
        if len(self.told) == self.refused:
            raise sqlite3.DatabaseError("refused by the test")
        self.told.append(sql)


def record(monkeypatch: pytest.MonkeyPatch) -> list[Recorder]:
    """From now on, each till connects through a recorder; the list has them in the order of connecting."""
    made: list[Recorder] = []

    def connect(path: str) -> Recorder:
        made.append(Recorder(connect_sqlite(path)))
        return made[-1]

    monkeypatch.setattr("tuckshop.till.sql.sqlite.connect_sqlite", connect)
    return made
