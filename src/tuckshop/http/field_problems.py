"""Why a value is refused, for programs: the one table from field problems to the ends of /v1's sentences.

The dialects say the same; amounts are written as their contract writes them, which the problem knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuckshop.domain import field_problems as problems
from tuckshop.domain import money
from tuckshop.domain.field_problems import FieldProblem

TABLE: Mapping[type[FieldProblem], str] = {
    problems.OutOfRange: "must be from {least} to {most}",
    problems.TooSmall: "must be at least {least}",
    problems.TooLarge: "must be at most {most}",
    problems.NotAWholeNumber: "must be a whole number",
    problems.NotADecimal: "must be a plain decimal number such as 2.20",
    problems.TooManyDecimals: "must have at most {decimals_max} decimals",
    problems.AmountOutOfRange: "must be from {cents_min} to {cents_max}",
    problems.AmountTooSmall: "must be at least {cents_min}",
    problems.AmountTooLarge: "must be at most {cents_max}",
    problems.NotPayableInCoins: "must be payable in coins of {accepted}",
    problems.TaxOutOfRange: "must be from 0 to {basis_points_max}",
    problems.WrongLength: "must have {length_min} to {length_max} characters",
    problems.SpaceAtEnds: "must not start or end with space",
    problems.ForbiddenCharacters: "must not contain slashes or invisible characters",
    problems.ReservedName: "must not be the shop's own",
    problems.NotAnEmail: "must look like name@example.org",
    problems.NotABarcode: "must be {length_min} to {length_max} letters, digits or hyphens",
    problems.CommonPassword: "is among the most common passwords",
    problems.WrongSetupCode: "is not the code that the server has printed",
    problems.NotATimezone: "must be a name such as Europe/Berlin",
    problems.NotYesOrNo: "must be yes or no",
    problems.StateNotAllowed: "must be pending, active or disabled",
    problems.ChangeOnTab: "must be keep where the order goes on the tab",
    problems.SameUser: "must be somebody else",
    problems.SameMachine: "must be another machine",
    problems.NoRoles: "must name at least one role",
    problems.RoleTwice: "must name each role once",
    problems.NoScopes: "must name at least one scope",
    problems.WrongLineCount: "must name 1 to {lines_max} products",
    problems.ProductTwice: "must name each product once",
    problems.MoreThanOrdered: "must be at most {most} of product {product}",
    problems.SlotTwice: "must be given to one product alone",
    problems.AboveCapacity: "must be at most the capacity",
    problems.NoCoins: "must hold at least one coin",
    problems.TooManyCoins: "must hold at most {most} coins in one go",
    problems.CoinCountTooSmall: "must hold at least 1 of {value_cents}",
    problems.CoinCountOutOfRange: "must hold from 0 to {most} of {value_cents}",
    problems.CoinNotCounted: "must name every coin, {value_cents} too",
    problems.CoinTwice: "must name each coin once",
    problems.DayOutOfRange: "must be from {first_day} to {last_day}",
    problems.DayAfter: "must not be after {last_day}",
    problems.PeriodTooLong: "must be within {days_max} days of {last_day}",
    problems.NotAPicture: "must be a whole picture of its Content-Type",
    problems.TooManyPixels: "must have at most {pixels_max} pixels",
    problems.Animated: "must not move",
    problems.StoredReason: "{reason}",
}


def reason(problem: FieldProblem) -> str:
    """The end of a sentence that begins with the field."""
    facts: dict[str, Any] = problem.facts()
    exponent = facts.pop("exponent", 0)
    for name, fact in facts.items():
        if name.startswith("cents_"):
            facts[name] = money.show(fact, exponent=exponent)
        elif isinstance(fact, tuple):
            facts[name] = ", ".join(map(str, fact))
    return TABLE[type(problem)].format(**facts)
