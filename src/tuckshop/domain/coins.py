"""Coins and notes: counting them, and paying an amount with the fewest of them."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

from tuckshop.domain.field_problems import CoinCountTooSmall, NoCoins, NotPayableInCoins, TooManyCoins
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
        raise InvalidField(field="coins", problem=NoCoins())
    for value, count in coins.items():
        if value not in accepted:
            raise CoinNotAccepted(value_cents=value, accepted=accepted)
        if count < 1:
            raise InvalidField(field="coins", problem=CoinCountTooSmall(value))
    if sum(coins.values()) > PIECES_MAX:
        raise InvalidField(field="coins", problem=TooManyCoins(PIECES_MAX))
    return dict(sorted(coins.items(), reverse=True))


def inserted_as(amount_cents: int, *, accepted: tuple[int, ...]) -> dict[int, int]:
    """The fewest coins as which the amount can have been put in, largest first.

    Raises:
        InvalidField: less than 1, not payable in coins that the shop takes, or more than PIECES_MAX of them.
    """
    coins = fewest(amount_cents, dict.fromkeys(accepted)) if amount_cents > 0 else None
    if coins is None:
        raise InvalidField(field="amount", problem=NotPayableInCoins(accepted))
    check_inserted(coins, accepted=accepted)
    return coins


def fewest(amount_cents: int, supply: Supply) -> dict[int, int] | None:
    """The fewest coins from `supply` that make exactly `amount_cents`, largest first; None if none do.

    Not greedy: 60 from one 50 and three 20s is 20 + 20 + 20. Of two equally short answers, the one with
    more of the larger coins. Fast for minted currencies at any amount and supply: their values divide one
    another or nearly do.
    """
    values = tuple(sorted((v for v, held in supply.items() if held is None or held > 0), reverse=True))
    # More than the amount needs is as good as without end.
    helds = (supply[value] for value in values)
    held = tuple(amount_cents // v + v if h is None else h for v, h in zip(values, helds, strict=True))
    counts = _fewest(amount_cents, values, held)
    if counts is None:
        return None
    return {value: count for value, count in zip(values, counts, strict=True) if count}


def sums(supply: Supply, *, below_cents: int) -> int:
    """Every amount below `below_cents` that the coins can make: the amount a can be made if bit a is set."""
    within = (1 << below_cents) - 1
    made = 1
    for value, held in supply.items():
        rest = below_cents // value if held is None else min(held, below_cents // value)
        bundle = 1
        while rest > 0:  # 13 coins are bundles of 1, 2, 4 and 6: with them any number up to 13 can be taken.
            taken = min(bundle, rest)
            made = (made | made << taken * value) & within
            rest -= taken
            bundle *= 2
    return made


def largest_payable_cents(amount_cents: int, values: tuple[int, ...]) -> int:
    """The most of `amount_cents` that coins of these values can pay when none runs out (68 -> 65 with 5s)."""
    if not values or amount_cents < 0:
        return 0
    supply = dict.fromkeys(values)
    smallest, unit = min(values), gcd(*values)
    payable = amount_cents - amount_cents % unit
    while payable % smallest and fewest(payable, supply) is None:
        payable -= unit
    return payable


def _fewest(amount: int, values: tuple[int, ...], held: tuple[int, ...]) -> tuple[int, ...] | None:
    """Tries each number of the largest coin that an answer may use, then of the next, and so on.

    That range is short: c / gcd(c, w) coins of a smaller value w are worth w / gcd(c, w) coins of value c,
    which are fewer. So an answer with the fewest coins has fewer of each w than that, `reach` in sum,
    unless the coins of value c are all but used up: fewer than `spare` of them are left.
    """
    places = range(len(values))
    worth = [sum(v * h for v, h in zip(values[place:], held[place:], strict=True)) for place in places] + [0]
    reach = [
        sum(min(h, c // gcd(c, w) - 1) * w for w, h in zip(values[i + 1 :], held[i + 1 :], strict=True))
        for i, c in enumerate(values)
    ]
    spare = [max((w // gcd(c, w) for w in values[i + 1 :]), default=1) for i, c in enumerate(values)]
    known: dict[tuple[int, int], tuple[int, ...] | None] = {}

    def solve(place: int, rest: int) -> tuple[int, ...] | None:
        """The fewest of values[place:] that make `rest`, as counts in the order of `values`."""
        if rest == 0:
            return (0,) * (len(values) - place)
        if not 0 < rest <= worth[place]:
            return None
        if (place, rest) in known:
            return known[place, rest]
        value = values[place]
        least = min(_ceil(rest - reach[place], value), held[place] - spare[place] + 1)
        least = max(least, _ceil(rest - worth[place + 1], value), 0)
        best: tuple[int, ...] | None = None
        for count in range(min(held[place], rest // value), least - 1, -1):
            left = rest - count * value
            if best is not None and count + at_least(place + 1, left) >= sum(best):
                break  # Fewer large coins only cost more pieces.
            tail = solve(place + 1, left)
            if tail is not None and (best is None or count + sum(tail) < sum(best)):
                best = (count, *tail)
        known[place, rest] = best
        return best

    def at_least(place: int, rest: int) -> int:
        """Pieces that `rest` takes even where a coin may be cut: the largest first."""
        pieces = 0
        while rest > 0:  # Ends in time: `least` leaves no more than the smaller coins are worth.
            taken = min(held[place], _ceil(rest, values[place]))
            pieces += taken
            rest -= taken * values[place]
            place += 1
        return pieces

    return solve(0, amount)


def _ceil(amount: int, value: int) -> int:
    return -(-amount // value)
