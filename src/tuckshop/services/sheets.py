"""Tables as text (CSV, RFC 4180), as spreadsheets write and read them.

A spreadsheet takes a cell that begins with one of `= + - @`, a tab or a line end for a formula, and whoever
could name a product could run one. Such texts get an apostrophe in front. Numbers are written as they are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


def write(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The rows as lines of text, one at a time. None is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow(
            ["" if cell is None else cell if isinstance(cell, int) else _escaped(str(cell)) for cell in row]
        )
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _escaped(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell
