"""The closed set of what can be wrong with a value: every code is stored, and raised somewhere."""

from __future__ import annotations

import ast
import json
from dataclasses import fields
from pathlib import Path

import pytest

import tuckshop
from tests.samples import FIELD_PROBLEMS
from tuckshop.domain.field_problems import FieldProblem, StoredReason, WrongLength, revive_problem
from tuckshop.domain.refusals import InvalidField, revive

SOURCES = Path(tuckshop.__file__).parent
STORED = {
    "above_capacity": (),
    "amount_out_of_range": ("cents_min", "cents_max", "exponent"),
    "amount_too_large": ("cents_max", "exponent"),
    "amount_too_small": ("cents_min",),
    "animated": (),
    "change_on_tab": (),
    "coin_count_out_of_range": ("value_cents", "most"),
    "coin_count_too_small": ("value_cents",),
    "coin_not_counted": ("value_cents",),
    "coin_twice": (),
    "common_password": (),
    "day_after": ("last_day",),
    "day_out_of_range": ("first_day", "last_day"),
    "forbidden_characters": (),
    "more_than_ordered": ("product", "most"),
    "no_coins": (),
    "no_roles": (),
    "no_scopes": (),
    "not_a_decimal": (),
    "not_a_picture": (),
    "not_a_timezone": (),
    "not_a_whole_number": (),
    "not_an_email": (),
    "not_payable_in_coins": ("accepted",),
    "not_yes_or_no": (),
    "out_of_range": ("least", "most"),
    "period_too_long": ("days_max", "last_day"),
    "product_twice": (),
    "reserved_name": (),
    "role_twice": (),
    "same_machine": (),
    "same_user": (),
    "slot_twice": (),
    "space_at_ends": (),
    "state_not_allowed": (),
    "stored_reason": ("reason",),
    "tax_out_of_range": ("basis_points_max",),
    "too_large": ("most",),
    "too_many_coins": ("most",),
    "too_many_decimals": ("decimals_max",),
    "too_many_pixels": ("pixels_max",),
    "too_small": ("least",),
    "wrong_length": ("length_min", "length_max"),
    "wrong_line_count": ("lines_max",),
    "wrong_setup_code": (),
}
"""What idempotency records hold: none of it may change, since those of a month ago are still replayed."""


def made(name: str) -> bool:
    """Whether anything in the sources makes one."""
    return any(
        isinstance(node, ast.Call) and getattr(node.func, "id", "") == name
        for file in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
    )


def test_what_is_stored_stays() -> None:
    assert {one.code: tuple(field.name for field in fields(one)) for one in FIELD_PROBLEMS} == STORED


@pytest.mark.parametrize("problem", FIELD_PROBLEMS, ids=lambda one: one.code)
def test_every_problem_comes_back_from_json_as_it_was(problem: FieldProblem) -> None:
    assert revive_problem(problem.code, json.loads(json.dumps(problem.facts()))) == problem
    refusal = InvalidField("price", problem)
    assert revive("InvalidField", json.loads(json.dumps(refusal.facts()))) == refusal


def test_a_refused_field_is_stored_as_a_code_and_facts() -> None:
    assert InvalidField("name", WrongLength(1, 100)).facts() == {
        "field": "name",
        "code": "wrong_length",
        "facts": {"length_min": 1, "length_max": 100},
    }


def test_a_sentence_that_was_stored_is_kept_as_it_was() -> None:
    stored = {"field": "name", "reason": "must have 1 to 100 characters"}
    refusal = revive("InvalidField", stored)
    assert refusal == InvalidField("name", StoredReason("must have 1 to 100 characters"))
    assert refusal.facts() == stored


def test_a_code_that_nobody_knows_does_not_come_back() -> None:
    with pytest.raises(KeyError, match="from_tomorrow"):
        revive("InvalidField", {"field": "name", "code": "from_tomorrow", "facts": {}})


def test_every_problem_is_one_that_something_raises() -> None:
    assert [type(one).__name__ for one in FIELD_PROBLEMS if not made(type(one).__name__)] == []
