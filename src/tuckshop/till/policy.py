"""The shop's settings that the till decides by."""

from __future__ import annotations

from dataclasses import dataclass

from tuckshop.domain.days import BY_UTC, BusinessDays
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.money import Currency
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.callers import MachineCaller


@dataclass(frozen=True, slots=True)
class Policy:
    """The shop's settings that decisions depend on."""

    currency: Currency
    coins: CoinsPolicy = CoinsPolicy.ATTESTED
    refund_window_seconds: int = 300  # Long enough to notice the wrong can, too short to drink it.
    tab_limit_cents: int = 0  # of buyers who have no limit of their own
    coins_daily_cap_cents: int = 20_000  # A hundred euros twice: nobody carries more coins to a fridge.
    days: BusinessDays = BY_UTC  # by which sales are counted from now on
    kiosk_open: bool = False  # a demo's: anybody speaks for the first machine

    def is_machine(self, caller: MachineCaller, key_hash: bytes | None) -> bool:
        """Whether a caller is the machine that it says, which has the key with this hash."""
        if caller.key_hash is None:
            return self.kiosk_open and caller.machine_id == DEFAULT_MACHINE_ID
        return caller.key_hash == key_hash
