"""The one table from refusals to HTTP."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.api.conftest import Api, People
from tests.api.contract import check_problem
from tests.samples import FIELD_PROBLEMS, invalid, sample
from tuckshop.api.problems import PROBLEMS
from tuckshop.dialects import NAMES
from tuckshop.dialects.shared import mounting
from tuckshop.domain import field_problems as problems
from tuckshop.domain import refusals
from tuckshop.domain.field_problems import (
    AmountOutOfRange,
    DayAfter,
    FieldProblem,
    NotPayableInCoins,
    WrongLength,
)
from tuckshop.domain.money import PRICE_CENTS_MAX
from tuckshop.domain.refusals import InvalidField, Refusal
from tuckshop.http import field_problems, openapi
from tuckshop.http.errors import complaint, facts_of, kind
from tuckshop.http.refusal_rows import TABLE
from tuckshop.store.ids_behind import IdsBehind
from tuckshop.till.engine.queue import Busy, Defect
from tuckshop.till.sql.books import OutcomeUnknown, Unavailable
from tuckshop.till.state import forms

LEAVES = refusals.leaves()


@pytest.mark.parametrize("refusal", LEAVES, ids=lambda leaf: leaf.__name__)
def test_every_refusal_has_a_row_whose_sentence_its_facts_can_fill(refusal: type[Refusal]) -> None:
    row = TABLE[refusal]
    example = refusal(**openapi.example_facts(refusal))
    facts = facts_of(example)
    told = msgspec.json.decode(PROBLEMS.of_refusal(example).body)
    assert told["status"] == row.status
    assert told["detail"].endswith(".")
    assert "{" not in told["detail"]
    assert {name: told[name] for name in facts} == msgspec.json.decode(msgspec.json.encode(facts))


@pytest.mark.parametrize("problem", FIELD_PROBLEMS, ids=str)
def test_every_problem_of_a_field_has_a_reason(problem: FieldProblem) -> None:
    told = msgspec.json.decode(PROBLEMS.of_refusal(InvalidField("price", problem)).body)
    assert told == {
        "type": "urn:tuckshop:problem:invalid-field",
        "title": "Invalid value",
        "status": 422,
        "detail": f"price {told['reason']}.",
        "field": "price",
        "reason": told["reason"],
    }
    assert "{" not in told["reason"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("refusal", [*map(sample, LEAVES), *invalid()], ids=str)
def test_every_dialect_has_a_sentence_for_every_refusal(name: str, refusal: Refusal) -> None:
    answer = mounting.find(name).contract.errors.of_refusal(refusal)
    told = msgspec.json.decode(answer.body)
    assert told == {"detail": told["detail"], "code": kind(type(refusal).__name__)}
    assert told["detail"].endswith(".")
    assert "{" not in told["detail"]


def test_the_tables_have_no_other_rows() -> None:
    assert set(TABLE) == set(LEAVES)
    assert set(field_problems.TABLE) == set(problems.field_problems())


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (AmountOutOfRange(1, PRICE_CENTS_MAX), "must be from 1 to 1000000000"),
        (AmountOutOfRange(1, PRICE_CENTS_MAX, 2), "must be from 0.01 to 10000000.00"),
        (NotPayableInCoins((5, 10)), "must be payable in coins of 5, 10"),
        (DayAfter("2025-10-31"), "must not be after 2025-10-31"),
    ],
    ids=str,
)
def test_facts_are_told_as_programs_wrote_them(problem: FieldProblem, reason: str) -> None:
    assert field_problems.reason(problem) == reason


def test_a_refusal_stored_as_a_sentence_is_answered_byte_for_byte() -> None:
    outcome = '{"field":"name","reason":"must have 1 to 100 characters"}'
    told = PROBLEMS.of_refusal(forms.read("InvalidField", outcome)).body
    assert told == PROBLEMS.of_refusal(InvalidField("name", WrongLength(1, 100))).body
    assert told == (
        b'{"type":"urn:tuckshop:problem:invalid-field","title":"Invalid value","status":422,'
        b'"detail":"name must have 1 to 100 characters.",'
        b'"field":"name","reason":"must have 1 to 100 characters"}'
    )


def test_types_and_titles_are_each_ones_own() -> None:
    assert len({kind(leaf.__name__) for leaf in LEAVES}) == len(LEAVES)
    assert len({row.title for row in TABLE.values()}) == len(LEAVES)


@pytest.mark.parametrize(
    ("base", "statuses"),
    [
        (refusals.Unauthenticated, {401}),
        (refusals.Forbidden, {403}),
        (refusals.Unknown, {404}),
        (refusals.Unacceptable, {422}),
        (refusals.Throttled, {429}),
        (refusals.Conflict, {409, 412}),
    ],
)
def test_each_branch_of_the_tree_has_its_status(base: type[Refusal], statuses: set[int]) -> None:
    assert {TABLE[leaf].status for leaf in refusals.leaves(base)} == statuses


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (Busy(), 503, "unavailable"),
        (Unavailable("away"), 503, "unavailable"),
        (OutcomeUnknown("lost"), 503, "outcome-unknown"),
        (IdsBehind("orders"), 503, "unavailable"),
        (Defect("PlaceOrder"), 500, "internal-error"),
        (ZeroDivisionError("a secret detail"), 500, "internal-error"),
        (TimeoutError(), 500, "internal-error"),
    ],
)
async def test_a_till_that_fails_is_told_without_its_story(
    api: Api, people: People, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, kind: str
) -> None:
    async def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr(type(api.running.till), "execute", fails)
    answer = await api.post("/v1/orders", {"lines": [{"product": 1, "quantity": 1}]}, by=people.ada)
    told = check_problem(answer)
    assert (answer.status_code, told["type"]) == (status, f"urn:tuckshop:problem:{kind}")
    assert "secret" not in answer.text
    if status == 503:
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("told", "field", "words"),
    [
        ("Expected `int`, got `str` - at `$.price`", "price", "must be a whole number, not text"),
        (
            "Expected `int | null`, got `array` - at `$.cost`",
            "cost",
            "must be a whole number or null, not a list",
        ),
        ("Expected `int` >= 1 - at `$.lines[0].product`", "lines[0].product", "must be at least 1"),
        ("Expected `int` >= 1 - at `key` in `$.coins`", "coins", "must be at least 1"),
        ("Expected `int` >= 1 - at `$.coins[...]`", "coins", "must be at least 1"),
        ("Expected `object`, got `null`", "body", "must be an object, not null"),
        ("Object missing required field `name`", "name", "is missing"),
        ("Object contains unknown field `x` - at `$.lines[0]`", "lines[0].x", "is not a known field"),
        ("Something new", "body", "is not valid"),
    ],
)
def test_complaints_name_the_field_in_plain_words(told: str, field: str, words: str) -> None:
    assert complaint(told) == (field, words)
