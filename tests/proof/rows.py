"""What the shop promises, each with the tests that show it and the bugs that those must find: `rows.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.planted.planting import bugs


@dataclass(frozen=True)
class Row:
    """One promise.

    `tests`: folders, files or node ids of pytest, all of which must pass with TUCKSHOP_PROOF=1. `controls`:
    tests that take a guard away themselves. `bugs`: names of planted ones, each of which must make a test
    fail. `command`: a module that is run instead of tests. `needs`: programs. `minutes`: about how long a
    step takes, until it has been run once. `each`: so many tests are one step. `not_yet`: why nothing is run.
    """

    name: str
    promise: str
    size: str = ""
    tests: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    bugs: tuple[str, ...] = ()
    command: str = ""
    needs: tuple[str, ...] = ()
    minutes: float = 0.3
    each: int = 1_000
    not_yet: str = ""


@dataclass(frozen=True)
class Table:
    """All rows by name in their order, the heading of each part, and what is promised by none."""

    parts: Mapping[str, tuple[Row, ...]]
    not_promised: tuple[str, ...] = field(default=())

    def rows(self) -> Iterator[Row]:
        """All of them."""
        for rows in self.parts.values():
            yield from rows


def table() -> Table:
    """The table as rows.toml has it."""
    told = tomllib.loads(Path(__file__).with_name("rows.toml").read_text("utf-8"))
    return Table(
        {
            part: tuple(_row(name, entry) for name, entry in rows.items())
            for part, rows in told["rows"].items()
        },
        tuple(told["not_promised"]),
    )


def _row(name: str, entry: Mapping[str, object]) -> Row:
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    if values.get("bugs") == "all":
        values["bugs"] = tuple(bugs())
    return Row(name=name, **values)  # type: ignore[arg-type]
