"""How a database goes about a service's queries: what it will look through, and by which index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop.store.engine import connect_sqlite, file_of, reading

Said = tuple[str, Any]
_STEPS = 10  # To look at each would take longer than the steps.


@contextmanager
def heard(engine: AsyncEngine) -> Iterator[list[Said]]:
    """A list to which each query is added that the database is asked meanwhile."""
    said: list[Said] = []

    def listen(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            said.append((statement, given))

    event.listen(engine.sync_engine, "before_cursor_execute", listen)
    try:
        yield said
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", listen)


async def plans(engine: AsyncEngine, said: list[Said]) -> str:
    """What the database would do for these queries in a shop that is large."""
    is_postgres = engine.dialect.name == "postgresql"
    found: list[str] = []
    async with reading(engine) as connection:
        if is_postgres:  # A shop of tests is so small that it would read and sort all of it.
            for way in ("seqscan", "bitmapscan", "sort"):
                await connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        for statement, given in said:
            explain = "EXPLAIN" if is_postgres else "EXPLAIN QUERY PLAN"
            rows = await connection.exec_driver_sql(f"{explain} {statement}", given)
            found += [str(row[-1]) for row in rows]
    return "\n".join(found)


async def effort(engine: AsyncEngine, said: list[Said]) -> int:
    """How much the database does for these queries: SQLite's steps, or the pages that PostgreSQL reads."""
    if engine.dialect.name == "sqlite":
        return _steps(engine, said)
    pages = 0
    async with reading(engine) as connection:
        for statement, given in said:
            told = await connection.exec_driver_sql(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", given
            )
            plan = told.scalar_one()[0]["Plan"]
            pages += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return pages


def _steps(engine: AsyncEngine, said: list[Said]) -> int:
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += _STEPS

    with closing(connect_sqlite(str(file_of(engine)))) as connection:
        connection.set_progress_handler(step, _STEPS)
        for statement, given in said:
            connection.execute(statement, given).fetchall()
    return steps
