"""Coins and notes: counting them, and paying an amount with the fewest of them."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

from tuckshop.domain.refusals import CoinNotAccepted, InvalidField

Coins = Mapping[int, int]
"""Value in minor units -> how many."""

Supply = Mapping[int, int | None]
"""Value in minor units -> how many can be paid; None where they never run out."""

PIECES_MAX = 10_000  # More coins than a person feeds in one go; keeps sums far from any overflow.


def total_cents(coins: Coins) -> int:
    """What the coins are worth together."""
    return sum(value * count for value, count in coins.items())


def check_inserted(coins: Coins, *, accepted: tuple[int, ...]) -> Coins:
    """The coins, largest first.

    Raises:
        CoinNotAccepted: a value that the shop does not take.
        InvalidField: no coin at all, a count below 1, or more than PIECES_MAX in sum.
    """
    if not coins:
        raise InvalidField(field="coins", reason="must hold at least one coin")
    for value, count in coins.items():
        if value not in accepted:
            raise CoinNotAccepted(value_cents=value, accepted=accepted)
        if count < 1:
            raise InvalidField(field="coins", reason=f"must hold at least 1 of {value}")
    if sum(coins.values()) > PIECES_MAX:
        raise InvalidField(field="coins", reason=f"must hold at most {PIECES_MAX} coins in one go")
    return dict(sorted(coins.items(), reverse=True))


def fewest(amount_cents: int, supply: Supply) -> dict[int, int] | None:
    """The fewest coins from `supply` that make exactly `amount_cents`, largest first; None if none do.

    Not greedy: 60 from one 50 and three 20s is 20 + 20 + 20.

    How many of the largest coin c an answer may use is a short range. Any c smaller coins include some
    that together are worth a multiple of c (pigeonhole on their running sums modulo c), which fewer
    coins of value c would replace. So an answer with the fewest coins has less than c smaller ones,
    worth less than c * next, unless the coins of value c are all but used up: at most next - 1 are left.
    """
    values = tuple(sorted((v for v, held in supply.items() if held is None or held > 0), reverse=True))
    if amount_cents == 0:
        return {}
    if not values:
        return None
    unit = gcd(*values)
    if amount_cents % unit:
        return None
    counts = _fewest(
        amount_cents // unit,
        tuple(value // unit for value in values),
        tuple(supply[value] for value in values),
    )
    if counts is None:
        return None
    return {value: count for value, count in zip(values, counts, strict=True) if count}


def _fewest(amount: int, values: tuple[int, ...], held: tuple[int | None, ...]) -> tuple[int, ...] | None:
    known: dict[tuple[int, int], tuple[int, ...] | None] = {}

    def solve(place: int, rest: int) -> tuple[int, ...] | None:
        """The fewest of values[place:] that make `rest`, as counts in the order of `values`."""
        if rest == 0:
            return (0,) * (len(values) - place)
        if place == len(values):
            return None
        if (place, rest) in known:
            return known[place, rest]
        value, supply = values[place], held[place]
        smaller = values[place + 1] if place + 1 < len(values) else 0
        most = rest // value if supply is None else min(supply, rest // value)
        least = -(-(rest - value * smaller) // value)
        if supply is not None:
            least = min(least, supply - smaller)
        best: tuple[int, ...] | None = None
        best_pieces = rest + 1
        for count in range(most, max(least, 0) - 1, -1):
            left = rest - count * value
            if best is not None and smaller and count + -(-left // smaller) >= best_pieces:
                break  # Even with coins of the next value alone, fewer large ones cost more pieces.
            tail = solve(place + 1, left)
            if tail is not None and count + sum(tail) < best_pieces:
                best = (count, *tail)
                best_pieces = sum(best)
        known[place, rest] = best
        return best

    return solve(0, amount)


def largest_payable_cents(amount_cents: int, values: tuple[int, ...]) -> int:
    """The most of `amount_cents` that coins of these values can pay when none runs out (68 -> 65 with 5s)."""
    if not values:
        return 0
    supply = dict.fromkeys(values)
    unit = gcd(*values)
    payable = amount_cents - amount_cents % unit
    while payable > 0 and fewest(payable, supply) is None:
        payable -= unit
    return payable
