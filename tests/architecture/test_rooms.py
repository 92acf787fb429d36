"""The rooms of the house: each says what lives in it, and docs/architecture.md has just these."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "tuckshop"
INNER = ("till", "web", "dialects")  # Rooms that have rooms of their own.


def rooms() -> list[str]:
    """Every package but the dialects themselves, which are written down in CONTRACTS by their own names."""
    found = []
    for folder in (PACKAGE, *(PACKAGE / name for name in INNER)):
        found += [
            path.parent.relative_to(PACKAGE).as_posix()
            for path in sorted(folder.glob("*/__init__.py"))
            if folder.name != "dialects" or path.parent.name == "shared"
        ]
    return found


def described() -> set[str]:
    """The folders that the map in docs/architecture.md names, `room/inner/` for those within."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = text[text.index("| room |") :].split("\n\n")[0]
    return {name for row in table.splitlines() for name in re.findall(r"`([a-z_/]+)/`", row.split("|")[1])}


def test_the_map_is_the_tree() -> None:
    assert described() == set(rooms())


@pytest.mark.parametrize("room", rooms())
def test_says_what_lives_in_it(room: str) -> None:
    said = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text()))
    assert said, room
    assert len(re.findall(r"[.:](?:\s|$)", said)) >= 2, (
        f"{room}: two or three sentences say what may live there"
    )
