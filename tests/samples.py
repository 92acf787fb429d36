"""One of each refusal and of each problem, made of facts that their types allow."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from tuckshop.domain.field_problems import OutOfRange, field_problems
from tuckshop.domain.refusals import InvalidField, Refusal

Kind = TypeVar("Kind")

_FACTS: dict[str, Any] = {
    "int": 7,
    "str": "tea",
    "int | str": "ada",
    "int | None": 7,
    "tuple[int, ...]": (5, 10),
    "tuple[str, ...]": ("admin",),
    "FieldProblem": OutOfRange(1, 9),
}
_NAMED: dict[str, Any] = {
    "first_day": "2025-10-01",
    "last_day": "2025-10-31",
    "role": "admin",
    "roles": ("seller", "admin"),
    "scopes": ("buy", "read"),
    "thing": "product",
    "order_status": "placed",
}
"""Where a fact is one of a fixed set, or a day."""


def sample(kind: type[Kind]) -> Kind:
    """One of this kind."""
    names = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: _NAMED[name] if name in _NAMED else _FACTS[told] for name, told in names.items()})


FIELD_PROBLEMS = [sample(kind) for kind in field_problems()]


def invalid() -> list[Refusal]:
    """A refused field for each of its problems."""
    return [InvalidField("price", problem) for problem in FIELD_PROBLEMS]
