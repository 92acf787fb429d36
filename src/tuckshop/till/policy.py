"""The shop's settings that the till decides by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tuckshop.domain.days import BY_UTC, BusinessDays
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.money import Currency
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.tabs import TabsFor
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.callers import Caller, MachineCaller, OperatorCaller, SessionCaller


@dataclass(frozen=True, slots=True)
class Policy:
    """The shop's settings that decisions depend on."""

    currency: Currency
    coins: CoinsPolicy = CoinsPolicy.ATTESTED
    refund_window_seconds: int = 300  # Long enough to notice the wrong can, too short to drink it.
    payout_delay_days: int = 7  # A week: a sale that is wrong has been found out by then.
    tab_limit_cents: int = 0  # of buyers who have no limit of their own
    tabs_for: TabsFor = TabsFor.APPROVED
    tab_exposure_cents: int = 0  # what all those may owe whose tab no admin has approved
    coins_daily_cap_cents: int = 20_000  # A hundred euros twice: nobody carries more coins to a fridge.
    guest_undo: UndoMode = UndoMode.OFF  # what guests may take back by themselves
    user_undo: UndoMode = UndoMode.CONTRACT  # what buyers with a log-in may
    coins_machine_daily_cap_cents: int = 50_000  # What a fridge takes on its best day.
    days: BusinessDays = BY_UTC  # by which sales are counted from now on
    staff_second_factor: bool = False  # without one, cashiers and admins are customers
    kiosk_open: bool = False  # a demo's: anybody speaks for the first machine
    # What is kept of a closed user's address; none: nothing.
    address_hash: Callable[[str], bytes] | None = field(default=None, repr=False, compare=False)

    def bounds_undoing(self, caller: Caller) -> bool:
        """Whether what this caller takes back by themselves may be counted at the machine."""
        if isinstance(caller, SessionCaller):
            return self.user_undo is UndoMode.BOUNDED
        return self.guest_undo is UndoMode.BOUNDED and not isinstance(caller, OperatorCaller)

    def is_machine(self, caller: MachineCaller, key_hash: bytes | None) -> bool:
        """Whether a caller is the machine that it says, which has the key with this hash."""
        if caller.key_hash is None:
            return self.kiosk_open and caller.machine_id == DEFAULT_MACHINE_ID
        return caller.key_hash == key_hash
