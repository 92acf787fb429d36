"""What is wrong whatever the shop's state, and keys whose answer is another's."""

from __future__ import annotations

from typing import Any, Self

from tuckshop.domain.field_problems import FieldProblem, StoredReason, revive_problem
from tuckshop.domain.refusals.base import Conflict, Unacceptable


def _coded(facts: dict[str, Any]) -> dict[str, Any]:
    """Version 1 kept the problem as the end of an English sentence, which is said again as it was."""
    return {"field": facts["field"], "code": StoredReason.code, "facts": {"reason": facts["reason"]}}


class InvalidField(Unacceptable, code="invalid-field", stored_version=2, upgrades=(_coded,)):
    """The value of `field` cannot be taken; `problem` is why."""

    field: str
    problem: FieldProblem

    def facts(self) -> dict[str, Any]:
        """The field, and the problem's code and facts."""
        return {"field": self.field, "code": self.problem.code, "facts": self.problem.facts()}

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> Self:
        """As `facts` tells them. Raises KeyError for a problem that is not in the set."""
        return cls(facts["field"], revive_problem(facts["code"], facts["facts"]))


class CoinNotAccepted(Unacceptable, code="coin-not-accepted"):
    """The shop takes no coin or note of this value."""

    value_cents: int
    accepted: tuple[int, ...]


class ReportTooLarge(Unacceptable, code="report-too-large"):
    """What was asked for has more rows than one answer may have."""

    rows_max: int


class KeyReused(Unacceptable, code="key-reused"):
    """The idempotency key already stands for another request."""

    key: str


class RecordUnreadable(Conflict, code="record-unreadable"):
    """The answer under the key is kept in a form that this release does not know; nothing is done again.

    `order`, `refund` and `transfer` are what came of it, as far as that is known.
    """

    key: str
    form: str
    form_version: int
    recorded_at: str
    order: int | None
    refund: int | None
    transfer: int | None
