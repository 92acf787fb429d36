"""The running shop that every use-case works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop.domain.money import Currency
from tuckshop.identity.access_tokens import Tokens
from tuckshop.identity.passwords import Passwords
from tuckshop.queries.events import Events
from tuckshop.store.engine import DatabaseAway
from tuckshop.telemetry import Meter
from tuckshop.till.engine.queue import Till

__all__ = ["DatabaseAway", "Shop"]  # Interfaces never touch the store; this much of it they answer for.


@dataclass(frozen=True, slots=True)
class Shop:
    """Database, till and keys of one shop. `clock` gives microseconds since 1970, UTC."""

    engine: AsyncEngine
    till: Till
    tokens: Tokens
    passwords: Passwords
    clock: Callable[[], int]
    meter: Meter = field(default_factory=Meter)
    events: Events = field(default_factory=Events)
    guest_ids: dict[str, int] = field(default_factory=dict)  # by the key of their names, which never change

    @property
    def currency(self) -> Currency:
        """The shop's one currency."""
        return self.till.policy.currency
