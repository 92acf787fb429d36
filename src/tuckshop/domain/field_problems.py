"""What can be wrong with one value: the closed set that `InvalidField` chooses from.

Each has a code that never changes, since it is stored with idempotency keys, and facts. Each interface owns
one table from these classes to its sentences, and a test proves that every class has a row in every table.
Facts are plain JSON values: amounts in minor units (`..cents..`), days as `2025-12-31` (`.._day`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldProblem:
    """Why a value is refused; the fields are the facts that explain it."""

    code: ClassVar[str] = ""

    def __init_subclass__(cls, *, code: str) -> None:
        cls.code = code

    def facts(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class OutOfRange(FieldProblem, code="out-of-range"):
    """A number, or a number of things, outside `least..most`."""

    least: int
    most: int


@dataclass(frozen=True)
class TooSmall(FieldProblem, code="too-small"):
    """A number below `least`."""

    least: int


@dataclass(frozen=True)
class TooLarge(FieldProblem, code="too-large"):
    """A number, or a number of things, above `most`."""

    most: int


@dataclass(frozen=True)
class NotAWholeNumber(FieldProblem, code="not-a-whole-number"):
    """Text that is no whole number."""


@dataclass(frozen=True)
class NotADecimal(FieldProblem, code="not-a-decimal"):
    """Text that is no plain decimal number such as 2.20."""


@dataclass(frozen=True)
class TooManyDecimals(FieldProblem, code="too-many-decimals"):
    """More decimals than the currency has, or than are counted."""

    decimals_max: int


@dataclass(frozen=True)
class AmountOutOfRange(FieldProblem, code="amount-out-of-range"):
    """An amount outside `cents_min..cents_max`. `exponent`: the decimals it was written with, if any."""

    cents_min: int
    cents_max: int
    exponent: int = 0


@dataclass(frozen=True)
class AmountTooSmall(FieldProblem, code="amount-too-small"):
    """An amount below `cents_min`."""

    cents_min: int


@dataclass(frozen=True)
class AmountTooLarge(FieldProblem, code="amount-too-large"):
    """An amount above `cents_max`. `exponent`: as in AmountOutOfRange."""

    cents_max: int
    exponent: int = 0


@dataclass(frozen=True)
class NotPayableInCoins(FieldProblem, code="not-payable-in-coins"):
    """An amount that coins of the values `accepted` cannot make."""

    accepted: tuple[int, ...]


@dataclass(frozen=True)
class TaxOutOfRange(FieldProblem, code="tax-out-of-range"):
    """A tax rate below 0 or above 100 per cent, which are `basis_points_max`."""

    basis_points_max: int


@dataclass(frozen=True)
class WrongLength(FieldProblem, code="wrong-length"):
    """A text with fewer or more characters."""

    length_min: int
    length_max: int


@dataclass(frozen=True)
class SpaceAtEnds(FieldProblem, code="space-at-ends"):
    """A name with space before or after it."""


@dataclass(frozen=True)
class ForbiddenCharacters(FieldProblem, code="forbidden-characters"):
    """A name with a slash, or with what nobody can see."""


@dataclass(frozen=True)
class ReservedName(FieldProblem, code="reserved-name"):
    """The name that the shop itself has."""


@dataclass(frozen=True)
class NotAnEmail(FieldProblem, code="not-an-email"):
    """Text that is no email address."""


@dataclass(frozen=True)
class NotABarcode(FieldProblem, code="not-a-barcode"):
    """Text that is not made of so many letters, digits and hyphens."""

    length_min: int
    length_max: int


@dataclass(frozen=True)
class CommonPassword(FieldProblem, code="common-password"):
    """One of the passwords that everybody tries first."""


@dataclass(frozen=True)
class NameAsPassword(FieldProblem, code="name-as-password"):
    """The username, with digits and signs at the most."""


@dataclass(frozen=True)
class WrongPairingCode(FieldProblem, code="wrong-pairing-code"):
    """It pairs no screen: it was mistyped, used, or is too old."""


class WrongSetupCode(FieldProblem, code="wrong-setup-code"):
    """Not the code that the server printed for the first admin."""


@dataclass(frozen=True)
class NotATimezone(FieldProblem, code="not-a-timezone"):
    """No timezone's name."""


@dataclass(frozen=True)
class NotYesOrNo(FieldProblem, code="not-yes-or-no"):
    """Text that is neither yes nor no."""


