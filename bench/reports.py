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
from datetime import timedelta
from pathlib import Path

from bench import history
from bench.catalogue import quantile, surroundings
from bench.host import look
from bench.seed import Size, make
from tools.postgres import Cluster
from tuckshop.context import Shop
from tuckshop.domain.days import Period, date_of
from tuckshop.domain.users import OPERATOR
from tuckshop.operations.startup import open_shop
from tuckshop.queries import reports
from tuckshop.queries.reports import By
from tuckshop.settings import Settings

P99_MS_MAX = 300
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
            made = history.sell(url, orders=asked.orders)
            took = time.perf_counter() - began
            print(f"\n{database}: {asked.orders:,} orders of a year, {made:,} sums, made in {took:.0f} s")
            before = look()
            figures = asyncio.run(measured(url, rounds=asked.rounds))
            print(surroundings(before, look()))
            print(f"{'p50 ms':>8} {'p99 ms':>8} {'rows':>7}   the year's sales by")
            for by, (rows, times) in figures.items():
                told = ", ".join(by)
                print(f"{quantile(times, 50):8.1f} {quantile(times, 99):8.1f} {rows:7,}   {told}")
                slow |= len(by) == 1 and quantile(times, 99) > P99_MS_MAX
    raise SystemExit(f"p99 above {P99_MS_MAX} ms" if slow else 0)


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
    return Period(today - timedelta(days=history.DAYS), today)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.reports")
    parser.add_argument("--orders", type=int, default=1_000_000, help="%(default)s")
    parser.add_argument("--products", type=int, default=100, help="%(default)s")
    parser.add_argument("--rounds", type=int, default=50, help="%(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main()
