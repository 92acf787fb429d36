"""What documents and comments refer to exists: links, files, decision records, promises of rows.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.rows import table

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SOURCES = sorted(
    file
    for folder in ("src", "tests", "tools", "bench")
    for file in (ROOT / folder).rglob("*.py")
    if "node_modules" not in file.parts
)
RECORDS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
# A path in a document begins in one of these.
FOLDERS = (ROOT, ROOT / "src" / "tuckshop", ROOT / "src" / "tuckshop" / "web", ROOT / "tests", ROOT / "docs")

LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
MODULE = re.compile(r"`((?:[\w-]+/)+[\w-]+\.(?:py|js|md|po|html|css))`")
RECORD = re.compile(r"docs/decisions/(\d{4})(?:-([\w-]+\.md))?")
PROMISE = re.compile(r"\b[RS]\d{1,2}\b")
OUTSIDE = re.compile(r"\b(?!README|CHANGELOG|LICENSE)[A-Z]{4,}\.md\b")


def dangling(name: str, text: str, folder: Path = ROOT) -> Iterator[str]:
    """Each reference of a document or a module, `name` in `folder`, to what is not there."""
    if name.endswith(".md"):
        for link in LINK.findall(text):
            if ":" not in link and not (folder / link).exists():
                yield f"{name}: no file {link}"
        for path in MODULE.findall(text):
            if not any((place / path).exists() for place in FOLDERS):
                yield f"{name}: no module {path}"
    for number, rest in RECORD.findall(text):
        if not any(record.name.startswith(number) and rest in record.name for record in RECORDS):
            yield f"{name}: no record {number}{rest and '-'}{rest}"
    for promise in sorted(set(PROMISE.findall(text)) - promises()):
        yield f"{name}: no {promise} in tests/proof/rows.toml"
    for document in OUTSIDE.findall(text):
        yield f"{name}: {document} is not in the project"


def promises() -> set[str]:
    """The numbers that stand for something."""
    return {row.name for row in table().rows()}


def test_every_reference_leads_somewhere() -> None:
    files = {*DOCUMENTS, *SOURCES} - {Path(__file__)}
    found = [
        line
        for file in sorted(files)
        for line in dangling(str(file.relative_to(ROOT)), file.read_text("utf-8"), file.parent)
    ]
    assert found == []


def test_records_are_numbered_without_gaps() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))
    for record in RECORDS:
        assert record.read_text("utf-8").startswith(f"# {int(record.name[:4])}. ")


@pytest.mark.parametrize(
    ("name", "text", "missing"),
    [
        ("a.md", "see [it](docs/nothing.md#part)", "no file docs/nothing.md"),
        ("a.md", "in `services/wallet.py`", "no module services/wallet.py"),
        ("a.py", "docs/decisions/0999-more.md", "no record 0999-more.md"),
        ("a.py", "docs/decisions/0001-another.md", "no record 0001-another.md"),
        ("a.py", "shows R99", "no R99 in tests/proof/rows.toml"),
        ("a.py", "as in DESIGN.md", "DESIGN.md is not in the project"),
    ],
)
def test_what_leads_nowhere_is_found(name: str, text: str, missing: str) -> None:
    assert list(dangling(name, text)) == [f"{name}: {missing}"]


@pytest.mark.parametrize(
    "text", ["[it](docs/money.md) [out](https://example.org/x.md)", "`till/callers.py`", "R1, S10, README.md"]
)
def test_what_is_there_is_not_found(text: str) -> None:
    assert list(dangling("a.md", text)) == []
