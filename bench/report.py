"""The figures side by side, as a table for a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.measure import Measure

_HEADINGS = (
    "",
    "products",
    "purchases/s",
    "ratio",
    "p50 ms",
    "p99 ms",
    "best with",
    "fdatasync p50, p99 ms",
    "others' load",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure: who sold, from how many products, and with what in parallel it went best."""

    name: str
    products: int
    measure: Measure
    best_with: str


def table(rows: Sequence[Row], *, reference: str) -> Iterator[str]:
    """Lines to print. Ratios are to the row named `reference` with as many products, if there is one."""
    of_one = {row.products: row.measure.run.per_second for row in rows if row.name == reference}
    cells = [_HEADINGS, *(_cells(row, of_one.get(row.products)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        name, *figures = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join((name.strip().ljust(widths[0]), *figures)).rstrip()


def _cells(row: Row, of_one: float | None) -> tuple[str, ...]:
    run, host = row.measure.run, row.measure.host
    return (
        row.name,
        f"{row.products:,}",
        f"{run.per_second:,.0f}",
        f"{run.per_second / of_one:.2f}" if of_one else "-",
        f"{run.latency.p50_ms:.1f}",
        f"{run.latency.p99_ms:.1f}",
        row.best_with,
        f"{host.fdatasync.p50_ms:.2f}, {host.fdatasync.p99_ms:.2f}",
        f"{host.busy_share:.0%}",
    )


def megabytes(sizes: Iterable[int]) -> str:
    """Sizes in bytes as people read them."""
    return " + ".join(f"{size / 1_000_000:.0f}" for size in sizes) + " MB"
