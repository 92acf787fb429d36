"""Proving the books: in one instant of them, every rule of `store/audit_rules/` is tried on every row.

No server audits by itself: on a large shop that takes minutes of a processor, at an hour that only its
operator can choose. What was found last, and when, is kept in the database, for whoever watches.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import structlog
from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tuckshop.store import admin_log
from tuckshop.store.audit_rules import rules
from tuckshop.store.audit_rules.rule import Rule
from tuckshop.store.engine import DatabaseAway, reading, writing
from tuckshop.store.tables import audits

log = structlog.get_logger(__name__)

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
        return not self.failed_rules

    @property
    def failed_rules(self) -> int:
        """How many rules some row breaks."""
        return sum(1 for check in self.checks if check.problem_count)


class Last(NamedTuple):
    """When the last audit looked at the books, in microseconds, and how many rules it found broken."""

    at_us: int
    failed_rules: int


async def audit_and_record(engine: AsyncEngine, *, now_us: int, actor_id: int | None = None) -> Report:
    """As `audit`, and keeps in the database what was found. Where nobody may write, it is still told.

    `actor_id`: the admin who asked, for the log. The operator asks by a timer.
    """
    report = await audit(engine)
    try:
        async with writing(engine) as connection:
            await connection.execute(delete(audits).where(audits.c.at_us <= now_us))
            await connection.execute(insert(audits).values(at_us=now_us, failed_rules=report.failed_rules))
            if actor_id is not None:
                await admin_log.record(
                    connection,
                    action="audit.run",
                    subject="shop",
                    after={"failed_rules": report.failed_rules},
                    actor_id=actor_id,
                    now_us=now_us,
                )
    except (DatabaseAway, DBAPIError) as error:
        log.warning("audit.not_recorded", error=type(error).__name__)
    return report


async def last(engine: AsyncEngine) -> Last | None:
    """What the last audit found, whoever asked for it; None if nobody ever did."""
    query = select(audits.c.at_us, audits.c.failed_rules).order_by(audits.c.at_us.desc()).limit(1)
    async with reading(engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else Last(*row)


async def audit(engine: AsyncEngine) -> Report:
    """Tries every rule on one snapshot of the books; nobody waits for it."""
    async with reading(engine) as connection:
        return await examine(connection)


async def examine(connection: AsyncConnection) -> Report:
    """Tries every rule on what the connection's transaction sees."""
    known = [rule for rule in rules() if rule.dialect in (None, connection.dialect.name)]
    return Report(checks=tuple([await _try(connection, rule) for rule in known]))


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
