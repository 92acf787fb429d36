"""Purchases measured side by side: `python -m bench [--only statements,function,...] [--seconds 8]`.

Or beside those of an older commit: `python -m bench --beside COMMIT`.

Every part starts on a copy of the same filled shop, on servers that the bench starts itself and that keep
every promise of durability. Figures compare within one run only.
"""

import argparse
import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from bench import pgbench, wrk
from bench.beside import beside
from bench.measure import BenchFailed, Measure
from bench.programs import program
from bench.report import Row, megabytes, table
from bench.seed import Shop, Size, make
from bench.server import postgres
from tools.postgres import Cluster, PostgresFailed, PostgresMissing

_PARTS = ("statements", "function", "postgres", "sqlite")
_PROGRAMS = {"statements": "pgbench", "function": "pgbench", "postgres": "wrk", "sqlite": "wrk"}
_SECONDS = 8  # For each figure, and two more for each try before it: under four minutes in all.
_ROUNDS = 5  # An odd number: the median is one of them.
_WORKERS = (1, 2)
_STATEMENTS = "pgbench, several statements"


def main() -> None:
    """Measure what is asked for, row by row, and print the table."""
    asked = _arguments()
    # Ended from outside, the bench still ends its servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began = time.monotonic()
    rows: list[Row] = []
    try:
        for name in sorted({_PROGRAMS[part] for part in asked.only}):
            program(name)
        if asked.beside is not None:
            databases = [part for part in asked.only if _PROGRAMS[part] == "wrk"]
            beside(asked.beside, databases=databases, seconds=asked.seconds, rounds=asked.rounds)
            return
        for row in _rows(asked.only, asked.seconds):
            _tell(f"{row.name}, products: {row.products:,}: {row.measure.run.per_second:,.0f}/s")
            rows.append(row)
    except (BenchFailed, PostgresFailed, PostgresMissing) as failure:
        sys.exit(f"bench: {failure}")
    print(*table(rows, reference=_STATEMENTS), sep="\n")
    print(f"\nRatios are to {_STATEMENTS}, from as many products. {time.monotonic() - began:.0f} s in all.")


def _rows(parts: list[str], seconds: float) -> Iterator[Row]:
    with contextlib.ExitStack() as stack:
        if set(parts) & {"statements", "function", "postgres"}:
            cluster = stack.enter_context(postgres())
            shop = make(cluster.create_database("seeded"), size=Size())
            for product_ids in _spreads(shop):
                for part in parts:
                    if part != "sqlite":
                        url = _copy(cluster, f"{part}_{len(product_ids)}")
                        yield _row_on_postgres(part, url, shop, product_ids, seconds)
        if "sqlite" in parts:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tuckshop-bench-")))
            seeded = directory / "seeded.sqlite3"
            shop = make(f"sqlite:///{seeded}", size=Size())
            for product_ids in _spreads(shop):
                path = shutil.copy(seeded, directory / f"{len(product_ids)}.sqlite3")
                served = wrk.over_http(
                    f"sqlite:///{path}", shop=shop, product_ids=product_ids, seconds=seconds
                )
                yield _served_row("Tuckshop on SQLite", product_ids, served)


def _row_on_postgres(part: str, url: str, shop: Shop, product_ids: range, seconds: float) -> Row:
    if part == "postgres":
        served = wrk.over_http(url, shop=shop, product_ids=product_ids, seconds=seconds, workers=_WORKERS)
        return _served_row("Tuckshop on PostgreSQL", product_ids, served)
    if part == "function":
        measure = pgbench.by_function(url, shop=shop, product_ids=product_ids, seconds=seconds)
        return _pgbench_row("pgbench, one function call", product_ids, measure)
    measure = pgbench.by_statements(url, shop=shop, product_ids=product_ids, seconds=seconds)
    return _pgbench_row(_STATEMENTS, product_ids, measure)


def _spreads(shop: Shop) -> tuple[range, range]:
    """Sales spread over every product, and all of the same one."""
    return shop.product_ids, shop.product_ids[:1]


def _copy(cluster: Cluster, name: str) -> str:
    asyncio.run(_run_sql(cluster.url(), f"CREATE DATABASE {name} TEMPLATE seeded"))
    return cluster.url(name)


async def _run_sql(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _pgbench_row(name: str, product_ids: range, measure: Measure) -> Row:
    return Row(name=name, products=len(product_ids), measure=measure, best_with=f"{measure.parallel} clients")


def _served_row(name: str, product_ids: range, served: wrk.Served) -> Row:
    _tell(
        f"{name}: ready in {served.ready_seconds:.2f} s, memory of its processes before the first run "
        f"{megabytes(served.resident_bytes)}"
    )
    workers = "1 worker" if served.workers == 1 else f"{served.workers} workers"
    return Row(
        name=name,
        products=len(product_ids),
        measure=served.measure,
        best_with=f"{served.measure.parallel} connections, {workers}",
    )


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition(":")[0])
    parser.add_argument(
        "--only", type=_parts, default=list(_PARTS), metavar="PARTS", help=f"of {','.join(_PARTS)}; all"
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=_SECONDS, help="length of each measured run; %(default)s"
    )
    parser.add_argument(
        "--beside", metavar="COMMIT", help="compare with that commit instead, on the databases among PARTS"
    )
    parser.add_argument(
        "--rounds", type=int, default=_ROUNDS, help="runs of each beside the other; %(default)s"
    )
    return parser.parse_args()


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    if not parts or set(parts) - set(_PARTS):
        raise argparse.ArgumentTypeError(f"name some of {','.join(_PARTS)}")
    return [part for part in _PARTS if part in parts]


def _seconds(text: str) -> int:
    seconds = int(text)
    if not 2 <= seconds <= 600:
        raise argparse.ArgumentTypeError("from 2 to 600")
    return seconds


if __name__ == "__main__":
    main()
