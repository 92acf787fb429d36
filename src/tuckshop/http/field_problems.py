"""Why a value is refused, for programs: the one table from field problems to the ends of /v1's sentences.

The dialects say the same; amounts are written as their contract writes them, which the problem knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuckshop.domain import field_problems, money
from tuckshop.domain.field_problems import FieldProblem

TABLE: Mapping[type[FieldProblem], str] = {
    field_problems.OutOfRange: "must be from {least} to {most}",
    field_problems.TooSmall: "must be at least {least}",
    field_problems.TooLarge: "must be at most {most}",
    field_problems.NotAWholeNumber: "must be a whole number",
    field_problems.NotADecimal: "must be a decimal number such as 2.20",
    field_problems.TooManyDecimals: "must have at most {decimals_max} decimals",
    field_problems.AmountOutOfRange: "must be from {cents_min} to {cents_max}",
    field_problems.AmountTooSmall: "must be at least {cents_min}",
    field_problems.AmountTooLarge: "must be at most {cents_max}",
    field_problems.NotPayableInCoins: "must be payable in coins of {accepted}",
    field_problems.TaxOutOfRange: "must be from 0 to {basis_points_max}",
    field_problems.WrongLength: "must have {length_min} to {length_max} characters",
    field_problems.SpaceAtEnds: "must not start or end with space",
    field_problems.ForbiddenCharacters: "must not contain slashes or invisible characters",
    field_problems.ReservedName: "must not be the name of the shop",
    field_problems.NotAnEmail: "must look like name@example.org",
    field_problems.NotABarcode: "must be {length_min} to {length_max} letters, digits or hyphens",
    field_problems.CommonPassword: "is among the most common passwords",
    field_problems.NameAsPassword: "must have letters besides the username",
    field_problems.WrongPairingCode: "is not valid any more, or was mistyped",
    field_problems.WrongSetupCode: "is not the code that the server printed",
    field_problems.NotATimezone: "must be a name such as Europe/Berlin",
    field_problems.NotYesOrNo: "must be yes or no",
    field_problems.StateNotAllowed: "must be pending, active or disabled",
    field_problems.ChangeOnTab: "must be keep when the order goes on the tab",
    field_problems.SameUser: "must be another user",
    field_problems.SameMachine: "must be another machine",
    field_problems.NoRoles: "must include at least one role",
    field_problems.RoleTwice: "must include each role only once",
    field_problems.NoScopes: "must include at least one scope",
    field_problems.WrongLineCount: "must include 1 to {lines_max} products",
    field_problems.ProductTwice: "must include each product only once",
    field_problems.MoreThanOrdered: "must be at most {most} of product {product}",
    field_problems.SlotTwice: "must be different for each product",
    field_problems.AboveCapacity: "must not be more than the capacity",
    field_problems.NoCoins: "must include at least one coin",
    field_problems.TooManyCoins: "must include at most {most} coins",
    field_problems.CoinCountTooSmall: "must include at least one coin of {value_cents}",
    field_problems.CoinCountOutOfRange: "must include from 0 to {most} coins of {value_cents}",
    field_problems.CoinNotCounted: "must include every coin, also {value_cents}",
    field_problems.CoinTwice: "must include each coin only once",
    field_problems.DayOutOfRange: "must be from {first_day} to {last_day}",
    field_problems.DayAfter: "must not be after {last_day}",
    field_problems.PeriodTooLong: "must be within {days_max} days of {last_day}",
    field_problems.NotAPicture: "must be a complete picture of the given Content-Type",
    field_problems.TooManyPixels: "must have at most {pixels_max} pixels",
    field_problems.Animated: "must not be animated",
    field_problems.StoredReason: "{reason}",
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
