"""A year of orders on a shop from `bench.seed`: `sell` writes them and the days' sums, `book` what moved.

Every twentieth order is the first buyer's, every tenth a guest's; some came back, and of the last month's
some are on tabs, the newest of those not handed out yet. After `book` the audit is clean: every order was
paid, and every guest had put coins in, some of which were left behind.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator

from sqlalchemy.ext.asyncio import AsyncConnection

from bench.seed import analyze, count_on, numbers
from tuckshop.domain.products import QUANTITY_MAX
from tuckshop.store.engine import open_engine, writing

MACHINES = 3
DAYS = 365
_DAY_US = 86_400_000_000
_COIN_CENTS = 100


def sell(url: str, *, orders: int) -> int:
    """Orders of one line each, evenly over the year until now, some of them given back; how many sums."""
    return asyncio.run(_run(url, _sold(orders, now_us=time.time_ns() // 1_000), "orders", "refunds"))


def book(url: str) -> None:
    """The money, coins and stock that the orders of `sell` moved. Do it once."""
    asyncio.run(_run(url, _booked(), "transfers"))


async def _run(url: str, statements: Iterable[str], *numbered: str) -> int:
    engine = open_engine(url)
    try:
        async with writing(engine) as connection:
            if connection.dialect.name == "postgresql":
                # A million rows are right by how they are made; looking each up would take a minute.
                await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for statement in statements:
                await connection.exec_driver_sql(statement)
            await count_on(connection, *numbered)
            made = await _count(connection)
        await analyze(engine)
    finally:
        await engine.dispose()
    return made


def _sold(orders: int, *, now_us: int) -> Iterator[str]:
    begins_us = now_us - DAYS * _DAY_US
    at_us = f"({begins_us} + i * {DAYS * _DAY_US // orders})"
    for machine in range(2, MACHINES + 1):
        yield f"""
            INSERT INTO machines (name, name_key, timezone, box_kind, created_us)
            VALUES ('Bench {machine}', 'bench {machine}', 'UTC', 'unlimited', {now_us})
        """
    yield f"""
        INSERT INTO guests (name, name_key, created_us)
        SELECT 'Bench guest ' || i, 'bench guest ' || i, {now_us} FROM {numbers(orders // 100 + 1)} ORDER BY i
    """
    each = numbers(orders)
    products = _places("products", "*")
    buyers, guests = _places("sessions", "user_id"), _places("guests", "id AS guest_id")
    # Strides that share no factor with how many there are: every product on every machine on every day.
    product = f"JOIN {products} AS p ON p.place = (i * 37) % (SELECT count(*) FROM products)"
    is_guest, is_tab = "i % 10 = 9", f"i % 10 = 3 AND i > {orders - orders // 12}"
    is_placed = f"{is_tab} AND i > {orders - orders // 100}"
    yield f"""
        INSERT INTO orders (id, buyer_id, guest_id, machine_id, payment, status, total_cents,
                            created_us, fulfilled_us, day)
        SELECT i, b.user_id, g.guest_id, 1 + (i / 7) % {MACHINES},
               CASE WHEN {is_tab} THEN 'tab' ELSE 'wallet' END,
               CASE WHEN i % 50 = 0 THEN 'refunded' WHEN {is_placed} THEN 'placed' ELSE 'dispensed' END,
               p.price_cents * (1 + i % 2), {at_us}, CASE WHEN {is_placed} THEN NULL ELSE {at_us} END,
               {at_us} / {_DAY_US}
        FROM {each} {product}
        LEFT JOIN {buyers} AS b ON NOT {is_guest} AND b.place =
            CASE WHEN i % 20 = 0 THEN 0 ELSE i % (SELECT count(*) FROM sessions) END
        LEFT JOIN {guests} AS g ON {is_guest} AND g.place = i % (SELECT count(*) FROM guests)
    """
    yield f"""
        INSERT INTO order_lines (order_id, product_id, position, quantity, name, price_cents, seller_id,
                                 refundable, tax_basis_points, cost_cents, refunded_quantity)
        SELECT i, p.id, 0, 1 + i % 2, p.name, p.price_cents, p.seller_id, p.refundable, p.tax_basis_points,
               p.cost_cents, CASE WHEN i % 50 = 0 THEN 1 + i % 2 ELSE 0 END
        FROM {each} {product}
    """
    yield """
        INSERT INTO refunds (id, order_id, amount_cents, created_us, kind, day)
        SELECT id / 50, id, total_cents, created_us, 'refund', day FROM orders WHERE status = 'refunded'
    """
    yield """
        INSERT INTO refund_lines (refund_id, order_id, product_id, quantity)
        SELECT r.id, r.order_id, l.product_id, l.quantity
        FROM refunds r JOIN order_lines l ON l.order_id = r.order_id
    """
    yield """
        INSERT INTO sales (day, machine_id, product_id,
                           sold_quantity, sold_cents, refunded_quantity, refunded_cents)
        SELECT o.day, o.machine_id, l.product_id, sum(l.quantity), sum(l.quantity * l.price_cents),
               sum(l.refunded_quantity), sum(l.refunded_quantity * l.price_cents)
        FROM order_lines l JOIN orders o ON o.id = l.order_id GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """


def _booked() -> Iterator[str]:
    yield """
        INSERT INTO shelves (machine_id, product_id, quantity)
        SELECT m.id, p.id, 0 FROM machines m CROSS JOIN products p WHERE m.id > 1
    """
    yield f"""
        INSERT INTO stock_movements (kind, machine_id, product_id, quantity, created_us)
        SELECT 'initial', machine_id, product_id, {QUANTITY_MAX}, 0 FROM shelves WHERE machine_id > 1
    """
    yield """
        INSERT INTO coin_boxes (machine_id, value_cents, box_kind, count)
        SELECT m.id, d.value_cents, m.box_kind, 0
        FROM machines m CROSS JOIN denominations d WHERE m.id > 1
    """
    yield """
        INSERT INTO accounts (kind, machine_id, balance_cents)
        SELECT 'coin_box', id, 0 FROM machines WHERE id > 1
    """
    yield "INSERT INTO accounts (kind, guest_id, balance_cents) SELECT 'wallet', id, 0 FROM guests"
    yield """
        INSERT INTO accounts (kind, user_id, balance_cents)
        SELECT DISTINCT 'tab', buyer_id, 0 FROM orders WHERE payment = 'tab'
    """
    yield from _money()
    yield from _stock()


def _money() -> Iterator[str]:
    """Coins in, the price to the seller, and back again; then all balances."""
    none = "CAST(NULL AS BIGINT)"
    sides = """
        FROM orders o JOIN order_lines l ON l.order_id = o.id
        JOIN payers ON payers.kind = o.payment AND payers.owner = coalesce(o.buyer_id, -o.guest_id)
        JOIN earners ON earners.user_id = l.seller_id
    """
    deposited = f"(o.total_cents / {_COIN_CENTS} + 1) * {_COIN_CENTS}"
    yield f"""
        INSERT INTO transfers (id, kind, source_id, target_id, amount_cents, order_id, refund_id,
                               machine_id, created_us)
        WITH payers AS MATERIALIZED (
            SELECT id, kind, coalesce(user_id, -guest_id) AS owner
            FROM accounts WHERE kind IN ('wallet', 'tab')
        ), earners AS MATERIALIZED (SELECT id, user_id FROM accounts WHERE kind = 'earnings'), moved AS (
            SELECT 'deposit' AS kind, 0 AS step, box.id AS source_id, payers.id AS target_id,
                   {deposited} AS cents, {none} AS order_id, {none} AS refund_id, o.machine_id, o.created_us
            FROM orders o JOIN payers ON payers.owner = -o.guest_id
            JOIN accounts box ON box.machine_id = o.machine_id
            UNION ALL
            SELECT 'sale', 1, payers.id, earners.id, o.total_cents, o.id, {none}, o.machine_id, o.created_us
            {sides}
            UNION ALL
            SELECT 'refund', 2, earners.id, payers.id, r.amount_cents, o.id, r.id, o.machine_id, r.created_us
            {sides} JOIN refunds r ON r.order_id = o.id
        )
        SELECT (SELECT max(id) FROM transfers) + row_number() OVER (ORDER BY created_us, step),
               kind, source_id, target_id, cents, order_id, refund_id, machine_id, created_us
        FROM moved ORDER BY created_us, step
    """
    yield f"""
        INSERT INTO coin_movements (machine_id, value_cents, count, transfer_id, created_us)
        SELECT t.machine_id, {_COIN_CENTS}, t.amount_cents / {_COIN_CENTS}, t.id, t.created_us
        FROM transfers t JOIN accounts a ON a.id = t.target_id
        WHERE t.kind = 'deposit' AND a.guest_id IS NOT NULL ORDER BY t.id
    """
    yield """
        UPDATE accounts SET balance_cents = moved.cents FROM (
            SELECT account_id, sum(cents) AS cents FROM (
                SELECT target_id AS account_id, amount_cents AS cents FROM transfers
                UNION ALL SELECT source_id, -amount_cents FROM transfers
            ) AS ends GROUP BY account_id
        ) AS moved WHERE moved.account_id = accounts.id
    """
    yield """
        UPDATE coin_boxes SET count = moved.count FROM (
            SELECT machine_id, value_cents, sum(count) AS count FROM coin_movements
            GROUP BY machine_id, value_cents
        ) AS moved WHERE moved.machine_id = coin_boxes.machine_id
            AND moved.value_cents = coin_boxes.value_cents
    """


def _stock() -> Iterator[str]:
    """Out with each order, and back with each refund; then all shelves, every sixth product's below par."""
    yield """
        INSERT INTO stock_movements (kind, machine_id, product_id, quantity, order_id, refund_id, created_us)
        SELECT 'sale', o.machine_id, l.product_id, -l.quantity, o.id, NULL, o.created_us
        FROM orders o JOIN order_lines l ON l.order_id = o.id ORDER BY o.id
    """
    yield """
        INSERT INTO stock_movements (kind, machine_id, product_id, quantity, order_id, refund_id, created_us)
        SELECT 'refund', o.machine_id, l.product_id, l.quantity, o.id, l.refund_id, o.created_us
        FROM orders o JOIN refund_lines l ON l.order_id = o.id ORDER BY o.id
    """
    yield """
        UPDATE shelves SET quantity = moved.pieces FROM (
            SELECT machine_id, product_id, sum(quantity) AS pieces FROM stock_movements
            GROUP BY machine_id, product_id
        ) AS moved WHERE moved.machine_id = shelves.machine_id AND moved.product_id = shelves.product_id
    """
    yield "UPDATE shelves SET par_level = quantity WHERE product_id % 6 = 0"


def _places(table: str, columns: str) -> str:
    """The table's rows, each with its place among them from 0 on."""
    return f"(SELECT {columns}, row_number() OVER (ORDER BY id) - 1 AS place FROM {table})"


async def _count(connection: AsyncConnection) -> int:
    return int((await connection.exec_driver_sql("SELECT count(*) FROM sales")).scalar_one())
