"""Tables as text (CSV, RFC 4180), as spreadsheets write and read them.

A spreadsheet takes a cell that begins with one of `= + - @`, a tab or a line end for a formula, and whoever
could name a product could run one. Such texts, not numbers, get an apostrophe in front when they are written,
which is taken off again when they are read: whatever was written is read back exactly.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tuckshop.imports.file_problems import (
    CellTooLong,
    FileIsUtf16,
    FileNotUtf8,
    FileProblem,
    FileTooLarge,
    NulCharacter,
    QuotesOpen,
    TooManyRows,
)

BYTES_MAX = 8 * 1024 * 1024
CELL_LENGTH_MAX = 1_000  # Ten times the longest name; anything longer is a quote that was never closed.
SEPARATORS = ",;\t"  # What spreadsheets use, by country.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r\n]")
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # How UTF-16 begins.


class SheetUnreadable(Exception):
    """No table can be made of this file; the first line at fault, if it is in one."""

    def __init__(self, problem: FileProblem, *, line: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


@dataclass(frozen=True, slots=True)
class Row:
    """One row, and the line of the file that it begins on. Cells are stripped of space around them."""

    line: int
    cells: tuple[str, ...]


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


def read(content: bytes, *, rows_max: int) -> list[Row]:
    """The rows of a file, without the empty ones: its head, and up to `rows_max` below. The separator is the
    one in the head.

    Raises:
        SheetUnreadable: too large, too many rows, not UTF-8, or not quoted as CSV is.
    """
    if len(content) > BYTES_MAX:
        raise SheetUnreadable(FileTooLarge(BYTES_MAX))
    text = _decoded(content)
    first = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(SEPARATORS, key=first.count)
    rows = []
    # A line end inside of quotes belongs to the cell; all others, of whatever system, end a row.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            stripped = tuple(_unescaped(cell.strip(" ")) for cell in cells)
            if any(stripped):
                rows.append(Row(line, stripped))
            if len(rows) > rows_max + 1:
                raise SheetUnreadable(TooManyRows(rows_max))
            if any(len(cell) > CELL_LENGTH_MAX for cell in cells):
                raise SheetUnreadable(CellTooLong(CELL_LENGTH_MAX), line=line)
            line = reader.line_num + 1
    except csv.Error:
        # Where the row begins, not where the text ended that its open quote has swallowed.
        raise SheetUnreadable(QuotesOpen(), line=line) from None
    return rows


def _decoded(content: bytes) -> str:
    if content.startswith(_WIDE):
        raise SheetUnreadable(FileIsUtf16())
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SheetUnreadable(FileNotUtf8(), line=line) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SheetUnreadable(NulCharacter(), line=line)
    return text


def _escaped(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unescaped(cell: str) -> str:
    return cell[1:] if _ESCAPED.match(cell) else cell
