"""Amounts as people type and read them, in the shop's major units: 1.50."""

from __future__ import annotations

from tuckshop.domain import money
from tuckshop.domain.money import PRICE_CENTS_MAX, Currency
from tuckshop.domain.refusals import InvalidField


def price(text: str, *, currency: Currency, field: str, least_cents: int = 1) -> int:
    """The price in minor units. Raises InvalidField, with the limits as the person would type them."""
    cents = money.parse(text, exponent=currency.exponent, field=field)
    if not least_cents <= cents <= PRICE_CENTS_MAX:
        least, most = show(least_cents, currency), show(PRICE_CENTS_MAX, currency)
        raise InvalidField(field=field, reason=f"must be from {least} to {most}")
    return cents


def show(cents: int, currency: Currency) -> str:
    """150 -> `1.50`."""
    return money.show(cents, exponent=currency.exponent)


def tax_basis_points(text: str) -> int:
    """`"19"` or `"5.5"` per cent in basis points. Raises InvalidField outside 0 to 100."""
    points = money.parse(text, exponent=2, field="tax")
    if points > 10_000:
        raise InvalidField(field="tax", reason="must be from 0 to 100 per cent")
    return points


def show_tax(basis_points: int) -> str:
    """1900 -> `19 %`, 550 -> `5.5 %`."""
    return f"{basis_points / 100:g} %"
