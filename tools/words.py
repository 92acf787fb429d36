"""Refuses words that docs/glossary.md replaces: `python -m tools.words`.

Whole phrases in every text that somebody reads (pages, command line, `/v1`, documents), and parts of names
in the code. The last table of the glossary is the list of phrases, in backquotes in its left column. Field
names of `/v1` and of the dialects are contracts; they stand in code spans or are names in JSON, which are not
looked at.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CODE = ROOT / "src" / "tuckshop"
GLOSSARY = ROOT / "docs" / "glossary.md"
DOCUMENTS = (
    "README.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/guarantees.md",
    "docs/money.md",
    "docs/proof.md",
)
# Refused parts of names: `shop_takeout` and `ShopTakeout` have the part `takeout`.
NAMES: Mapping[str, str] = {
    "assortment": "product or catalogue",
    "edge": "middleware",
    "gate": "host_check",
    "glance": "dashboard",
    "goods": "products or inventory",
    "lane": "fast_path",
    "naming": "labels",
    "newcomer": "new_user",
    "news": "changed",
    "notice": "flash",
    "notices": "flash",
    "opaque": "browser_session",
    "picks": "cart",
    "purse": "balances or wallet",
    "stalls": "body_timeouts",
    "takeout": "data_export",
    "ware": "product",
    "wishes": "content_negotiation or preferences",
}
_SPAN = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_SHOWN = re.compile(r"\{#.*?#\}|\{%.*?%\}|<[^>]*>", re.DOTALL)
_TEXT = re.compile(r"_\(\s*('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")")
_TOLD = frozenset({"description", "summary", "detail"})


def phrases(glossary: str) -> dict[str, str]:
    """What is not said, in lower case, and what is said instead: the glossary's last table."""
    _, _, table = glossary.partition("| not | but |")
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {phrase.lower(): row[1] for row in rows for phrase in re.findall(r"`([^`]+)`", row[0])}


def in_text(text: str, refused: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Line and reason for each phrase that stands in the text as whole words; line breaks count as spaces."""
    for phrase, instead in refused.items():
        words = r"\s+".join(map(re.escape, phrase.split()))
        for found in re.finditer(rf"(?<![\w-]){words}(?![\w-])", text, re.IGNORECASE):
            line = text.count("\n", 0, found.start()) + 1
            yield line, f"{found[0]!r}: {instead} (docs/glossary.md)"


def in_names(text: str, refused: Mapping[str, str] = NAMES) -> Iterator[tuple[int, str]]:
    """Line and reason for names of classes, functions and parameters that have a refused part."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                line = node.lineno
            case ast.arg(arg=name):
                line = node.lineno
            case _:
                continue
        for part in parts(name) & refused.keys():
            yield line, f"{name}: {refused[part]} instead of {part}"


def parts(name: str) -> set[str]:
    """`ShopTakeout` and `shop_takeout`: {"shop", "takeout"}."""
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def told_in_python(text: str) -> Iterator[tuple[int, str]]:
    """Each string that is a sentence or a label; those that are queries or names are no text."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def told_in_template(text: str) -> Iterator[tuple[int, str]]:
    """What a template says: texts that are translated, and what stands between its tags."""
    for found in _TEXT.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, ast.literal_eval(found[1])
    blank = _SHOWN.sub(lambda found: "\n" * found[0].count("\n") + " ", re.sub(r"\{\{.*?\}\}", " ", text))
    yield 1, blank


def told_in_json(node: Any) -> Iterator[str]:
    """Descriptions, summaries and details of the description of `/v1`."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in _TOLD and isinstance(value, str):
                yield value
            else:
                yield from told_in_json(value)
    elif isinstance(node, list):
        for value in node:
            yield from told_in_json(value)


def complaints() -> Iterator[str]:
    """Every refused word of the project, with its place."""
    refused = phrases(GLOSSARY.read_text("utf-8"))
    for path in sorted((CODE / "web").rglob("*.html")):
        yield from _told(path, told_in_template(path.read_text("utf-8")), refused)
    for path in sorted(
        [*(CODE / "web").rglob("*.py"), *(CODE / "cli").glob("*.py"), CODE / "http" / "errors.py"]
    ):
        yield from _told(path, told_in_python(path.read_text("utf-8")), refused)
    for name in DOCUMENTS:
        text = _SPAN.sub(
            lambda found: "`" + "\n" * found[0].count("\n") + "`", (ROOT / name).read_text("utf-8")
        )
        yield from _told(ROOT / name, [(1, text)], refused)
    described = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    for text in dict.fromkeys(told_in_json(described)):
        for _, why in in_text(_SPAN.sub("``", text), refused):
            yield f"docs/openapi.json: {why} in {text[:60]!r}"
    for path in sorted(CODE.rglob("*.py")):
        for part in parts(path.stem) & NAMES.keys():
            yield f"{path.relative_to(ROOT)}: {NAMES[part]} instead of {part}"
        for line, why in in_names(path.read_text("utf-8")):
            yield f"{path.relative_to(ROOT)}:{line}: {why}"


def _told(path: Path, texts: Any, refused: Mapping[str, str]) -> Iterator[str]:
    for start, text in texts:
        for line, why in in_text(text, refused):
            yield f"{path.relative_to(ROOT)}:{start + line - 1}: {why}"


def main() -> int:
    """Prints each place; 1 if there is one."""
    found = list(complaints())
    for one in found:
        print(one, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
