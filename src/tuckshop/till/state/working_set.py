"""The till's working copy: what a batch touches, loaded once, decided on in memory, written once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple

from tuckshop.domain.days import BY_UTC, BusinessDays
from tuckshop.domain.ledger import AccountKind, AccountRef
from tuckshop.domain.machines import CoinBox, ShelfPlan
from tuckshop.domain.orders import Order
from tuckshop.domain.products import Product, Shelf
from tuckshop.domain.users import Actor, Role, UserState

ShelfRef = tuple[int, int]
"""(machine, product)"""

LOCKED_KINDS = frozenset({AccountKind.WALLET, AccountKind.TAB})
"""Accounts whose balances rules read: locked when they are loaded, and written as decided."""


@dataclass(slots=True)
class Wanted:
    """What the commands of a batch need to know, by id. Whatever is not there is not loaded."""

    sessions: set[int] = field(default_factory=set)
    wallets: set[AccountRef] = field(default_factory=set)
    tabs: set[int] = field(default_factory=set)  # whose, and their limits
    users: set[int] = field(default_factory=set)  # others than the caller: do they exist?
    guests: set[int] = field(default_factory=set)  # do they exist?
    refunders: set[AccountRef] = field(default_factory=set)  # whose refunds of the day may be used up
    # (guest, machine, product): so many of the newest orders that have a piece left
    newest: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    usernames: set[str] = field(default_factory=set)  # keys of names that somebody wants: are they taken?
    emails: set[str] = field(default_factory=set)  # the same of addresses
    declarers: set[int] = field(default_factory=set)  # who may have declared their coins of the day
    keys: set[tuple[str, str]] = field(default_factory=set)
    client_refs: set[tuple[AccountRef, str]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    named: set[tuple[int, str]] = field(default_factory=set)  # what to buy: machine, key
    products: set[int] = field(default_factory=set)  # to read
    changing: set[int] = field(default_factory=set)  # products to change: locked, all their shelves too
    shelves: set[ShelfRef] = field(default_factory=set)
    machines: set[int] = field(default_factory=set)
    counting: set[int] = field(default_factory=set)  # machines whose coins count, unlimited or not
    machine_keys: set[int] = field(default_factory=set)
    stands: set[int] = field(default_factory=set)  # machines of which every shelf is wanted
    held: set[int] = field(default_factory=set)  # users who must not be closed meanwhile: locked
    closing: set[int] = field(default_factory=set)  # users to close: with all that is theirs
    payees: set[int] = field(default_factory=set)  # sellers to be paid: locked
    sellers: set[int] = field(default_factory=set)  # for whom others add products: locked
    external_refs: set[tuple[str, str]] = field(default_factory=set)  # (kind of transfer, reference)
    refund_window_us: int = 0
    days: BusinessDays = BY_UTC
    orders: Counter[int] = field(default_factory=Counter)  # those to change, by how many commands
    new_ids: dict[str, int] = field(
        default_factory=lambda: {"orders": 0, "transfers": 0, "refunds": 0, "products": 0, "users": 0}
    )


class Session(NamedTuple):
    """A log-in as loaded with the books."""

    actor: Actor
    username: str
    expires_us: int
    ended: bool


class UserRow(NamedTuple):
    id: int
    username: str
    username_key: str
    email: str | None
    email_key: str | None
    password_hash: str
    state: str
    is_buyer: bool
    is_seller: bool
    is_cashier: bool
    is_admin: bool
    created_us: int


class OrderRow(NamedTuple):
    id: int
    buyer_id: int | None
    guest_id: int | None
    machine_id: int
    payment: str
    status: str
    client_ref: str | None
    total_cents: int
    created_us: int
    fulfilled_us: int | None
    day: int


class OrderLineRow(NamedTuple):
    order_id: int
    product_id: int
    position: int
    quantity: int
    name: str
    price_cents: int
    seller_id: int | None
    refundable: bool
    tax_basis_points: int
    cost_cents: int
    refunded_quantity: int


class ProductRow(NamedTuple):
    id: int
    name: str
    name_key: str
    price_cents: int
    seller_id: int | None
    refundable: bool
    tax_basis_points: int
    cost_cents: int
    image_id: int | None
    version: int
    created_us: int


class ShelfRow(NamedTuple):
    machine_id: int
    product_id: int
    quantity: int


class RefundRow(NamedTuple):
    id: int
    order_id: int
    amount_cents: int
    actor_id: int | None
    reason: str | None
    created_us: int
    kind: str
    day: int


class RefundLineRow(NamedTuple):
    refund_id: int
    order_id: int
    product_id: int
    quantity: int


class TransferRow(NamedTuple):
    """As the table, but for the accounts: their ids are looked up, or made, when the row is written."""

    id: int
    kind: str
    source_id: AccountRef
    target_id: AccountRef
    amount_cents: int
    order_id: int | None
    refund_id: int | None
    actor_id: int | None
    machine_id: int | None
    reason: str | None
    external_ref: str | None
    created_us: int


class StockMovementRow(NamedTuple):
    kind: str
    machine_id: int
    product_id: int
    quantity: int
    order_id: int | None
    refund_id: int | None
    actor_id: int | None
    reason: str | None
    created_us: int


class CoinMovementRow(NamedTuple):
    machine_id: int
    value_cents: int
    count: int  # type: ignore[assignment]  # the column's name; nobody counts in a row
    transfer_id: int
    actor_id: int | None
    reason: str | None
    created_us: int


class IdempotencyRow(NamedTuple):
    scope: str
    key: str
    fingerprint: bytes
    kind: str
    outcome: str
    order_id: int | None
    refund_id: int | None
    transfer_id: int | None
    created_us: int


class AdminLogRow(NamedTuple):
    actor_id: int | None
    action: str
    subject: str
    before: str | None
    after: str | None
    created_us: int
    version: int


class Standing(NamedTuple):
    """A user who is to be closed, or an admin who would be left."""

    username: str
    email: str | None
    state: UserState
    roles: frozenset[Role]


@dataclass(slots=True)
class SalesAdded:
    """What a batch adds to its day's sales of one product on one machine."""

    sold_quantity: int = 0
    sold_cents: int = 0
    refunded_quantity: int = 0
    refunded_cents: int = 0


