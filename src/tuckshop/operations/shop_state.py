"""The shop itself: what its database says of it."""

from __future__ import annotations

import asyncio

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop.domain.money import Currency, Denomination, DenominationKind
from tuckshop.store import tables
from tuckshop.store.engine import DatabaseAway, reading

READY_SECONDS = 2.0  # A supervisor that asks every few seconds should not pile up.


async def read_currency(engine: AsyncEngine) -> Currency:
    """The shop's currency with its coins and notes."""
    async with reading(engine) as connection:
        row = (await connection.execute(select(tables.shop))).one()
        coins = await connection.execute(
            select(tables.denominations).order_by(tables.denominations.c.value_cents)
        )
        return Currency(
            code=row.currency,
            exponent=row.exponent,
            denominations=tuple(
                Denomination(coin.value_cents, DenominationKind(coin.kind), coin.accepted, coin.paid_out)
                for coin in coins
            ),
        )


async def is_demo(engine: AsyncEngine) -> bool:
    """Whether the shop is there to be played with: everybody knows its passwords."""
    async with reading(engine) as connection:
        return bool(await connection.scalar(select(tables.shop.c.is_demo)))


async def key_fingerprint(engine: AsyncEngine) -> str | None:
    """The fingerprint of the secret that signs tokens, in hexadecimal; None until the first `serve`."""
    async with reading(engine) as connection:
        found: str | None = await connection.scalar(select(tables.shop.c.key_fingerprint))
        return found


async def answers(engine: AsyncEngine) -> bool:
    """Whether the database answers a query within READY_SECONDS."""
    try:
        async with asyncio.timeout(READY_SECONDS), reading(engine) as connection:
            return await connection.scalar(select(tables.shop.c.id)) is not None
    except (DatabaseAway, DBAPIError, TimeoutError):
        return False
