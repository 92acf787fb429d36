"""How long a year's sales report takes: `python -m bench.reports [--orders 1000000] [--products 100]`.

By day, product, seller and machine, on a shop with that many orders on each database. Every figure is that of
the service, reading and all. The orders have their lines, some refunds and the days' sums, which are all that
these reports read; money and stock did not move.
"""

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from bench.catalogue import quantile, surroundings
from bench.host import look
from bench.seed import Size, make
from tools.postgres import Cluster
from tuckshop.domain.accounts import OPERATOR
from tuckshop.domain.days import Period, date_of
from tuckshop.services import reports
from tuckshop.services.opening import open_shop
from tuckshop.services.reports import By
from tuckshop.services.shop import Shop
from tuckshop.settings import Settings
from tuckshop.store.engine import open_engine, writing

P99_MS_MAX = 300
MACHINES = 3
DAYS = 365
DAY_US = 86_400_000_000
SHAPES: tuple[tuple[By, ...], ...] = (
    (By.DAY,),
    (By.PRODUCT,),
    (By.SELLER,),
    (By.MACHINE,),
    (By.SELLER, By.MACHINE),
    (By.DAY, By.MACHINE),
    (By.DAY, By.PRODUCT),
)


def main() -> None:
    """Measure both databases and print a line for each kind of report."""
    asked = _arguments()
    slow = False
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tuckshop-bench-")))
        cluster = stack.enter_context(Cluster({"shared_buffers": "256MB", "max_wal_size": "4GB"}))
        for database, url in (
            ("SQLite", f"sqlite:///{folder}/shop.sqlite3"),
            ("PostgreSQL", cluster.create_database("shop")),
        ):
            began = time.perf_counter()
            make(url, size=Size(products=asked.products, buyers=100, sellers=10))
            made = asyncio.run(fill(url, orders=asked.orders))
            took = time.perf_counter() - began
            print(
                f"\n{database}: {asked.orders:,} orders in {DAYS} days, {made:,} sums, made in {took:.0f} s"
            )
            before = look()
            figures = asyncio.run(measured(url, rounds=asked.rounds))
            print(surroundings(before, look()))
            print(f"{'p50 ms':>8} {'p99 ms':>8} {'rows':>7}   the year's sales by")
            for by, (rows, times) in figures.items():
                told = ", ".join(by)
                print(f"{quantile(times, 50):8.1f} {quantile(times, 99):8.1f} {rows:7,}   {told}")
                slow |= len(by) == 1 and quantile(times, 99) > P99_MS_MAX
    raise SystemExit(f"p99 above {P99_MS_MAX} ms" if slow else 0)


async def fill(url: str, *, orders: int) -> int:
    """Orders of one line each, evenly over the year until now, on a shop from `bench.seed`; how many sums."""
    engine = open_engine(url)
    try:
        async with writing(engine) as connection:
            if connection.dialect.name == "postgresql":
                # A million rows are right by how they are made; looking each up would take a minute.
                await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for statement in _statements(orders, now_us=time.time_ns() // 1_000):
                await connection.exec_driver_sql(statement)
            made = await _count(connection)
        async with engine.connect() as connection:
            autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await autocommit.exec_driver_sql("ANALYZE")
    finally:
        await engine.dispose()
    return made


async def measured(url: str, *, rounds: int) -> dict[tuple[By, ...], tuple[int, list[float]]]:
    """Rows, and milliseconds of each round, of the year's report by each of SHAPES."""
    figures = {}
    async with open_shop(Settings(database_url=url, secret="s" * 64)) as shop:
        year = _year(shop)
        for by in SHAPES:
            times, rows = [], 0
            for _ in range(rounds + 1):
                began = time.perf_counter()
                report = await reports.sell_through(shop, actor=OPERATOR, period=year, by=by)
                times.append((time.perf_counter() - began) * 1000)
                rows = len(report.rows)
            figures[by] = (rows, times[1:])  # The first round fills caches.
    return figures


def _year(shop: Shop) -> Period:
    today = date_of(shop.till.policy.days.of(shop.clock()))
    return Period(today - timedelta(days=DAYS), today)


def _statements(orders: int, *, now_us: int) -> Iterator[str]:
    begins_us = now_us - DAYS * DAY_US
    step_us = DAYS * DAY_US // orders
    for machine in range(2, MACHINES + 1):
        yield f"""
            INSERT INTO machines (name, name_key, timezone, box_kind, created_us)
            VALUES ('Bench {machine}', 'bench {machine}', 'UTC', 'unlimited', {now_us})
        """
    numbers = (
        "(WITH RECURSIVE series(i) AS (SELECT CAST(1 AS BIGINT)"
        f" UNION ALL SELECT i + 1 FROM series WHERE i < {orders}) SELECT i FROM series) AS numbers"
    )
    products = "(SELECT p.*, row_number() OVER (ORDER BY id) - 1 AS place FROM products p) AS p"
    buyers = "(SELECT user_id, row_number() OVER (ORDER BY id) - 1 AS place FROM sessions) AS b"
    many = "(SELECT count(*) FROM products)"
    # Strides that share no factor with how many there are: every product on every machine on every day.
    yield f"""
        INSERT INTO orders (id, buyer_id, machine_id, payment, status, total_cents,
                            created_us, fulfilled_us, day)
        SELECT i, b.user_id, 1 + (i / 7) % {MACHINES}, 'wallet',
               CASE WHEN i % 50 = 0 THEN 'refunded' ELSE 'dispensed' END,
               p.price_cents * (1 + i % 2), {begins_us} + i * {step_us}, {begins_us} + i * {step_us},
               ({begins_us} + i * {step_us}) / {DAY_US}
        FROM {numbers} JOIN {products} ON p.place = (i * 37) % {many} JOIN {buyers} ON b.place = i % 100
    """
    yield f"""
        INSERT INTO order_lines (order_id, product_id, position, quantity, name, price_cents, seller_id,
                                 refundable, tax_basis_points, cost_cents, refunded_quantity)
        SELECT i, p.id, 0, 1 + i % 2, p.name, p.price_cents, p.seller_id, p.refundable, p.tax_basis_points,
               p.cost_cents, CASE WHEN i % 50 = 0 THEN 1 + i % 2 ELSE 0 END
        FROM {numbers} JOIN {products} ON p.place = (i * 37) % {many}
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


async def _count(connection: AsyncConnection) -> int:
    return int((await connection.exec_driver_sql("SELECT count(*) FROM sales")).scalar_one())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.reports")
    parser.add_argument("--orders", type=int, default=1_000_000, help="%(default)s")
    parser.add_argument("--products", type=int, default=100, help="%(default)s")
    parser.add_argument("--rounds", type=int, default=50, help="%(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main()
