"""An older commit's purchases beside the present ones, in one run: `python -m bench --beside COMMIT`.

Each code fills a shop of its own, runs its own migrations and its own server, and is bought from in turns by
its own bench, which knows its modules; which server goes first changes each time. Where the load itself has
changed since that commit, the bench says so: then the figures may not compare.

Throughput depends on what else the computer does; what a purchase costs the processors hardly does, so that
is what is compared.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench.measure import BenchFailed
from bench.programs import said_by

_ROOT = Path(__file__).parent.parent
_LOAD = ("bench/purchases.lua", "bench/side.py", "bench/wrk.py")
_WARM_SECONDS = 2.0
_STOP_SECONDS_MAX = 150.0  # With its audit.

Figures = dict[str, list[float]]


def beside(commit: str, *, databases: list[str], seconds: float, rounds: int) -> None:
    """Measure this code and an older commit's in turns, and print what a purchase costs with each."""
    with _checked_out(commit) as older:
        for name in _LOAD:
            if (older / name).read_bytes() != (_ROOT / name).read_bytes():
                print(
                    f"{name} has changed since {commit[:12]}: look whether the load is the same.", flush=True
                )
        for database in databases:
            with ExitStack() as stack:
                sides = {
                    name: stack.enter_context(_side(code, database))
                    for name, code in ((commit[:12], older), ("here", _ROOT))
                }
                for side in sides.values():
                    _run(side, _WARM_SECONDS)
                figures: dict[str, Figures] = {name: {} for name in sides}
                for turn in range(rounds):
                    for name in sorted(sides, reverse=bool(turn % 2)):
                        for figure, value in _run(sides[name], seconds).items():
                            figures[name].setdefault(figure, []).append(value)
            print(*_table(database, figures), sep="\n", flush=True)


@contextmanager
def _checked_out(commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tuckshop-bench-") as directory:
        tree = Path(directory) / "tree"
        git = ["git", "-C", str(_ROOT), "worktree"]
        said_by([*git, "add", "--detach", str(tree), commit], seconds_max=60)
        try:
            yield tree
        finally:
            said_by([*git, "remove", "--force", str(tree)], seconds_max=60)


@contextmanager
def _side(code: Path, database: str) -> Iterator[subprocess.Popen[str]]:
    """This bench, on that code's shop."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.side", database],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(code / "src"), str(code)))},
        cwd=code,  # `-m` looks here first.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        served = Path(str(_answer(process)["code"]))
        if not served.is_relative_to(code):
            raise BenchFailed(f"{served} was served, not {code}")
        yield process
        assert process.stdin is not None
        process.stdin.close()
        if process.wait(_STOP_SECONDS_MAX):
            raise BenchFailed(f"the run on {database} failed at its end: see above")
    finally:
        process.terminate()
        process.wait()


def _run(side: subprocess.Popen[str], seconds: float) -> dict[str, float]:
    assert side.stdin is not None
    side.stdin.write(f"{seconds}\n")
    side.stdin.flush()
    told = _answer(side)
    purchases = told["purchases"]
    return {
        "purchases/s": told["per_second"],
        "p50 ms": told["latency"]["p50_ms"],
        "p99 ms": told["latency"]["p99_ms"],
        "server, us each": told["server_cpu_seconds"] / purchases * 1e6,
        "database, us each": told["database_cpu_seconds"] / purchases * 1e6,
    }


def _answer(side: subprocess.Popen[str]) -> dict[str, Any]:
    assert side.stdout is not None
    line = side.stdout.readline()
    if not line:
        raise BenchFailed("one of the two ended: see above")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _table(database: str, figures: dict[str, Figures]) -> Iterator[str]:
    """Medians of each side's runs with their spread, and what here is of there."""
    older, here = figures.values()
    rounds = len(next(iter(here.values())))
    yield f"\n{database}, {rounds} runs of each in turns: median (least to most)"
    yield f"{'':20}" + "".join(f"{name:>28}" for name in figures) + f"{'ratio':>8}"
    for name in here:
        cells = [f"{median(v):,.1f} ({min(v):,.1f} to {max(v):,.1f})" for v in (older[name], here[name])]
        before = median(older[name])
        ratio = f"{median(here[name]) / before:8.2f}" if before else f"{'-':>8}"
        yield f"{name:20}" + "".join(f"{cell:>28}" for cell in cells) + ratio
