"""docs/guarantees.md: what was promised, how it was shown, and how that went."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from tests.planted.planting import ROOT
from tests.proof.rows import Row, Table
from tests.proof.running import Machine, Result
from tests.proof.steps import Step

PATH = ROOT / "docs" / "guarantees.md"
HEAD = (
    "",
    "promise",
    "test",
    "size",
    "databases",
    "run",
    "violations",
    "control caught",
    "seconds",
    "commit",
)
PROMISED = slice(0, 4)
"""The cells that no run changes."""
NOT_RUN = "not run"
WIDTH = 110
_INTRODUCTION = """\
`make proof` wrote this; [proof.md](proof.md) says how it works. `tests/proof/rows.toml` has the rows and
names every test. *Violations* counts the tests that failed. A *control* takes the guard away, and is caught
if a test then fails: a check that cannot fail proves nothing. *Commit* is what was run, in full size; what
has changed since has been through `make test` alone."""


def cells(row: Row) -> list[str]:
    """What a line of the table promises, before anything is run."""
    files = dict.fromkeys(test.partition("::")[0].removeprefix("tests/") for test in row.tests)
    shown = [f"`{file}{'' if file.endswith('.py') else '/'}`" for file in files]
    if row.command:
        shown.append(f"`python -m {row.command}`")
    return [row.name, row.promise, ", ".join(shown) or "not yet", row.size]


def line(row: Row, steps: Sequence[Step] | None, results: Mapping[Step, Result], *, commit: str) -> list[str]:
    """The cells of a row; without steps, nobody asked for it."""
    if row.not_yet:
        return [*cells(row), "", f"not yet: {row.not_yet}", "", "", "", ""]
    if steps is None:
        return [*cells(row), "", NOT_RUN, "", "", "", ""]
    missing = sorted({str(results[step]) for step in steps if step in results and not results[step].is_whole})
    if missing or any(step not in results for step in steps):
        return [*cells(row), "", "; ".join(missing) or NOT_RUN, "", "", "", ""]
    shown = [step for step in steps if not step.is_control]
    databases = sorted({step.database for step in shown if step.database}, reverse=True)
    violations = sum(len(results[step].failed) or bool(results[step].trouble) for step in shown)
    seconds = sum(results[step].seconds for step in steps)
    return [
        *cells(row),
        ", ".join(databases) or "neither",
        "; ".join(_counted(shown, results)),
        f"**{violations}**" if violations else "0",
        _controls([step for step in steps if step.is_control], results),
        f"{seconds:,.0f}",
        commit,
    ]


def _counted(steps: Iterable[Step], results: Mapping[Step, Result]) -> list[str]:
    """What was done on each database: what the tests say, or how many of them there were."""
    said: dict[str, list[str]] = {}
    passed: dict[str, int] = {}
    for step in steps:
        said.setdefault(step.database, []).extend(results[step].figures)
        passed[step.database] = passed.get(step.database, 0) + results[step].passed
    return [
        f"{database or 'once'}: " + (", ".join(figures) or _plural(passed[database], "test"))
        for database, figures in said.items()
    ]


def _controls(steps: Sequence[Step], results: Mapping[Step, Result]) -> str:
    missed = [step.bug or step.name for step in steps if not results[step].is_good]
    if missed:
        return f"**NOT CAUGHT: {', '.join(missed)}**"
    tests = sum(results[step].passed for step in steps if not step.bug)
    bugs = sum(bool(step.bug) for step in steps)
    counted = [_plural(bugs, "bug")] * bool(bugs) + [_plural(tests, "control test")] * bool(tests)
    return " and ".join(counted) or "none"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def document(
    table: Table, lines: Mapping[str, Sequence[str]], *, machine: Machine, day: date, before: str = ""
) -> str:
    """The whole text. A row that was not run now keeps its line of `before`, if that promises the same."""
    old = {cells[0]: cells for cells in rows_in(before)}
    parts = ["# What Tuckshop guarantees", _INTRODUCTION]
    for part, rows in table.parts.items():
        shown = [_newest(lines[row.name], old.get(row.name)) for row in rows]
        parts += [
            f"## {part}",
            "\n".join(["| " + " | ".join(one) + " |" for one in (HEAD, ["---"] * len(HEAD), *shown)]),
        ]
    parts += ["## What is not promised", "\n".join(map(_bullet, table.not_promised))]
    parts += ["## What it ran on", _wrapped(_told(machine, day))]
    return "\n\n".join(parts) + "\n"


def rows_in(text: str) -> list[list[str]]:
    """The cells of every row of its tables, heads left out."""
    found = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in re.findall(r"^\|.*\|$", text, re.MULTILINE)
    ]
    return [cells for cells in found if cells[0] and cells[0] != "---"]


def _newest(now: Sequence[str], before: Sequence[str] | None) -> Sequence[str]:
    was_run = now[-1] or now[5].startswith("not yet")
    return now if was_run or before is None or before[PROMISED] != now[PROMISED] else before


def _told(machine: Machine, day: date) -> str:
    postgres = f"PostgreSQL {machine.postgres}" if machine.postgres else "no PostgreSQL"
    return (
        f"Last run on {day:%-d %B %Y}: {_plural(machine.cores, 'core')}, {machine.system}, "
        f"Python {machine.python}, SQLite {machine.sqlite}, {postgres}, books on a disk."
    )


def _bullet(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="- ", subsequent_indent="  ")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH)
