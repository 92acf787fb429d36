"""docs/privacy.md says of every column of text or bytes whether it tells who somebody is."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from sqlalchemy import LargeBinary, Text

from tuckshop.store import tables
from tuckshop.store.erased import GONE, LABELS, erased

DOC = Path(__file__).parents[2] / "docs" / "privacy.md"
_ROW = re.compile(r"\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \| (personal|free text|no) \|(.*)\|")


def rows() -> list[tuple[str, str, str, str]]:
    """Table, column, what it is, and when it is erased."""
    found = [match.groups() for line in DOC.read_text().splitlines() if (match := _ROW.fullmatch(line))]
    return [
        (table, column, kind, when.strip())
        for table, columns, kind, when in found
        for column in re.findall(r"\w+", columns)
    ]


def test_every_column_is_classified_once() -> None:
    told = Counter((table, column) for table, column, _, _ in rows())
    there = {
        (table.name, column.name)
        for table in tables.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Text | LargeBinary)
    }
    assert set(told) == there
    assert set(told.values()) == {1}


def test_what_is_personal_says_when_it_is_erased() -> None:
    assert [row for row in rows() if (row[2] == "no") != (row[3] == "")] == []


def test_what_closing_erases_is_what_the_page_says() -> None:
    told = {(table, column) for table, column, _, when in rows() if when.startswith("with the closing")}
    text = {column.name for column in tables.users.c if isinstance(column.type, Text)}
    done = {("users", column) for column in erased(1) if column in text}
    done |= {("sessions", label) for label in LABELS}
    done |= {("api_tokens", column) for column in ("name", "secret_hash")}
    for table in GONE:
        done |= {(table.name, one.name) for one in table.columns if isinstance(one.type, Text | LargeBinary)}
    assert told == done
