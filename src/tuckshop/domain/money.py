"""Amounts are whole numbers of minor units ("cents"); only this module knows how people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import combinations
from math import gcd

from tuckshop.domain.field_problems import AmountOutOfRange, AmountTooLarge, NotADecimal, TooManyDecimals
from tuckshop.domain.refusals import InvalidField

PRICE_CENTS_MAX = 1_000_000_000  # Ten million of the major unit: no shelf sells dearer things.
BALANCE_CENTS_MAX = 1_000_000_000_000_000  # Below 2**53, so that every JSON reader keeps it exact.
DENOMINATIONS_MAX = 32  # Twice what any currency has.
DENOMINATIONS_UNLIKE_MAX = 100  # Tokens of 1 to 100 in any mix; change in minted money needs 5 or so.


class DenominationKind(StrEnum):
    """What a denomination is made of."""

    COIN = "coin"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Denomination:
    """One coin or note of the currency, whether machines take it in and pay it out."""

    value_cents: int
    kind: DenominationKind
    accepted: bool
    paid_out: bool


@dataclass(frozen=True)
class Currency:
    """The shop's one currency: ISO 4217 code, decimals, and the coins and notes in use.

    Raises:
        ValueError: built with too many denominations, one below 1, one twice, or some so unlike each other
            (9973 and 10007) that finding change in them could take minutes.
    """

    code: str
    exponent: int
    denominations: tuple[Denomination, ...]

    def __post_init__(self) -> None:
        values = [d.value_cents for d in self.denominations]
        if len(values) > DENOMINATIONS_MAX:
            raise ValueError(f"a currency has at most {DENOMINATIONS_MAX} denominations, not {len(values)}")
        if len(set(values)) < len(values) or any(value < 1 for value in values):
            raise ValueError(f"denominations are different and at least 1, not {values}")
        for small, large in combinations(sorted(values), 2):
            if small // gcd(small, large) > DENOMINATIONS_UNLIKE_MAX:
                raise ValueError(f"denominations of {small} and {large} are too unlike to give change in")

    @cached_property
    def values_cents(self) -> tuple[int, ...]:
        """The values that there are, ascending."""
        return tuple(sorted(d.value_cents for d in self.denominations))

    @cached_property
    def accepted_cents(self) -> tuple[int, ...]:
        """The values that may be put in, ascending."""
        return tuple(sorted(d.value_cents for d in self.denominations if d.accepted))

    @cached_property
    def paid_out_cents(self) -> tuple[int, ...]:
        """The values that may be paid out, ascending."""
        return tuple(sorted(d.value_cents for d in self.denominations if d.paid_out))


EURO = Currency(
    code="EUR",
    exponent=2,
    denominations=tuple(
        Denomination(value_cents=value, kind=DenominationKind.COIN, accepted=True, paid_out=True)
        for value in (5, 10, 20, 50, 100)
    ),
)


def parse(text: str, *, exponent: int = 2, field: str = "amount") -> int:
    """`"2.2"` -> 220: minor units from text in major units.

    Raises:
        InvalidField: not a plain decimal, with more decimals than the currency has, or above
            BALANCE_CENTS_MAX.
    """
    cents = parse_decimal(text, exponent=exponent, field=field)
    if cents > BALANCE_CENTS_MAX:
        raise InvalidField(field=field, problem=AmountTooLarge(BALANCE_CENTS_MAX, exponent))
    return cents


def parse_decimal(text: str, *, exponent: int, field: str) -> int:
    """`"5.5"` -> 550 with an exponent of 2: a number of at most 15 digits before the point, as a whole one.

    Raises:
        InvalidField: not a plain decimal, or with more decimals than `exponent`.
    """
    match = re.fullmatch(r"([0-9]{1,15})(?:\.([0-9]+))?", text, flags=re.ASCII)
    if match is None:
        raise InvalidField(field=field, problem=NotADecimal())
    whole, decimals = match[1], match[2] or ""
    if len(decimals) > exponent:
        raise InvalidField(field=field, problem=TooManyDecimals(exponent))
    return int(whole + decimals.ljust(exponent, "0"))


def parse_typed(text: str, *, exponent: int = 2, field: str = "amount") -> int:
    """As `parse`, for what people type: `"2,20"` is as good as `"2.20"`. Raises InvalidField."""
    return parse(text.replace(",", ".") if text.count(",") == 1 else text, exponent=exponent, field=field)


def parse_price(text: str, *, currency: Currency, field: str = "price", cents_min: int = 1) -> int:
    """The price in minor units. Raises InvalidField, with the limits as people would write them."""
    cents = parse(text, exponent=currency.exponent, field=field)
    if not cents_min <= cents <= PRICE_CENTS_MAX:
        raise InvalidField(field, AmountOutOfRange(cents_min, PRICE_CENTS_MAX, currency.exponent))
    return cents


def show(cents: int, *, exponent: int = 2) -> str:
    """220 -> `"2.20"`: text in major units, always with all decimals."""
    sign = "-" if cents < 0 else ""
    if exponent == 0:
        return f"{cents}"
    whole, rest = divmod(abs(cents), 10**exponent)
    return f"{sign}{whole}.{rest:0{exponent}d}"


def check_price(cents: int, *, field: str = "price") -> int:
    """The price itself. Raises InvalidField below 1 or above PRICE_CENTS_MAX."""
    if not 1 <= cents <= PRICE_CENTS_MAX:
        raise InvalidField(field=field, problem=AmountOutOfRange(1, PRICE_CENTS_MAX))
    return cents
