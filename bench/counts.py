"""The books' own word for what was sold: no driver's count is believed without it."""

import asyncio
from dataclasses import dataclass, fields

from sqlalchemy.ext.asyncio import AsyncEngine

from bench.measure import BenchFailed
from tuckshop.store.engine import open_engine, reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What purchases of one piece each must have changed. All but `taken_cents` grow by one with each."""

    orders: int
    order_lines: int
    transfers: int
    stock_movements: int
    keys: int
    pieces: int
    sold: int
    taken_cents: int
    paid_cents: int
    earned_cents: int


_QUERY = """
    SELECT (SELECT count(*) FROM orders WHERE status = 'dispensed'),
           (SELECT count(*) FROM order_lines),
           (SELECT count(*) FROM transfers WHERE kind = 'sale'),
           (SELECT count(*) FROM stock_movements WHERE kind = 'sale'),
           (SELECT count(*) FROM idempotency WHERE order_id IS NOT NULL),
           (SELECT -sum(quantity) FROM shelves),
           (SELECT coalesce(sum(sold_quantity), 0) FROM sales),
           (SELECT coalesce(sum(total_cents), 0) FROM orders),
           (SELECT -sum(balance_cents) FROM accounts WHERE kind = 'wallet'),
           (SELECT sum(balance_cents) FROM accounts WHERE kind = 'earnings')
"""


def count(url: str) -> Counts:
    """Read the counts from the database."""
    return asyncio.run(_count(open_engine(url)))


async def _count(engine: AsyncEngine) -> Counts:
    try:
        async with reading(engine) as connection:
            row = (await connection.exec_driver_sql(_QUERY)).one()
    finally:
        await engine.dispose()
    return Counts(**{field.name: int(value) for field, value in zip(fields(Counts), row, strict=True)})


def require_all(before: Counts, after: Counts, *, answered: int, cut_off: int = 0) -> None:
    """Every answered purchase is in the books whole, and no other but those `cut_off` at the end at most.

    Raises: BenchFailed.
    """
    grown = {field.name: getattr(after, field.name) - getattr(before, field.name) for field in fields(Counts)}
    cents = {name: grown.pop(name) for name in ("taken_cents", "paid_cents", "earned_cents")}
    whole = len(set(grown.values())) == 1 and len(set(cents.values())) == 1
    if not whole or not answered <= grown["orders"] <= answered + cut_off:
        raise BenchFailed(f"{answered} purchases were answered, but the books grew by {grown | cents}")
