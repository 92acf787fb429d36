"""The closed set of what can be wrong with a value: every code is stored, and raised somewhere."""

from __future__ import annotations

import ast
import json
from dataclasses import fields
from pathlib import Path

import pytest

import tuckshop
from tests.samples import FIELD_PROBLEMS
from tuckshop.domain.field_problems import FieldProblem, TooSmall, WrongLength, field_problems, revive_problem
from tuckshop.domain.refusals import InvalidField, revive

SOURCES = Path(tuckshop.__file__).parent
STORED = {
    "above-capacity": (),
    "amount-out-of-range": ("cents_min", "cents_max", "exponent"),
    "amount-too-large": ("cents_max", "exponent"),
    "amount-too-small": ("cents_min",),
    "animated": (),
    "change-on-tab": (),
    "coin-count-out-of-range": ("value_cents", "most"),
    "coin-count-too-small": ("value_cents",),
    "coin-not-counted": ("value_cents",),
    "coin-twice": (),
    "common-password": (),
    "day-after": ("last_day",),
    "day-out-of-range": ("first_day", "last_day"),
    "forbidden-characters": (),
    "more-than-ordered": ("product", "most"),
    "name-as-password": (),
    "no-coins": (),
    "no-roles": (),
    "no-scopes": (),
    "not-a-barcode": ("length_min", "length_max"),
    "not-a-decimal": (),
    "not-a-picture": (),
    "not-a-timezone": (),
    "not-a-whole-number": (),
    "not-an-email": (),
    "not-payable-in-coins": ("accepted",),
    "not-yes-or-no": (),
    "out-of-range": ("least", "most"),
    "period-too-long": ("days_max", "last_day"),
    "product-twice": (),
    "reserved-name": (),
    "role-twice": (),
    "same-machine": (),
    "same-user": (),
    "slot-twice": (),
    "space-at-ends": (),
    "state-not-allowed": (),
    "stored-reason": ("reason",),
    "tax-out-of-range": ("basis_points_max",),
    "too-large": ("most",),
    "too-many-coins": ("most",),
    "too-many-decimals": ("decimals_max",),
    "too-many-pixels": ("pixels_max",),
    "too-small": ("least",),
    "wrong-length": ("length_min", "length_max"),
    "wrong-line-count": ("lines_max",),
    "wrong-pairing-code": (),
    "wrong-setup-code": (),
}
"""What idempotency records hold: none of it may change, since those of a month ago are still replayed."""


def made() -> set[str]:
    """Whatever the sources call by its own name."""
    return {
        node.func.id
        for file in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_what_is_stored_stays() -> None:
    assert {one.code: tuple(field.name for field in fields(one)) for one in FIELD_PROBLEMS} == STORED


@pytest.mark.parametrize("problem", FIELD_PROBLEMS, ids=lambda one: one.code)
def test_every_problem_comes_back_from_json_as_it_was(problem: FieldProblem) -> None:
    assert revive_problem(problem.code, json.loads(json.dumps(problem.facts()))) == problem
    refusal = InvalidField("price", problem)
    assert revive(refusal.code, json.loads(json.dumps(refusal.facts()))) == refusal


def test_a_refused_field_is_stored_as_a_code_and_facts() -> None:
    assert InvalidField("name", WrongLength(1, 100)).facts() == {
        "field": "name",
        "code": "wrong-length",
        "facts": {"length_min": 1, "length_max": 100},
    }


def test_facts_that_a_problem_has_no_more_are_left_out() -> None:
    assert revive_problem("too-small", {"least": 1, "colour": "red"}) == TooSmall(1)


def test_a_code_that_nobody_knows_does_not_come_back() -> None:
    with pytest.raises(KeyError, match="from-tomorrow"):
        revive("invalid-field", {"field": "name", "code": "from-tomorrow", "facts": {}})


def test_every_problem_is_one_that_something_raises() -> None:
    assert {one.__name__ for one in field_problems()} - made() == {"StoredReason"}
