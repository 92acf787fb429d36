"""What a refusal, a wrong value and a wrong file say in every language of the pages."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tuckshop
from tests.samples import FIELD_PROBLEMS, invalid, sample
from tuckshop.domain import refusals
from tuckshop.domain.field_problems import (
    AmountTooSmall,
    DayAfter,
    FieldProblem,
    MoreThanOrdered,
    NotADecimal,
    StoredReason,
    TooLarge,
    TooManyDecimals,
    WrongLength,
    field_problems,
)
from tuckshop.domain.money import EURO
from tuckshop.domain.refusals import (
    InvalidField,
    NameTaken,
    NotOwner,
    Refusal,
    RoleMissing,
    TooManyTries,
    WrongStatus,
)
from tuckshop.imports.file_problems import FileProblem, InvalidCell, ProductNotYours
from tuckshop.web.ui import file_texts, refusal_texts
from tuckshop.web.ui.i18n import Words, languages

SOURCES = Path(tuckshop.__file__).parent
ENGLISH, GERMAN = Words("en"), Words("de")
CODED = [one for one in FIELD_PROBLEMS if not isinstance(one, StoredReason)]


def refused_fields() -> set[str]:
    """Every field that the rules, the till and what stands behind the pages name in a refusal."""
    named = set()
    for room in ("domain", "till", "identity", "operations", "queries"):
        for file in (SOURCES / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    field = next((one.value for one in node.keywords if one.arg == "field"), None)
                    if getattr(node.func, "id", "") == "InvalidField" and node.args:
                        field = node.args[0]
                    if isinstance(field, ast.Constant) and isinstance(field.value, str):
                        named.add(field.value)
    assert {"amount", "name", "coins"} <= named
    return named


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("refusal", [*map(sample, refusals.leaves()), *invalid()], ids=str)
def test_every_refusal_is_said_in_every_language(refusal: Refusal, language: str) -> None:
    told = refusal_texts.of_refusal(refusal, Words(language), EURO)
    assert told.endswith(".")
    assert "%(" not in told


@pytest.mark.parametrize("refusal", [*map(sample, refusals.leaves())], ids=str)
def test_no_refusal_speaks_english_to_germans(refusal: Refusal) -> None:
    assert refusal_texts.of_refusal(refusal, GERMAN, EURO) != refusal_texts.of_refusal(refusal, ENGLISH, EURO)


@pytest.mark.parametrize("problem", CODED, ids=str)
def test_no_rule_speaks_english_to_germans(problem: FieldProblem) -> None:
    told = {refusal_texts.sentence(problem, words, EURO) for words in (ENGLISH, GERMAN)}
    assert len(told) == 2
    assert all(one.endswith(".") and "%(" not in one for one in told)


@pytest.mark.parametrize("problem", [*map(sample, FileProblem.__subclasses__())], ids=str)
def test_no_file_is_refused_in_english_to_germans(problem: FileProblem) -> None:
    told = {file_texts.of_row(problem, words, EURO) for words in (ENGLISH, GERMAN)}
    assert len(told) == 2
    assert all(one.endswith(".") and "%(" not in one for one in told)


def test_the_tables_have_no_other_rows() -> None:
    assert set(refusal_texts.REFUSALS) == set(refusals.leaves())
    assert set(refusal_texts.FIELD_PROBLEMS) == set(field_problems()) - {StoredReason}
    assert set(file_texts.FILE_PROBLEMS) == set(FileProblem.__subclasses__())


def test_a_refusal_counts_as_its_language_does() -> None:
    told = [refusal_texts.of_refusal(TooManyTries(seconds), GERMAN, EURO) for seconds in (1, 20_000)]
    assert told == [
        f"Zu viele Anmeldeversuche. Warten Sie {wait} und versuchen Sie es noch einmal."
        for wait in ("1 Sekunde", "20.000 Sekunden")
    ]
    assert refusal_texts.said(TooManyDecimals(1), ENGLISH, EURO) == "must have at most 1 decimal"


def test_facts_are_kept() -> None:
    assert refusal_texts.sentence(WrongLength(1, 64), GERMAN, EURO) == "Muss 1 bis 64 Zeichen haben."
    more = MoreThanOrdered(product=12_345, most=3)
    assert refusal_texts.said(more, GERMAN, EURO) == "darf bei Produkt 12345 höchstens 3 sein"
    cell = InvalidCell("price", "1,5O", NotADecimal())
    assert (
        file_texts.of_row(cell, GERMAN, EURO) == "price: „1,5O“ ist keine Zahl. Schreiben Sie sie als 1.50."
    )


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (NotOwner("product"), "Das gehört jemand anderem (Produkt)."),
        (RoleMissing(("seller", "admin")), "Sie brauchen eine dieser Rollen: Verkäufer, Admin."),
        (WrongStatus(12_345, "placed"), "Bestellung 12345 ist bestellt."),
        (InvalidField("par_level", TooLarge(9)), "Sollbestand darf höchstens 9 sein."),
        (NameTaken("product"), "Der Name product ist vergeben. Wählen Sie einen anderen."),
    ],
    ids=str,
)
def test_what_is_one_of_a_fixed_set_is_called_as_on_the_pages(refusal: Refusal, told: str) -> None:
    assert refusal_texts.of_refusal(refusal, GERMAN, EURO) == told


def test_every_field_that_a_rule_names_has_a_name_on_the_pages() -> None:
    assert refused_fields() <= set(refusal_texts.FIELDS)


def test_what_was_stored_as_a_sentence_is_said_as_it_was() -> None:
    assert refusal_texts.sentence(StoredReason("must be less"), GERMAN, EURO) == "Must be less."


def test_amounts_days_and_numbers_are_written_as_the_reader_does() -> None:
    assert "1.000.000" in refusal_texts.said(TooLarge(1_000_000), GERMAN, EURO)
    assert "0,01\N{NO-BREAK SPACE}€" in refusal_texts.said(AmountTooSmall(1), GERMAN, EURO)
    assert "01.11.2026" in refusal_texts.said(DayAfter("2026-11-01"), GERMAN, EURO)
    assert file_texts.of_row(ProductNotYours("2024"), ENGLISH, EURO) == "2024 belongs to another seller."
