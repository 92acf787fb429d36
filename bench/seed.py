"""A shop to measure: buyers with full wallets and a log-in each, sellers, and products with full shelves.

Set-based SQL that both databases understand, at any size. It keeps the books: every purse was paid in with
coins and every shelf was filled by a movement, so the audit stays clean.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bench.measure import BenchFailed
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.products import QUANTITY_MAX
from tuckshop.store.engine import open_engine, writing
from tuckshop.store.migrate import upgrade
from tuckshop.store.setup import install
from tuckshop.till.callers import SessionCaller

_COIN_CENTS = 100
_PURSE_COINS = 1_000_000  # Half a million purchases by each buyer, more than any run makes.
_SESSION_US = 86_400_000_000  # A day; no run is longer.


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many of each."""

    buyers: int = 1_000
    sellers: int = 100  # Ten products each: sellers share customers, but none is in every purchase.
    products: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What was filled in. Log-ins and products are numbered without a gap, so that drivers can draw one."""

    buyers: tuple[SessionCaller, ...]
    session_ids: range
    product_ids: range


def make(url: str, *, size: Size) -> Shop:
    """Set up a shop in an empty database, or in a new SQLite file, and fill it."""
    return asyncio.run(_make(url, size))


def numbers(count: int) -> str:
    """A table of the numbers `i` from 1 to this."""
    return (
        "(WITH RECURSIVE series(i) AS (SELECT CAST(1 AS BIGINT)"
        f" UNION ALL SELECT i + 1 FROM series WHERE i < {count}) SELECT i FROM series) AS numbers"
    )


async def count_on(connection: AsyncConnection, *names: str) -> None:
    """Let the till's own counting of ids begin behind the rows written here."""
    for name in names:
        if connection.dialect.name == "postgresql":
            await connection.exec_driver_sql(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))")
        else:
            await connection.exec_driver_sql(
                f"UPDATE counters SET last_id = (SELECT max(id) FROM {name}) WHERE name = '{name}'"
            )


async def analyze(engine: AsyncEngine, *names: str) -> None:
    """Let the planner know these tables, or all: as PostgreSQL does by itself, and a shop on SQLite never."""
    if engine.dialect.name != "postgresql":
        return
    async with engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.exec_driver_sql(f"ANALYZE {', '.join(names)}")


async def _make(url: str, size: Size) -> Shop:
    engine = open_engine(url)
    try:
        await upgrade(engine)
        async with writing(engine) as connection:
            now_us = time.time_ns() // 1_000
            await install(connection, now_us=now_us)
            for statement in _statements(size, now_us=now_us):
                await connection.exec_driver_sql(statement)
            await count_on(connection, "products", "transfers")
            shop = await _read(connection)
        await _analyze(engine)
    finally:
        await engine.dispose()
    return shop


def _statements(size: Size, *, now_us: int) -> Iterator[str]:
    yield _users("buyer", size.buyers, now_us=now_us)
    yield _users("seller", size.sellers, now_us=now_us)
    yield f"""
        INSERT INTO sessions (user_id, generation, device, created_us, expires_us)
        SELECT id, 1, 'bench', {now_us}, {now_us + _SESSION_US}
        FROM users WHERE username_key LIKE 'bench-buyer-%' ORDER BY id
    """
    yield from _purses(now_us)
    yield """
        INSERT INTO accounts (kind, user_id, balance_cents)
        SELECT 'earnings', id, 0 FROM users WHERE username_key LIKE 'bench-seller-%' ORDER BY id
    """
    yield from _shelves(size, now_us=now_us)


def _users(role: str, count: int, *, now_us: int) -> str:
    return f"""
        INSERT INTO users (username, username_key, password_hash, state,
                           is_buyer, is_seller, is_cashier, is_admin, created_us)
        SELECT 'bench-{role}-' || i, 'bench-{role}-' || i, 'none', 'active',
               {role == "buyer"}, {role == "seller"}, FALSE, FALSE, {now_us}
        FROM {numbers(count)} ORDER BY i
    """


