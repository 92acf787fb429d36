"""Files that one reads through, and functions that fit a screen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2] / "src" / "tuckshop"
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 75
# Migrations stay as they were run.
PATHS = [path for path in sorted(ROOT.rglob("*.py")) if "migrations" not in path.parts]


def too_long(source: str) -> Iterator[str]:
    """What of a module is longer than it may be: the whole, or functions by name."""
    lines = source.count("\n")
    if lines > FILE_LINES_MAX:
        yield f"the file: {lines}"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{node.name}: {lines}"


def test_no_file_and_no_function_is_too_long() -> None:
    found = {str(path.relative_to(ROOT)): list(too_long(path.read_text())) for path in PATHS}
    assert len(found) > 200
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_finds_what_is_too_long() -> None:
    body = "    pass\n"
    assert list(too_long("def fits():\n" + body * 74)) == []
    assert list(too_long("async def runs_on():\n" + body * 75)) == ["runs_on: 76"]
    assert list(too_long("class Room:\n    def runs_on(self):\n" + ("    " + body) * 75)) == ["runs_on: 76"]
    assert list(too_long("\n" * 500)) == []
    assert list(too_long("\n" * 501)) == ["the file: 501"]
