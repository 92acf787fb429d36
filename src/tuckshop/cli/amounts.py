"""Amounts as people read them, in the shop's major units: 1.50."""

from __future__ import annotations

from tuckshop.domain import money
from tuckshop.domain.money import Currency


def show(cents: int, currency: Currency) -> str:
    """150 -> `1.50`."""
    return money.show(cents, exponent=currency.exponent)


def tell(cents: int, currency: Currency) -> str:
    """150 -> `1.50 EUR`."""
    return f"{show(cents, currency)} {currency.code}"