@dataclass(frozen=True)
class StateNotAllowed(FieldProblem, code="state-not-allowed"):
    """A user's state that is not set this way: closing has a call of its own."""


@dataclass(frozen=True)
class ChangeOnTab(FieldProblem, code="change-on-tab"):
    """Change asked for where the order goes on the tab."""


@dataclass(frozen=True)
class SameUser(FieldProblem, code="same-user"):
    """Money sent to oneself."""


@dataclass(frozen=True)
class SameMachine(FieldProblem, code="same-machine"):
    """Pieces moved to the machine that they are in."""


@dataclass(frozen=True)
class NoRoles(FieldProblem, code="no-roles"):
    """No role named."""


@dataclass(frozen=True)
class RoleTwice(FieldProblem, code="role-twice"):
    """A role named twice."""


@dataclass(frozen=True)
class NoScopes(FieldProblem, code="no-scopes"):
    """No scope named."""


@dataclass(frozen=True)
class WrongLineCount(FieldProblem, code="wrong-line-count"):
    """An order of no line, or of more than `lines_max`."""

    lines_max: int


@dataclass(frozen=True)
class ProductTwice(FieldProblem, code="product-twice"):
    """A product named twice."""


@dataclass(frozen=True)
class MoreThanOrdered(FieldProblem, code="more-than-ordered"):
    """More of a product than the order has."""

    product: int
    most: int


@dataclass(frozen=True)
class SlotTwice(FieldProblem, code="slot-twice"):
    """A slot given to two products."""


@dataclass(frozen=True)
class AboveCapacity(FieldProblem, code="above-capacity"):
    """A refill level that the shelf cannot hold."""


@dataclass(frozen=True)
class NoCoins(FieldProblem, code="no-coins"):
    """No coin at all."""


@dataclass(frozen=True)
class TooManyCoins(FieldProblem, code="too-many-coins"):
    """More coins than are taken in one go."""

    most: int


@dataclass(frozen=True)
class CoinCountTooSmall(FieldProblem, code="coin-count-too-small"):
    """Fewer than one of a coin that is named."""

    value_cents: int


@dataclass(frozen=True)
class CoinCountOutOfRange(FieldProblem, code="coin-count-out-of-range"):
    """Fewer than 0 or more than `most` of a coin that was counted."""

    value_cents: int
    most: int


@dataclass(frozen=True)
class CoinNotCounted(FieldProblem, code="coin-not-counted"):
    """A count of a coin box that leaves a coin out."""

    value_cents: int


@dataclass(frozen=True)
class CoinTwice(FieldProblem, code="coin-twice"):
    """A coin named twice."""


@dataclass(frozen=True)
class DayOutOfRange(FieldProblem, code="day-out-of-range"):
    """A day outside of the calendar."""

    first_day: str
    last_day: str


@dataclass(frozen=True)
class DayAfter(FieldProblem, code="day-after"):
    """A period that begins after its last day."""

    last_day: str


@dataclass(frozen=True)
class PeriodTooLong(FieldProblem, code="period-too-long"):
    """A period that begins more than `days_max` before its last day."""

    days_max: int
    last_day: str


@dataclass(frozen=True)
class NotAPicture(FieldProblem, code="not-a-picture"):
    """No picture of the type it is said to be, or a broken one."""


@dataclass(frozen=True)
class TooManyPixels(FieldProblem, code="too-many-pixels"):
    """A picture too large to decode."""

    pixels_max: int


@dataclass(frozen=True)
class Animated(FieldProblem, code="animated"):
    """A picture that moves."""


@dataclass(frozen=True)
class StoredReason(FieldProblem, code="stored-reason"):
    """A reason that was stored as a sentence, before there were codes: said again as it was, never raised."""

    reason: str


def field_problems() -> list[type[FieldProblem]]:
    """Every one, in the order of this module."""
    return FieldProblem.__subclasses__()


_BY_CODE = {one.code: one for one in field_problems()}


def revive_problem(code: str, facts: Mapping[str, Any]) -> FieldProblem:
    """The problem that `code` and `facts()` told of; facts that it has no more are left out.

    Raises:
        KeyError: no problem of the set has the code.
        TypeError: a fact is missing.
    """
    problem = _BY_CODE[code]
    known = {field.name: facts[field.name] for field in fields(problem) if field.name in facts}
    return problem(**{name: tuple(fact) if isinstance(fact, list) else fact for name, fact in known.items()})
