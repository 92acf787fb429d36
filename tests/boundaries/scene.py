"""The shop in which a boundary is looked at, and how a probe says what it asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.shop import Clock, Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS
from tuckshop.domain.refusals import Refusal

DAY_US = DAY_SECONDS * MICROSECONDS


class Asked(NamedTuple):
    """An instant, and what is asked a microsecond before it, then at it, then a microsecond after."""

    instant_us: int
    ask: Callable[[], Awaitable[object]]


@dataclass
class Scene:
    """A new shop. Its days begin at four in the morning in Berlin; buyers declare their coins themselves."""

    shop: Shop
    running: RunningShop
    stack: AsyncExitStack

    @property
    def clock(self) -> Clock:
        return self.shop.clock

    def later(self, seconds: int) -> int:
        """The instant so many seconds from now."""
        return self.clock.now_us + seconds * MICROSECONDS


async def outcome(happening: Awaitable[Any]) -> str:
    """Whether it is done, or the refusal's name."""
    try:
        await happening
    except Refusal as refusal:
        return type(refusal).__name__
    return "done"
