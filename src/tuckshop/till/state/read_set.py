"""What the commands of a batch need to know. Whatever is not named here is not loaded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tuckshop.domain.ledger import AccountRef, TransferKind
from tuckshop.domain.limits import LimitCounter
from tuckshop.domain.transfers import ref_key
from tuckshop.till.callers import Caller, MachineCaller, user_of
from tuckshop.till.policy import Policy

ShelfRef = tuple[int, int]
"""(machine, product)"""


@dataclass(slots=True, repr=False)
class ReadSet:
    """Ids and keys of what is to be loaded; what is to be changed is locked."""

    policy: Policy
    keys: set[tuple[str, str]] = field(default_factory=set)  # idempotency keys: scope, key

    # Users and guests
    sessions: set[int] = field(default_factory=set)
    users: set[int] = field(default_factory=set)  # others than the caller: do they exist?
    guests: set[int] = field(default_factory=set)  # do they exist?
    present: set[tuple[int, int]] = field(default_factory=set)  # (user, machine): have they logged in there?
    usernames: set[str] = field(default_factory=set)  # keys of names that somebody asks for: are they taken?
    emails: set[str] = field(default_factory=set)  # the same of addresses
    first_admin: bool = False  # whether there has ever been an admin: one at a time may become the first
    locked_users: set[int] = field(default_factory=set)  # who must not be closed meanwhile
    closing_users: set[int] = field(default_factory=set)  # with all that is theirs

    # Money
    wallets: set[AccountRef] = field(default_factory=set)
    tabs: set[int] = field(default_factory=set)  # whose, and their limits
    depositors: set[int] = field(default_factory=set)  # who may have declared their coins of the day
    payees: set[int] = field(default_factory=set)  # sellers to be paid: locked
    external_refs: set[tuple[str, str]] = field(
        default_factory=set
    )  # (kind of transfer, key of the reference)

    # Orders
    orders: Counter[int] = field(default_factory=Counter)  # those to change, by how many commands
    client_refs: set[tuple[AccountRef, str]] = field(default_factory=set)
    refunders: set[AccountRef] = field(default_factory=set)  # whose refunds of the day may be used up
    undoing: set[int] = field(default_factory=set)  # orders that their buyers may take back by themselves
    placing: set[tuple[AccountRef, int]] = field(default_factory=set)  # who may order for later, and where
    # (guest, machine, product): so many of the newest orders that have a piece left
    newest_orders: Counter[tuple[int, int, int]] = field(default_factory=Counter)

    # Products and shelves
    products: set[int] = field(default_factory=set)  # to read
    changing_products: set[int] = field(default_factory=set)  # locked, all their shelves too
    product_names: set[str] = field(default_factory=set)
    barcodes: set[str] = field(default_factory=set)
    named_products: set[tuple[int, str]] = field(default_factory=set)  # what to buy: machine, key
    shelves: set[ShelfRef] = field(default_factory=set)
    sellers: set[int] = field(default_factory=set)  # for whom others add products: locked

    # Machines
    machines: set[int] = field(default_factory=set)
    machine_keys: set[int] = field(default_factory=set)
    screens: set[int] = field(default_factory=set)  # whether they still are a machine's own
    counted_machines: set[int] = field(default_factory=set)  # whose coins count, unlimited or not
    planograms: set[int] = field(default_factory=set)  # machines of which every shelf is needed

    limits: set[LimitCounter] = field(default_factory=set)  # what may be done so much within an hour or a day

    new_ids: dict[str, int] = field(
        default_factory=lambda: {"orders": 0, "transfers": 0, "refunds": 0, "products": 0, "users": 0}
    )

    def wallet(self, ref: AccountRef, caller: Caller) -> None:
        """A wallet, and whether its owner exists where that is not the caller."""
        self.wallets.add(ref)
        if ref.user_id is not None and ref.user_id != user_of(caller):
            self.users.add(ref.user_id)
            if isinstance(caller, MachineCaller):
                self.present.add((ref.user_id, caller.machine_id))
        if ref.guest_id is not None:
            self.guests.add(ref.guest_id)

    def shelf(self, machine_id: int, product_id: int) -> None:
        """A machine's shelf with a product."""
        self.shelves.add((machine_id, product_id))

    def external_ref(self, kind: TransferKind, external_ref: str) -> None:
        """Whether a bank's reference was used already."""
        self.external_refs.add((kind.value, ref_key(external_ref)))
