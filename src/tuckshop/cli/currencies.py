"""Currencies that `init` knows, with the coins that a small shop takes and gives."""

from __future__ import annotations

from tuckshop.domain.money import EURO, Currency, Denomination, DenominationKind

# ISO 4217 codes and exponents; coins in minor units.
_COINS = {
    "AUD": (2, (5, 10, 20, 50, 100, 200)),
    "CAD": (2, (5, 10, 25, 100, 200)),
    "CHF": (2, (5, 10, 20, 50, 100, 200, 500)),
    "CZK": (2, (100, 200, 500, 1000, 2000, 5000)),
    "DKK": (2, (50, 100, 200, 500, 1000, 2000)),
    "GBP": (2, (1, 2, 5, 10, 20, 50, 100, 200)),
    "INR": (2, (100, 200, 500, 1000, 2000)),
    "JPY": (0, (1, 5, 10, 50, 100, 500)),
    "NOK": (2, (100, 500, 1000, 2000)),
    "NZD": (2, (10, 20, 50, 100, 200)),
    "PLN": (2, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    "SEK": (2, (100, 200, 500, 1000)),
    "USD": (2, (1, 5, 10, 25, 50, 100)),
}


def _minted(code: str, exponent: int, values: tuple[int, ...]) -> Currency:
    coins = (Denomination(value, DenominationKind.COIN, accepted=True, paid_out=True) for value in values)
    return Currency(code=code, exponent=exponent, denominations=tuple(coins))


CURRENCIES = {"EUR": EURO} | {code: _minted(code, *how) for code, how in _COINS.items()}
"""By code; EUR is what a shop gets that names none."""
