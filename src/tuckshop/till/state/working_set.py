"""The till's working copy: what a batch touches, loaded once, decided on in memory, written once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import add
from typing import NamedTuple

from tuckshop.domain.ledger import AccountKind, AccountRef, tab_of
from tuckshop.domain.limits import LimitCounter
from tuckshop.domain.machines import CoinBox, MachineRules, ShelfPlan
from tuckshop.domain.orders import Order
from tuckshop.domain.products import Product, Shelf
from tuckshop.domain.refusals import UnknownMachine, UnknownOrder
from tuckshop.domain.selling import Quota, Use
from tuckshop.domain.tabs import Grant
from tuckshop.domain.transfers import Booked
from tuckshop.domain.users import Actor, Role, UserState
from tuckshop.domain.wallet import CoinFlow
from tuckshop.till.policy import Policy
from tuckshop.till.state.changes import Changes
from tuckshop.till.state.groups import Group
from tuckshop.till.state.read_set import ShelfRef
from tuckshop.till.state.rows import IdempotencyRow

LOCKED_KINDS = frozenset({AccountKind.WALLET, AccountKind.TAB})
"""Accounts whose balances rules read: locked when they are loaded, and written as decided."""


class Session(NamedTuple):
    """A log-in as loaded with the books."""

    actor: Actor
    username: str
    expires_us: int
    ended: bool


class UserSnapshot(NamedTuple):
    """A user who is to be closed, or an admin who would be left."""

    username: str
    email: str | None
    state: UserState
    roles: frozenset[Role]


class Deposited(NamedTuple):
    """Coins that a buyer said they have put in."""

    created_us: int
    amount_cents: int


class Payee(NamedTuple):
    """A seller's earnings as loaded.

    `young_cents` was dispensed at `young_since_us` or later, and is held back for that alone; orders that are
    held back for something else are in `Orders.held_back`.
    """

    balance_cents: int
    young_since_us: int | None = None
    young_cents: int = 0


@dataclass(slots=True, repr=False)
class Users(Group):
    sessions: dict[int, Session] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)  # those asked for who have an account
    closed: set[int] = field(default_factory=set)  # those asked for who have none any more
    buyers: set[int] = field(default_factory=set)  # those of `open` who buy
    guests: set[int] = field(default_factory=set)
    present: set[tuple[int, int]] = field(default_factory=set)  # (user, machine)
    usernames: set[str] = field(default_factory=set)  # taken
    # Whose names look so
    skeletons: dict[str, frozenset[int]] = field(default_factory=dict)
    emails: set[str] = field(default_factory=set)  # taken
    only_staff: set[int] = field(default_factory=set)  # admins beside whom there is no other staff
    has_admin: bool = False  # as far as somebody asked, or has just become one
    snapshots: dict[int, UserSnapshot] = field(default_factory=dict)
    # Of users to close: sessions, and when they ended; and those of them that have a secret.
    log_ins: dict[int, tuple[tuple[int, int | None], ...]] = field(default_factory=dict)
    api_tokens: dict[int, tuple[int, ...]] = field(default_factory=dict)


@dataclass(slots=True, repr=False)
class Accounts(Group):
    balances: dict[AccountRef, int] = field(default_factory=dict)  # of wallets and tabs
    tab_grants: dict[int, Grant] = field(default_factory=dict)
    others_exposure_cents: int = 0  # what others owe whose tabs no admin has approved, as far as it is asked
    deposited: dict[int, tuple[Deposited, ...]] = field(default_factory=dict)  # by buyers themselves, lately
    payees: dict[int, Payee] = field(default_factory=dict)  # sellers to be paid, or who take back
    closing_earnings: dict[int, int] = field(default_factory=dict)  # of users to close, as loaded
    covered_cents: int = 0  # in coin boxes and at the bank, without what was only declared, as loaded
    declared_at: int = 0  # at so many machines coins were ever only declared, as loaded
    coin_flows: dict[AccountRef, tuple[CoinFlow, ...]] = field(default_factory=dict)  # as loaded
    external_refs: dict[tuple[str, str], int] = field(default_factory=dict)
    booked: dict[int, tuple[Booked, ...]] = field(default_factory=dict)  # to be reversed, with twins
    reversals: dict[int, int] = field(default_factory=dict)  # of those that are reversed: by which transfer

    def balance_cents(self, ref: AccountRef) -> int:
        """What a wallet or tab holds; 0 for one that never had money."""
        return self.balances.get(ref, 0)

    def owed_cents(self, wallet: AccountRef) -> int:
        """What the wallet's owner owes on the tab; guests have none."""
        return 0 if wallet.user_id is None else -self.balances.get(tab_of(wallet.user_id), 0)

    def exposure_cents(self) -> int:
        """What all those owe whose tabs no admin has approved."""
        asked = (user_id for user_id, grant in self.tab_grants.items() if not grant.is_given)
        return self.others_exposure_cents - sum(self.balances.get(tab_of(one), 0) for one in asked)


