"""Tables as text: what is written comes back exactly, and what is no table is said to be none."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuckshop.imports import csv_files
from tuckshop.imports.csv_files import BYTES_MAX, CELL_LENGTH_MAX, FileUnreadable, Row
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

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20).map(
    lambda text: text.strip(" ")
)
SHARP = st.tuples(st.sampled_from("=+-@'\t\r\n,;\"a "), CELLS).map(lambda two: "".join(two).strip(" "))


def cells(content: bytes) -> list[tuple[str, ...]]:
    return [row.cells for row in csv_files.read(content, rows_max=100)]


@given(st.lists(st.lists(st.one_of(CELLS, SHARP), min_size=3, max_size=3), max_size=5))
def test_what_is_written_is_read_back(rows: list[list[str]]) -> None:
    head = ("a", "b", "c")  # From which the separator is known.
    written = "".join(csv_files.write([head, *rows])).encode()
    assert cells(written) == [head, *(tuple(row) for row in rows if any(row))]


@given(SHARP)
def test_no_cell_is_a_formula(cell: str) -> None:
    ((shown, _),) = csv.reader(io.StringIO("".join(csv_files.write([(cell, "")])), newline=""))
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-5", "'-5"),
        ("@sum", "'@sum"),
        ("'=x", "''=x"),
        ("'n Beetje", "'n Beetje"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_only_what_could_be_a_formula_is_changed(cell: str, written: str) -> None:
    assert "".join(csv_files.write([(cell, "x")])) == f"{written},x\r\n"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_spreadsheet_is_understood(separator: str, end: str, mark: str) -> None:
    text = mark + end.join((f"name{separator}price", f'"Cola{separator} cold"{separator}1.50', ""))
    assert cells(text.encode()) == [("name", "price"), (f"Cola{separator} cold", "1.50")]


def test_rows_know_the_line_that_they_begin_on() -> None:
    content = b'\nname\n\n"a\nb"\nc\n,,\n d \n'
    assert csv_files.read(content, rows_max=9) == [
        Row(2, ("name",)),
        Row(4, ("a\nb",)),
        Row(6, ("c",)),
        Row(8, ("d",)),
    ]


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ("name\ncafé".encode("latin-1"), 2, FileNotUtf8()),
        ("name\ncola".encode("utf-16"), None, FileIsUtf16()),
        ("name\ncola".encode("utf-16-le"), 1, NulCharacter()),
        (b"name\nco\0la", 2, NulCharacter()),
        (b'name\ncola\n"never closed\ntea\n', 3, QuotesOpen()),
        (b'name\n"co"la\n', 2, QuotesOpen()),
        (b"name\n" + b"x" * (CELL_LENGTH_MAX + 1), 2, CellTooLong(CELL_LENGTH_MAX)),
        (b"name\n" + b"x" * 200_000, 2, QuotesOpen()),  # More than the reader itself takes.
        (b"x" * (BYTES_MAX + 1), None, FileTooLarge(BYTES_MAX)),
        (b"a\n" * 102, None, TooManyRows(100)),
        (b"\x89PNG\r\n\x1a\n\0\0", 1, FileNotUtf8()),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_table_is_refused(content: bytes, line: int | None, problem: FileProblem) -> None:
    with pytest.raises(FileUnreadable) as caught:
        csv_files.read(content, rows_max=100)
    assert caught.value.problem == problem
    assert caught.value.line == line