@dataclass(slots=True)
class Changes:
    """All that a batch writes: new rows, and what became of the rows that were loaded."""

    users: list[UserRow] = field(default_factory=list)
    products: list[ProductRow] = field(default_factory=list)
    shelves: list[ShelfRow] = field(default_factory=list)
    orders: list[OrderRow] = field(default_factory=list)
    order_lines: list[OrderLineRow] = field(default_factory=list)
    refunds: list[RefundRow] = field(default_factory=list)
    refund_lines: list[RefundLineRow] = field(default_factory=list)
    transfers: list[TransferRow] = field(default_factory=list)
    stock_movements: list[StockMovementRow] = field(default_factory=list)
    coin_movements: list[CoinMovementRow] = field(default_factory=list)
    idempotency: list[IdempotencyRow] = field(default_factory=list)
    admin_log: list[AdminLogRow] = field(default_factory=list)
    # Keys of loaded rows that changed; their new values are on the page.
    balances: set[AccountRef] = field(default_factory=set)
    stocked: set[ShelfRef] = field(default_factory=set)
    boxes: set[tuple[int, int]] = field(default_factory=set)
    revised: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    unnamed: dict[int, str] = field(default_factory=dict)  # products that gave a name up: the key they had
    reordered: set[int] = field(default_factory=set)  # orders whose status or pieces changed
    plans: dict[ShelfRef, ShelfPlan] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)  # users
    # Rows that many share and no rule reads: only what is to be added.
    added_cents: dict[AccountRef, int] = field(default_factory=dict)
    added_coins: dict[tuple[int, int], int] = field(default_factory=dict)
    sales: dict[ShelfRef, SalesAdded] = field(default_factory=dict)

    def any(self) -> bool:
        """Whether there is anything to write."""
        return bool(
            self.transfers
            or self.users
            or self.idempotency
            or self.products
            or self.stock_movements
            or self.revised
            or self.plans
            or self.removed
            or self.reordered
            or self.admin_log
            or self.closed
        )


@dataclass(slots=True)
class Page:
    """The loaded values, as the commands decided so far have left them."""

    now_us: int
    day: int
    new_ids: dict[str, Iterator[int]]
    sessions: dict[int, Session] = field(default_factory=dict)
    balances: dict[AccountRef, int] = field(default_factory=dict)
    tab_limits: dict[int, int | None] = field(default_factory=dict)
    users: set[int] = field(default_factory=set)
    guests: set[int] = field(default_factory=set)
    refunded_us: dict[AccountRef, list[int]] = field(default_factory=dict)  # by buyers themselves, lately
    usernames: set[str] = field(default_factory=set)  # taken
    emails: set[str] = field(default_factory=set)  # taken
    declared: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # (instant, cents), lately
    records: dict[tuple[str, str], IdempotencyRow] = field(default_factory=dict)
    client_refs: dict[tuple[AccountRef, str], int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)
    sellers: dict[int, str] = field(default_factory=dict)
    open_sellers: dict[int, str] = field(default_factory=dict)  # those of `sellers` who still sell
    shelves: dict[ShelfRef, Shelf] = field(default_factory=dict)
    plans: dict[ShelfRef, ShelfPlan] = field(default_factory=dict)  # of machines to be planned, as loaded
    boxes: dict[int, CoinBox] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    gone: set[int | None] = field(default_factory=set)  # who have closed their accounts
    buyers: set[int] = field(default_factory=set)  # those of `users` who buy
    machine_keys: dict[int, bytes | None] = field(default_factory=dict)
    standings: dict[int, Standing] = field(default_factory=dict)
    log_ins: dict[int, list[int]] = field(default_factory=dict)  # sessions of users to close
    earnings: dict[int, int] = field(default_factory=dict)  # of sellers to be paid, as loaded
    earned: dict[int, int] = field(default_factory=dict)  # by users to close, as loaded
    held_back: dict[int, Order] = field(default_factory=dict)  # orders not theirs yet, as loaded
    owed_cents: dict[int, int] = field(default_factory=dict)  # on the tabs of those orders, as loaded
    external_refs: dict[tuple[str, str], int] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)

    def trial(self) -> Page:
        """A copy on which goods may change without the page; `adopt` makes it count."""
        changes = replace(
            self.changes,
            products=list(self.changes.products),
            shelves=list(self.changes.shelves),
            stock_movements=list(self.changes.stock_movements),
            stocked=set(self.changes.stocked),
            revised=set(self.changes.revised),
            unnamed=dict(self.changes.unnamed),
            admin_log=list(self.changes.admin_log),
        )
        return replace(
            self,
            names=dict(self.names),
            products=dict(self.products),
            sellers=dict(self.sellers),
            shelves=dict(self.shelves),
            changes=changes,
        )

    def adopt(self, trial: Page) -> None:
        """What was tried becomes the page."""
        for one in fields(self):
            setattr(self, one.name, getattr(trial, one.name))
