"""Finds every comparison with a time in the service's Python: as `module:function | comparison`.

What is compared counts as a time by its name, as the house names such things: `now_us`, `expires_us`,
`created_us`, `deadline`, `days`. SQL that is written as text is searched for the same. Scripts of pages are
left to tests/browser.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "tuckshop"
# A migration is done once, to what was there then.
LEFT_OUT = {"store/migrations/versions"}

_ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_WORDS = {
    *("us", "now", "today", "since", "until", "deadline", "day", "days", "seconds", "expires", "expired"),
    *("exp", "iat", "nbf", "asked", "looks", "clock", "monotonic", "age"),
}
_WHOLE = {"first", "last", "time", "date", "at"}
_SQL = re.compile(
    r"[\w.]+ ?(?:<=?|>=?) ?(?:\(SELECT [^)]*\)[^)]*\)|[\w.:]+)|[\w.]+ BETWEEN [\w.]+ AND [\w.]+"
)


def comparisons(source: str, module: str) -> Iterator[str]:
    """Those in a module's text, each as often as it is there."""
    for node, place in _placed(ast.parse(source), ""):
        for found in _compared(node):
            yield f"{module}:{place} | {found}"


def all_comparisons() -> Iterator[str]:
    """Those of the whole service."""
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE)
        if str(name.parent) not in LEFT_OUT:
            yield from comparisons(path.read_text(), ".".join(name.with_suffix("").parts))


def _placed(node: ast.AST, place: str) -> Iterator[tuple[ast.AST, str]]:
    """Every node, and the function or the name on the left to which it belongs."""
    for child in ast.iter_child_nodes(node):
        inner = place
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{place}.{child.name}".lstrip(".")
        elif isinstance(child, ast.Assign) and not place and isinstance(child.targets[0], ast.Name):
            inner = child.targets[0].id
        yield child, inner
        yield from _placed(child, inner)


def _compared(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Compare(ops=ops) if any(isinstance(one, _ORDERED) for one in ops) and _is_timed(node):
            yield ast.unparse(node)
        case ast.Call(func=ast.Attribute(attr="between")) if _is_timed(node):
            yield ast.unparse(node)
        case ast.Constant(value=str(text)):
            for found in _SQL.findall(text):
                if any(_is_time(name) for name in re.findall(r"\w+", found)):
                    yield found
        case _:
            pass


def _is_timed(node: ast.AST) -> bool:
    names = (getattr(one, "id", getattr(one, "attr", "")) for one in ast.walk(node))
    return any(map(_is_time, names))


def _is_time(name: str) -> bool:
    lower = name.lower().strip("_")
    return lower in _WHOLE or not _WORDS.isdisjoint(lower.split("_"))
