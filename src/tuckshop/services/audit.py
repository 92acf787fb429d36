"""Proving the books: in one instant of them, every rule of `store/audit.py` is tried on every row."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tuckshop.store.audit import RULES
from tuckshop.store.engine import reading
from tuckshop.store.rules import Rule

PROBLEMS_SHOWN_MAX = 20  # Enough to see what went wrong; the count says how often.


@dataclass(frozen=True, slots=True)
class Check:
    """What one rule found: how many rows it looked at, how many break it, and the first of those."""

    name: str
    rows: int
    problem_count: int
    problems: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What the whole audit found, in one instant of the books."""

    checks: tuple[Check, ...]

    @property
    def clean(self) -> bool:
        """Whether every rule holds."""
        return not any(check.problem_count for check in self.checks)


async def audit(engine: AsyncEngine) -> Report:
    """Tries every rule on one snapshot of the books; nobody waits for it."""
    async with reading(engine) as connection:
        return await examine(connection)


async def examine(connection: AsyncConnection) -> Report:
    """Tries every rule on what the connection's transaction sees."""
    rules = [rule for rule in RULES if rule.dialect in (None, connection.dialect.name)]
    return Report(checks=tuple([await _try(connection, rule) for rule in rules]))


async def _try(connection: AsyncConnection, rule: Rule) -> Check:
    rows = await connection.scalar(rule.rows) or 0
    try:
        async with connection.begin_nested():
            found = (await connection.execute(rule.offenders.limit(PROBLEMS_SHOWN_MAX))).mappings().all()
            count = len(found)
            if count == PROBLEMS_SHOWN_MAX:
                every = select(func.count()).select_from(rule.offenders.subquery())
                count = await connection.scalar(every) or 0
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        # Sums that overflow, outcomes that are no JSON: values that no honest row holds.
        return Check(rule.name, rows, 1, ({"error": str(error.orig)},))
    return Check(rule.name, rows, count, tuple({key: _plain(row[key]) for key in row} for row in found))


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, Decimal) else value
