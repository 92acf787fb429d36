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
    skeletons: set[str] = field(default_factory=set)  # of those names: does somebody's look the same?
    emails: set[str] = field(default_factory=set)  # the same of addresses
    first_admin: bool = False  # whether there has ever been an admin: one at a time may become the first
    locked_users: set[int] = field(default_factory=set)  # who must not be closed meanwhile
    own_affairs: set[int] = field(default_factory=set)  # who may be staff, and ask for themselves
    closing_users: set[int] = field(default_factory=set)  # with all that is theirs

    # Money
    wallets: set[AccountRef] = field(default_factory=set)
    tabs: set[int] = field(default_factory=set)  # whose, and their limits
    charged_tabs: set[int] = field(default_factory=set)  # those of them that are to owe more
    depositors: set[int] = field(default_factory=set)  # who may have declared their coins of the day
    payees: set[int] = field(default_factory=set)  # sellers to be paid: locked
    # (order, user): who takes it back; a seller's earnings must cover that, and are locked as to be paid
    takers_back: set[tuple[int, int]] = field(default_factory=set)
    sellers_back: set[int] = field(default_factory=set)  # who of those are its sellers
    coverage: bool = False  # what the shop has, against what it pays to sellers: one till at a time
    # (wallet, machine): what went into it and out of it, where the box turns out to be a counted one
    coin_flows: set[tuple[AccountRef, int]] = field(default_factory=set)
    external_refs: set[tuple[str, str]] = field(
        default_factory=set
    )  # (kind of transfer, key of the reference)
    reversing: set[int] = field(default_factory=set)  # transfers, with all that they moved

    # Orders
    orders: Counter[int] = field(default_factory=Counter)  # those to change, by how many commands
    tab_orders: dict[int, int] = field(default_factory=dict)  # the oldest order on a tab to change, by buyer
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
    looks: set[str] = field(default_factory=set)  # skeletons of new names: does another's look so?
    barcodes: set[str] = field(default_factory=set)
    named_products: set[tuple[int, str]] = field(default_factory=set)  # what to buy: machine, key
    shelves: set[ShelfRef] = field(default_factory=set)
    sellers: set[int] = field(default_factory=set)  # for whom others add products: locked
    stocking: set[int] = field(default_factory=set)  # products of which there may be more: sellers are locked
    quotas: set[int] = field(default_factory=set)  # sellers who may get more: what they have, and may have
    images: set[int] = field(default_factory=set)  # pictures to be shown: how large are they?

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

    def own_affair(self, caller: Caller, owner_id: int | None = None) -> None:
        """Whether there are others of the staff, where the caller is one and asks for themselves.

        `owner_id`: whose money it is, if that is known before the books are read.
        """
        user_id = user_of(caller)
        if user_id is not None and owner_id in (None, user_id):
            self.own_affairs.add(user_id)

    def shelf(self, machine_id: int, product_id: int) -> None:
        """A machine's shelf with a product."""
        self.shelves.add((machine_id, product_id))

    def external_ref(self, kind: TransferKind, external_ref: str) -> None:
        """Whether a bank's reference was used already."""
        self.external_refs.add((kind.value, ref_key(external_ref)))
