"""Refused words are found wherever somebody reads them, and the glossary is the list."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import words


@pytest.fixture
def refused() -> dict[str, str]:
    return words.phrases(words.GLOSSARY.read_text("utf-8"))


def test_the_glossary_is_the_list(refused: dict[str, str]) -> None:
    assert refused["goods"] == "product"
    assert refused["par level"] == "refill level"
    assert refused["present password"] == "current password"
    assert "product" not in refused


@pytest.mark.parametrize(
    "text",
    [
        "Present password",
        "the goods, all of them",
        "It was handed\n    out.",
        "Nobody has asked yet.",
        "Left behind",
    ],
)
def test_a_planted_phrase_is_found(text: str, refused: dict[str, str]) -> None:
    assert list(words.in_text(text, refused))


@pytest.mark.parametrize("text", ["Current password", "a coin changer", "hardware", "goods-in", "peoples"])
def test_other_words_are_not(text: str, refused: dict[str, str]) -> None:
    assert not list(words.in_text(text, refused))


@pytest.mark.parametrize(
    "code", ["class ShopTakeout: ...", "def take(takeout): ...", "async def read_takeout(): ..."]
)
def test_a_planted_name_is_found(code: str) -> None:
    assert list(words.in_names(code, {"takeout": "data_export"}))


def test_everyday_names_are_not() -> None:
    assert not list(words.in_names("def take_out(software, is_aware): ...", words.NAMES))


@pytest.mark.parametrize(
    "template",
    ["<p>Left behind</p>", "{{ _('Left behind') }}", "<p id='x'>{# Why. #}\n Left behind</p>"],
)
def test_pages_are_read(template: str, refused: dict[str, str]) -> None:
    assert [why for _, told in words.told_in_template(template) for _, why in words.in_text(told, refused)]


def test_descriptions_are_read_and_field_names_are_not(refused: dict[str, str]) -> None:
    told = list(words.told_in_json({"goods": {"description": "Pieces"}, "x": [{"summary": "The goods"}]}))
    assert told == ["Pieces", "The goods"]


def test_a_forbidden_word_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole check over a project of its own: green, then red for one planted word."""
    page = tmp_path / "src/tuckshop/web/templates/page.html"
    for path in (
        page,
        tmp_path / "src/tuckshop/http/errors.py",
        *(tmp_path / name for name in words.DOCUMENTS),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "docs/openapi.json").write_text("{}")
    monkeypatch.setattr(words, "ROOT", tmp_path)
    monkeypatch.setattr(words, "CODE", tmp_path / "src/tuckshop")
    assert words.main() == 0
    page.write_text("<h1>\n{{ _('Left behind') }}</h1>")
    assert words.main() == 1
    assert "src/tuckshop/web/templates/page.html:2: 'Left behind'" in capsys.readouterr().err
