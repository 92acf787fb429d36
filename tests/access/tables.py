"""The tables of who is answered what: made from the application's own routes, kept as text, compared."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.access.requests import LOGIN, Answer, Ask
from tests.access.scene import CALLERS, Scene

FOLDER = Path(__file__).parent
CALLERS_ARE = """\
# Columns: who asks.
#   nobody     without any credential; before pages a guest with money, who has the guest's cookie
#   ended      a session that is over, of somebody with every role who asks for what is their own
#   disabled   an open session of a disabled user, with every role, who asks for what is their own
#   buyer, seller, cashier, admin   somebody with this one role, who asks for what is the owner's
#   owner      a buyer and seller, to whom what the path names belongs
#   other      another buyer and seller
#   machine    a machine with its key; a path that names a machine names this one
#   screen     a browser that is the paired screen of that machine, with a guest before it
# Cells: the status; of a redirect with a + if anything was changed. Redirects to the log-in are written out;
# where others lead stands in the last column.
# `python -m tests.access --write` writes this file; a changed cell is a changed right.
"""


class Key(NamedTuple):
    """What stands before a row's cells."""

    method: str
    path: str
    what: str = ""

    def __str__(self) -> str:
        return f"{self.method:<6} {self.path}" + (f" ({self.what})" if self.what else "")


@dataclass(frozen=True)
class Row:
    """What each of CALLERS is answered, and where redirects lead that do not lead to the log-in."""

    cells: tuple[str, ...]
    to: str = ""

    def of(self, who: str) -> str:
        return self.cells[CALLERS.index(who)]


DID = "+"
Table = dict[Key, Row]
Asking = Callable[[Scene, Key, Ask, str], Awaitable[Answer]]


@dataclass(frozen=True)
class Interface:
    """One table: its routes, what is sent to each, and how a caller sends it.

    `asks`: by `METHOD path`; a route that is not there is asked once, with nothing.
    """

    name: str
    title: str
    routes: Callable[[Scene], Iterable[tuple[str, str]]]
    asks: Mapping[str, tuple[Ask, ...]]
    ask: Asking

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.name}.txt"

    async def table(self, scene: Scene, *, one_of: int = 1) -> Table:
        """As the application answers now; of so many rows one, chosen by its name."""
        return {
            key: _row([await self.ask(scene, key, ask, who) for who in CALLERS])
            for key, ask in self.rows(scene)
            if zlib.crc32(f"{key}".encode()) % one_of == 0
        }

    def rows(self, scene: Scene) -> Iterator[tuple[Key, Ask]]:
        """Every route of the application, and what is sent to it."""
        known = dict.fromkeys(sorted(self.routes(scene), key=_reading_order))
        unknown = self.asks.keys() - {f"{method} {path}" for method, path in known}
        assert not unknown, f"no route takes what is sent to {sorted(unknown)}"
        for method, path in known:
            for ask in self.asks.get(f"{method} {path}", (Ask(),)):
                yield Key(method, path, ask.what), ask


def _reading_order(route: tuple[str, str]) -> tuple[str, int]:
    method, path = route
    return path, ("GET", "POST", "PUT", "PATCH", "DELETE").index(method)


def _row(answers: list[Answer]) -> Row:
    places = Counter(one.to for one in answers if one.to not in ("", LOGIN))
    common = places.most_common(1)[0][0] if places else ""
    return Row(tuple(_cell(one, common) for one in answers), common)


def _cell(answer: Answer, common: str) -> str:
    did = DID if answer.to and answer.did else ""
    place = "" if answer.to in ("", common) else f" {answer.to}"
    return f"{answer.status}{did}{place}"


def written(title: str, table: Table) -> str:
    """The table as text."""
    head = ("", *CALLERS, "leads to")
    lines = [(str(key), *row.cells, row.to) for key, row in table.items()]
    widths = [max(len(line[place]) for line in (head, *lines)) for place in range(len(head))]
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, *lines)
    ]
    return f"# {title}\n#\n{CALLERS_ARE}\n" + "\n".join(text) + "\n"


def read(text: str) -> Table:
    """What `written` wrote."""
    found: Table = {}
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    for line in lines[1:]:
        name, *cells = re.split(r" {2,}", re.sub(r"^(\w+) +", r"\1 ", line))
        match = re.fullmatch(r"(\w+) (\S+)(?: \((.*)\))?", name)
        assert match is not None, line
        assert len(cells) in (len(CALLERS), len(CALLERS) + 1), line
        to = cells[len(CALLERS)] if len(cells) > len(CALLERS) else ""
        found[Key(match[1], match[2], match[3] or "")] = Row(tuple(cells[: len(CALLERS)]), to)
    return found


def differences(expected: Table, found: Table) -> list[str]:
    """Every cell that is not as it was, and every row that only one of the two has."""
    told = [
        f"{key}: is in the table, and no route of the application" for key in expected.keys() - found.keys()
    ]
    told += [f"{key}: is a route, and not in the table" for key in found.keys() - expected.keys()]
    for key in expected.keys() & found.keys():
        before, now = expected[key], found[key]
        told += [
            f"{key} by {who}: {now.of(who)}, not {before.of(who)}"
            for who in CALLERS
            if now.of(who) != before.of(who)
        ]
        if now.to != before.to:
            told.append(f"{key}: leads to {now.to}, not {before.to}")
    return sorted(told)
