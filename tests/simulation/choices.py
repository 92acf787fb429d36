"""All that is left to chance in a history: drawn from a seed, or given, so that it can be told again.

Every choice is a number, of which 0 is the dullest: nobody else goes on, nothing fails. So a history becomes
simpler by choosing 0 more often.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random


class Choices:
    """Choices by chance, or those that are `given` and 0 from there on. `made` is what was chosen."""

    def __init__(self, seed: int, given: Sequence[int] | None = None) -> None:
        self._random = Random(seed)
        self._given = given
        self.made: list[int] = []

    def pick(self, count: int) -> int:
        """One of 0 to count - 1."""
        return 0 if count == 1 else self._keep(self._random.randrange(count), count)

    def once_in(self, times: int) -> bool:
        """Whether something seldom happens now."""
        return bool(self._keep(int(self._random.randrange(times) == 0), 2))

    def _keep(self, drawn: int, count: int) -> int:
        if self._given is not None:
            place = len(self.made)
            drawn = self._given[place] % count if place < len(self._given) else 0
        self.made.append(drawn)
        return drawn
