"""What the coalition has really put in and taken out, kept by the test and never read from the shop's books.

A coin counts as put in when it lies in a box: an honest acceptor or cashier has seen it. A coin counts as
taken when a machine says that it pays it, a can when it is dispensed, at the price that was agreed. What the
shop grants without either is counted by name, beside the limit that it states.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS
from tuckshop.domain.limits import HOUR_SECONDS
from tuckshop.domain.refunds import UNDONE_CENTS_PER_DAY, UNDONE_PER_HOUR, UndoMode

DAY_US = DAY_SECONDS * MICROSECONDS
HOUR_US = HOUR_SECONDS * MICROSECONDS


@dataclass(frozen=True)
class Stated:
    """The limits that the shop states, as its settings and machines say; each is a grant.

    - `believes_all`: buyers declare their own coins at every machine, otherwise those who stand before the
      screen of one in `drawn`; all of them at one machine up to `declared_cents` a day
    - `keyed`: machines whose key the coalition holds; with it, up to `credit_cents` an hour
    - `undo`: what buyers take back by themselves: see `UndoMode`
    - `tab_cents`: what somebody may owe whom no admin has approved, and all of them `exposure_cents`
    """

    believes_all: bool
    drawn: frozenset[int]
    declared_cents: int
    keyed: frozenset[int]
    credit_cents: int
    undo: UndoMode
    tab_cents: int
    exposure_cents: int


@dataclass
class Deal:
    """Somebody else's products that one of the coalition has ordered, at the price that both had seen.

    `is_final`: paid from a wallet, and agreed not to come back: it counts as taken once it is ordered, until
    the shop itself takes it back because nobody dispensed it.
    """

    cents: int
    buyer: str
    on_tab: bool
    is_final: bool
    is_out: bool

    @property
    def taken_cents(self) -> int:
        """What it counts."""
        return self.cents if self.is_out or self.is_final else 0


@dataclass
class Purse:
    """The account. Every figure in cents; machines by id; days and hours of UTC by number."""

    stated: Stated
    put_in: int = 0
    paid_coins: int = 0
    seen_of: Counter[str] = field(default_factory=Counter)
    declared_of: Counter[tuple[str, int]] = field(default_factory=Counter)
    paid_to: Counter[tuple[str, int]] = field(default_factory=Counter)
    paid_by_bank: int = 0
    sold: int = 0
    deals: dict[int, Deal] = field(default_factory=dict)
    declared: Counter[tuple[int, int]] = field(default_factory=Counter)
    credited: Counter[tuple[int, int]] = field(default_factory=Counter)
    undone: Counter[tuple[int, int]] = field(default_factory=Counter)
    undone_times: Counter[tuple[int, int]] = field(default_factory=Counter)
    granted_by_undo: int = 0
    owed: Counter[str] = field(default_factory=Counter)
    approved: dict[str, int] = field(default_factory=dict)
    boxes: Counter[int] = field(default_factory=Counter)
    bank: int = 0

    def insert(self, who: str, machine: int, cents: int) -> None:
        """Coins that somebody of the shop, or an honest acceptor, has seen."""
        self.put_in += cents
        self.seen_of[who] += cents
        self.boxes[machine] += cents

    def send(self, who: str, cents: int) -> None:
        """A bank transfer that has come."""
        self.put_in += cents
        self.seen_of[who] += cents
        self.bank += cents

    def hand_on(self, source: str, target: str, cents: int) -> None:
        """Money from one wallet to another. Where buyers' word counts, nobody can tell what it was."""
        if not self.stated.believes_all:
            self.seen_of.update({target: cents, source: -cents})

    def take_coins(self, who: str, machine: int, cents: int, *, is_changer: bool = False) -> None:
        """What a machine says that it pays, or a cashier; it can pay no more than lies in it.

        `is_changer`: nobody looks, and the machine pays no coins that somebody has declared elsewhere.
        """
        self.paid_coins += cents
        self.boxes[machine] -= min(cents, self.boxes[machine])
        if is_changer:
            self.paid_to[who, machine] += cents
            held = self.seen_of[who] + self.declared_of[who, machine]
            paid = self.paid_to[who, machine]
            assert paid <= held, f"machine {machine} paid {who} {paid}, who has put in {held}"

    def be_paid(self, cents: int) -> None:
        """Earnings, by the bank. The shop must have had so much: what a key has credited, it trusted."""
        self.paid_by_bank += cents
        self.bank -= cents
        real = self.bank + self.boxes.total() + self.credited.total()
        assert real >= 0, f"sellers were paid {-real} that nobody has ever put in"

    def declare(self, who: str, machine: int, cents: int, *, now_us: int, at_screen: bool) -> None:
        """Coins that were only said to be put in, and believed."""
        is_drawn = at_screen and machine in self.stated.drawn
        assert self.stated.believes_all or is_drawn, f"believed coins of {cents} at machine {machine}"
        day = machine, now_us // DAY_US
        self.declared_of[who, machine] += cents
        self.declared[day] += cents
        assert self.declared[day] <= self.stated.declared_cents, f"believed more than stated: {self.declared}"

    def credit(self, who: str, machine: int, cents: int, *, now_us: int) -> None:
        """The same with the machine's key, whose word is as good as a cashier's."""
        assert machine in self.stated.keyed
        self.seen_of[who] += cents
        hour = machine, now_us // HOUR_US
        self.credited[hour] += cents
        assert self.credited[hour] <= self.stated.credit_cents, f"a key credited {self.credited[hour]}"

    def undo(self, machine: int, cents: int, *, now_us: int, is_foreign: bool) -> None:
        """Money back for what was dispensed, by its buyer alone: the can is not in the machine again."""
        assert self.stated.undo is not UndoMode.OFF, f"undone: {cents}"
        day, hour = (machine, now_us // DAY_US), (machine, now_us // HOUR_US)
        self.undone[day] += cents
        self.undone_times[hour] += 1
        if self.stated.undo is UndoMode.BOUNDED:
            assert self.undone[day] <= UNDONE_CENTS_PER_DAY, f"undone of {cents}: {self.undone}"
            assert self.undone_times[hour] <= UNDONE_PER_HOUR, f"undone: {self.undone_times}"
        self.granted_by_undo += cents * is_foreign

    def charge(self, who: str, cents: int) -> None:
        """Products on somebody's tab."""
        self.owed[who] += cents
        limit = self.approved.get(who, self.stated.tab_cents)
        assert self.owed[who] <= limit, f"{who} owes {self.owed[who]}, and may owe {limit}"
        strangers = sum(cents for name, cents in self.owed.items() if name not in self.approved)
        assert strangers <= self.stated.exposure_cents, f"strangers owe {strangers}"

    def pay_tab(self, who: str, cents: int) -> None:
        """What is owed less: paid, or called off. Rather too little is known to be owed than too much."""
        self.owed[who] = max(self.owed[who] - cents, 0)

    @property
    def granted(self) -> dict[str, int]:
        """What the shop gave knowingly, by what it is."""
        on_tab: Counter[str] = Counter()
        for deal in self.deals.values():
            on_tab[deal.buyer] += deal.taken_cents * deal.on_tab
        approved = sum(min(cents, self.approved.get(who, 0)) for who, cents in on_tab.items())
        strangers = sum(cents for who, cents in on_tab.items() if who not in self.approved)
        return {
            "coins that were declared": self.declared.total(),
            "coins that a key has credited": self.credited.total(),
            "undone": self.granted_by_undo,
            "tabs that an admin has approved": approved,
            "tabs of everybody": min(strangers, self.stated.exposure_cents),
        }

    @property
    def taken(self) -> dict[str, int]:
        """What came out."""
        products = sum(deal.taken_cents for deal in self.deals.values())
        return {"coins": self.paid_coins, "by bank": self.paid_by_bank, "products": products}

    @property
    def given(self) -> dict[str, int]:
        """What was put in for real, and what was granted."""
        return {"put in": self.put_in, "sold": self.sold, **self.granted}

    def check(self) -> None:
        """The invariant."""
        taken, given = self.taken, self.given
        assert sum(taken.values()) <= sum(given.values()), f"taken: {taken}; given: {given}"
