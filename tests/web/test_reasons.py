"""Every reason that a rule gives is said in every language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import tuckshop
from tuckshop.web.ui import refusal_texts as reasons
from tuckshop.web.ui.i18n import Words

SOURCES = Path(tuckshop.__file__).parent
RULES = ("domain", "till", "services")


def given() -> Iterator[str]:
    """What `reason` is wherever an InvalidField is made, every fact of it a 7."""
    for file in (one for folder in RULES for one in (SOURCES / folder).glob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        named = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "InvalidField":
                reason = next(one.value for one in node.keywords if one.arg == "reason")
                yield written(named[reason.id] if isinstance(reason, ast.Name) else reason)


def written(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(written(part) if isinstance(part, ast.Constant) else "7" for part in parts)
        case _:
            raise AssertionError(ast.dump(node))


def test_no_rule_speaks_english_to_germans() -> None:
    found = sorted(set(given()))
    assert len(found) > 30
    german = Words("de")
    assert [reason for reason in found if reasons.said(reason, german) == reason] == []


def test_no_reason_is_kept_that_nobody_gives() -> None:
    english = Words("en")
    given_ones = {reasons.said(one, english) for one in given()}
    unknown = [
        reason
        for reason in reasons.REASONS
        if reason not in reasons.OF_FORMS and not any(reasons.said(one, english) == one for one in given_ones)
    ]
    assert unknown == []


def test_facts_are_kept() -> None:
    assert reasons.sentence("must have 1 to 64 characters", Words("de")) == "Muss 1 bis 64 Zeichen haben."
    assert (
        reasons.said("must be at most 3 of product 17", Words("de")) == "darf bei Produkt 17 höchstens 3 sein"
    )
    assert reasons.said("something else", Words("de")) == "something else"


def test_days_and_numbers_are_written_as_the_reader_does() -> None:
    german = Words("de")
    assert "1.000.000" in reasons.said("must be at most 1000000", german)
    assert "0,01" in reasons.said("must be at least 0.01", german)
    assert "01.11.2026" in reasons.said("must not be after 2026-11-01", german)
    assert reasons.said("2024 belongs to somebody else", Words("en")) == "2024 belongs to somebody else"