def _purses(now_us: int) -> Iterator[str]:
    buyers = "SELECT user_id FROM sessions WHERE device = 'bench'"
    wallets = f"accounts WHERE kind = 'wallet' AND user_id IN ({buyers})"
    yield f"""
        INSERT INTO accounts (kind, user_id, balance_cents)
        SELECT 'wallet', user_id, {_PURSE_COINS * _COIN_CENTS} FROM ({buyers} ORDER BY id) AS buyers
    """
    yield f"""
        INSERT INTO accounts (kind, machine_id, balance_cents) VALUES ('coin_box', {DEFAULT_MACHINE_ID}, 0)
    """
    yield f"""
        INSERT INTO transfers (id, kind, source_id, target_id, amount_cents, machine_id, created_us)
        SELECT (SELECT coalesce(max(id), 0) FROM transfers) + row_number() OVER (ORDER BY id), 'deposit',
               (SELECT id FROM accounts WHERE kind = 'coin_box' AND machine_id = {DEFAULT_MACHINE_ID}),
               id, balance_cents, {DEFAULT_MACHINE_ID}, {now_us}
        FROM {wallets}
    """
    yield f"""
        INSERT INTO coin_movements (machine_id, value_cents, count, transfer_id, created_us)
        SELECT {DEFAULT_MACHINE_ID}, {_COIN_CENTS}, {_PURSE_COINS}, id, {now_us}
        FROM transfers WHERE target_id IN (SELECT id FROM {wallets})
    """
    yield f"""
        UPDATE coin_boxes SET count = count + {_PURSE_COINS} * (SELECT count(*) FROM {wallets})
        WHERE machine_id = {DEFAULT_MACHINE_ID} AND value_cents = {_COIN_CENTS}
    """
    yield f"""
        UPDATE accounts SET balance_cents = balance_cents - (SELECT sum(balance_cents) FROM {wallets})
        WHERE kind = 'coin_box' AND machine_id = {DEFAULT_MACHINE_ID}
    """


def _shelves(size: Size, *, now_us: int) -> Iterator[str]:
    yield f"""
        INSERT INTO products (id, name, name_key, price_cents, seller_id, refundable,
                              tax_basis_points, cost_cents, version, created_us)
        SELECT (SELECT coalesce(max(id), 0) FROM products) + i, 'Bench product ' || i, 'bench product ' || i,
               50 + 5 * (i % 31), users.id, TRUE, 1000, 25, 1, {now_us}
        FROM {numbers(size.products)}
        JOIN users ON username_key = 'bench-seller-' || (1 + i % {size.sellers})
    """
    yield f"""
        INSERT INTO shelves (machine_id, product_id, quantity)
        SELECT {DEFAULT_MACHINE_ID}, id, {QUANTITY_MAX}
        FROM products WHERE name_key LIKE 'bench product %' ORDER BY id
    """
    yield f"""
        INSERT INTO stock_movements (kind, machine_id, product_id, quantity, created_us)
        SELECT 'initial', {DEFAULT_MACHINE_ID}, id, {QUANTITY_MAX}, {now_us}
        FROM products WHERE name_key LIKE 'bench product %' ORDER BY id
    """


async def _read(connection: AsyncConnection) -> Shop:
    log_ins = await connection.exec_driver_sql(
        "SELECT id, user_id FROM sessions WHERE device = 'bench' ORDER BY id"
    )
    buyers = tuple(SessionCaller(row.id, row.user_id) for row in log_ins)
    products = await connection.exec_driver_sql(
        "SELECT id FROM products WHERE name_key LIKE 'bench product %' ORDER BY id"
    )
    return Shop(
        buyers=buyers,
        session_ids=_gapless([buyer.session_id or 0 for buyer in buyers]),
        product_ids=_gapless(list(products.scalars())),
    )


def _gapless(ids: list[int]) -> range:
    found = range(ids[0], ids[-1] + 1)
    if list(found) != ids:
        raise BenchFailed("ids have gaps: is something else writing to this database?")
    return found


async def _analyze(engine: AsyncEngine) -> None:
    """Let planners know the filled tables; of the empty ones they would learn to read every row."""
    await analyze(engine, "users", "sessions", "products", "shelves", "accounts")
