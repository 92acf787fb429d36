"""docs/security.md names a test for each item of its lists, or says why not; and no item is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.planted.planting import is_there

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
NUMBER = re.compile(r"\b\d+\.\d+\.\d+\b")
TEST = re.compile(r"`(tests/[^`]+)`")
WITHOUT = "Not ours, because "
TOP_TEN = {f"API{number}" for number in range(1, 11)}
LEVELS_1_AND_2 = {
    1: "1:2 2:9 3:11 4:3 5:2", 2: "1:3 2:3 3:4 4:1", 3: "2:2 3:4 4:6 5:5 7:2", 4: "1:3 2:1 3:2 4:4",
    5: "1:1 2:3 3:2 4:3", 6: "1:3 2:12 3:4 4:4 5:5 6:3 8:4", 7: "1:3 2:4 3:2 4:5 5:2 6:2",
    8: "1:2 2:3 3:1 4:1", 9: "1:3 2:4", 10: "1:2 2:2 3:4 4:11 5:5 6:2 7:3", 11: "1:2 2:3 3:3 4:4 5:1 6:1",
    12: "1:3 2:2 3:4", 13: "1:1 2:5 3:2 4:5", 14: "1:2 2:4 3:3", 15: "1:3 2:3 3:7",
    16: "1:1 2:5 3:4 4:3 5:3", 17: "1:1 2:4 3:2",
}  # fmt: skip
"""Of ASVS 5.0, by chapter: its sections, and up to which number their requirements are of level 1 or 2.

The standard counts 70 of level 1 and 183 of level 2.
"""


def rows(text: str) -> Iterator[tuple[str, str, str]]:
    """The rows of the lists: item, what it is about, what shows it."""
    lists = text[text.index("## OWASP API") :]
    for line in lists.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "item":
            assert len(cells) == 3, line
            yield cells[0], cells[1], cells[2]


def unshown(text: str) -> list[str]:
    """Rows that name no test, or one that is not there, and give no reason."""
    found = []
    for item, _, shown in rows(text):
        tests = TEST.findall(shown)
        missing = [test for test in tests if not is_there(test)]
        if missing or not (tests or shown.startswith(WITHOUT)):
            found.append(f"{item}: {missing or shown}")
    return found


def required() -> set[str]:
    """The numbers of all requirements of levels 1 and 2."""
    return {
        f"{chapter}.{section}.{number}"
        for chapter, sections in LEVELS_1_AND_2.items()
        for section, last in (part.split(":") for part in sections.split())
        for number in range(1, int(last) + 1)
    }


def test_every_item_has_a_test_or_a_reason() -> None:
    assert unshown(DOCUMENT.read_text("utf-8")) == []


def test_no_item_is_missing() -> None:
    items = [item for item, _, _ in rows(DOCUMENT.read_text("utf-8"))]
    assert {item.partition(",")[0] for item in items if item.startswith("API")} == TOP_TEN
    assert {number for item in items for number in NUMBER.findall(item)} == required()
    assert len(required()) == 70 + 183


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("| API1 | a | `tests/access/test_access.py` |", []),
        ("| API1 | a | Not ours, because it is not. |", []),
        ("| API1 | a | `tests/nothing.py` |", ["API1: ['tests/nothing.py']"]),
        ("| API1 | a | Certainly. |", ["API1: Certainly."]),
    ],
)
def test_finds_what_shows_nothing(row: str, found: list[str]) -> None:
    assert unshown(f"## OWASP API\n\n{row}\n") == found