@dataclass(slots=True, repr=False)
class Orders(Group):
    by_id: dict[int, Order] = field(default_factory=dict)
    as_loaded: dict[int, Order] = field(default_factory=dict)  # those of them that were there already
    client_refs: dict[tuple[AccountRef, str], int] = field(default_factory=dict)
    refunded_us: dict[AccountRef, tuple[int, ...]] = field(default_factory=dict)  # by buyers, lately
    placed_pieces: dict[AccountRef, int] = field(default_factory=dict)  # paid from the wallet, not dispensed
    # Cents left of the newest orders on tabs of which one may come back, as loaded, by order
    on_tabs: dict[AccountRef, dict[int, int]] = field(default_factory=dict)
    held_back: dict[int, Order] = field(default_factory=dict)  # whose earnings are not payable, as loaded
    held_back_owed_cents: dict[int, int] = field(default_factory=dict)  # on the tabs of those, as loaded

    def get(self, order_id: int) -> Order:
        """The order. Raises UnknownOrder."""
        order = self.by_id.get(order_id)
        if order is None:
            raise UnknownOrder(order=order_id)
        return order


@dataclass(slots=True, repr=False)
class Products(Group):
    by_id: dict[int, Product] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    # (product, seller) of those on sale whose names look so
    looks: dict[str, frozenset[tuple[int, int | None]]] = field(default_factory=dict)
    barcodes: dict[tuple[int | None, str], int] = field(default_factory=dict)  # (seller, barcode)
    sellers: dict[int, str] = field(default_factory=dict)
    open_sellers: dict[int, str] = field(default_factory=dict)  # for whom others add products
    shelves: dict[ShelfRef, Shelf] = field(default_factory=dict)
    plans: dict[ShelfRef, ShelfPlan] = field(default_factory=dict)  # of machines to be planned, as loaded
    quotas: dict[int, Quota] = field(default_factory=dict)  # of sellers who may get more
    used: dict[int, Use] = field(default_factory=dict)  # what those have
    invited: set[tuple[int, int]] = field(default_factory=set)  # (seller, machine), of those
    image_bytes: dict[int, int] = field(default_factory=dict)  # of their pictures, and of new ones

    def shelf(self, machine_id: int, product_id: int) -> Shelf:
        """The shelf; an empty one where there is none yet."""
        shelf = self.shelves.get((machine_id, product_id))
        return empty_shelf(machine_id, product_id) if shelf is None else shelf

    def use(self, seller_id: int | None, more: Use) -> None:
        """Counts what a seller has got, or lost, where a quota is asked about."""
        if seller_id in self.used:
            self.used[seller_id] = Use(*map(add, self.used[seller_id], more))

    def picture_bytes(self, product: Product | None) -> int:
        """How large the product's picture is, as far as quotas ask for it."""
        return 0 if product is None or product.image_id is None else self.image_bytes.get(product.image_id, 0)


@dataclass(slots=True, repr=False)
class Machines(Group):
    boxes: dict[int, CoinBox] = field(default_factory=dict)
    rules: dict[int, MachineRules] = field(default_factory=dict)
    keys: dict[int, bytes | None] = field(default_factory=dict)
    screens: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # those not ended: machine, hash
    declared: dict[int, int] = field(default_factory=dict)  # cents that nobody has counted, as loaded

    def box(self, machine_id: int) -> CoinBox:
        """The machine's coin box. Raises UnknownMachine."""
        box = self.boxes.get(machine_id)
        if box is None:
            raise UnknownMachine(machine=machine_id)
        return box


@dataclass(slots=True, repr=False)
class Limits(Group):
    used: dict[LimitCounter, int] = field(default_factory=dict)  # of those asked for that have begun to count
    stored: set[LimitCounter] = field(default_factory=set)  # those that are rows already


@dataclass(slots=True, repr=False)
class WorkingSet(Group):
    """The loaded values, as the commands decided so far have left them."""

    policy: Policy
    now_us: int
    day: int
    new_ids: dict[str, Iterator[int]]
    outcomes: dict[tuple[str, str], IdempotencyRow] = field(default_factory=dict)  # by scope and key
    users: Users = field(default_factory=Users)
    accounts: Accounts = field(default_factory=Accounts)
    orders: Orders = field(default_factory=Orders)
    products: Products = field(default_factory=Products)
    machines: Machines = field(default_factory=Machines)
    limits: Limits = field(default_factory=Limits)
    changes: Changes = field(default_factory=Changes)

    def new_id(self, table: str) -> int:
        """The next of the ids that were reserved for the table."""
        return next(self.new_ids[table])


def empty_shelf(machine_id: int, product_id: int) -> Shelf:
    """A shelf with nothing on it, and no plan."""
    return Shelf(machine_id=machine_id, product_id=product_id, quantity=0, capacity=None, price_cents=None)
