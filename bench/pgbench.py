"""PostgreSQL's own bench program, buying as if the database were all there is: no HTTP, no Python.

What it leaves behind must pass the same audit as Tuckshop's own books: the same rows, and all of them right.
"""

import re
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.counts import count, require_all
from bench.host import latency
from bench.measure import BenchFailed, Measure, Run, at_best
from bench.programs import program, said_by
from bench.seed import Shop
from bench.server import require_clean_audit

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
_THREADS_MAX = 2  # Two threads feed a hundred clients; more would take processors from the server.
_SECONDS_MORE = 30  # To connect, and to finish what was begun.
_HERE = Path(__file__).parent


def by_statements(url: str, *, shop: Shop, product_ids: range, seconds: float) -> Measure:
    """Purchases as several prepared statements in one transaction."""
    return _measure(url, "purchase_statements.sql", shop=shop, product_ids=product_ids, seconds=seconds)


def by_function(url: str, *, shop: Shop, product_ids: range, seconds: float) -> Measure:
    """Purchases as one call of a PL/pgSQL function."""
    make_function(url)
    return _measure(url, "purchase_function.sql", shop=shop, product_ids=product_ids, seconds=seconds)


def make_function(url: str) -> None:
    """Put the function that `purchase_function.sql` calls into the database. Raises: BenchFailed."""
    make = [program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    make += [f"--file={_HERE / 'purchase_function_make.sql'}", url]
    said_by(make, seconds_max=_SECONDS_MORE)


def _measure(url: str, script: str, *, shop: Shop, product_ids: range, seconds: float) -> Measure:
    run = partial(_run, Job(url, script, shop.session_ids, product_ids))
    measure = at_best(run, parallels=CLIENTS, seconds=seconds)
    require_clean_audit(url)
    return measure


@dataclass(frozen=True, slots=True)
class Job:
    """Which file of this folder buys in which database: as whom, and what."""

    url: str
    script: str
    session_ids: range
    product_ids: range


def bought(job: Job, *options: str, seconds_max: float) -> str:
    """What pgbench says after it ran the job's script. Raises: BenchFailed unless all of it succeeds."""
    command = [
        program("pgbench"),
        "--no-vacuum",
        "--protocol=prepared",
        *options,
        *_variables("session", job.session_ids),
        *_variables("product", job.product_ids),
        f"--file={_HERE / job.script}",
        job.url,
    ]
    return said_by(command, seconds_max=seconds_max)


def _run(job: Job, *, parallel: int, seconds: float) -> Run:
    before = count(job.url)
    with tempfile.TemporaryDirectory(prefix="tuckshop-bench-") as directory:
        said = bought(
            job,
            f"--client={parallel}",
            f"--jobs={min(parallel, _THREADS_MAX)}",
            f"--time={seconds:.0f}",
            "--log",
            f"--log-prefix={directory}/log",
            seconds_max=seconds + _SECONDS_MORE,
        )
        # Each line: client, transaction, microseconds that it took, and more.
        taken = [
            int(line.split(maxsplit=3)[2]) / 1_000_000
            for log in Path(directory).iterdir()
            for line in log.read_text().splitlines()
        ]
    purchases = int(_number(r"number of transactions actually processed: (\d+)", said))
    require_all(before, count(job.url), answered=purchases)
    return Run(purchases=purchases, per_second=_number(r"tps = ([\d.]+)", said), latency=latency(taken))


def _variables(name: str, ids: range) -> tuple[str, str]:
    return f"--define={name}_first={ids[0]}", f"--define={name}_last={ids[-1]}"


def _number(pattern: str, said: str) -> float:
    match = re.search(pattern, said)
    if match is None:
        raise BenchFailed(f"pgbench answered in words that are not known here: {said[-2_000:]}")
    return float(match[1])
