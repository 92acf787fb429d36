"""All that a batch writes: new rows, and what became of the rows that were loaded, by noun."""

from __future__ import annotations

from dataclasses import dataclass, field

from tuckshop.domain.ledger import AccountRef
from tuckshop.domain.limits import LimitCounter
from tuckshop.domain.machines import ShelfPlan
from tuckshop.store.admin_log import LogLine
from tuckshop.till.state.groups import Group
from tuckshop.till.state.read_set import ShelfRef
from tuckshop.till.state.rows import (
    CoinMovementRow,
    IdempotencyRow,
    OrderLineRow,
    OrderRow,
    ProductRow,
    RefundLineRow,
    RefundRow,
    SalesSum,
    ShelfRow,
    StockMovementRow,
    TransferRow,
    UserRow,
)


@dataclass(slots=True, repr=False)
class UserChanges(Group):
    added: list[UserRow] = field(default_factory=list)
    closed: dict[int, bytes | None] = field(default_factory=dict)  # what is kept of their addresses


@dataclass(slots=True, repr=False)
class AccountChanges(Group):
    transfers: list[TransferRow] = field(default_factory=list)
    balances: set[AccountRef] = field(default_factory=set)  # locked when they were loaded
    # Balances that many share and no rule reads: only what is to be added.
    added_cents: dict[AccountRef, int] = field(default_factory=dict)


@dataclass(slots=True, repr=False)
class OrderChanges(Group):
    added: list[OrderRow] = field(default_factory=list)
    lines: list[OrderLineRow] = field(default_factory=list)
    refunds: list[RefundRow] = field(default_factory=list)
    refund_lines: list[RefundLineRow] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)  # whose status or pieces changed
    sales: dict[ShelfRef, SalesSum] = field(default_factory=dict)


@dataclass(slots=True, repr=False)
class ProductChanges(Group):
    added: list[ProductRow] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    # Those that gave a name or a barcode up: the key of the name they had.
    renamed: dict[int, str] = field(default_factory=dict)
    looked_at: set[int] = field(default_factory=set)  # that got a name, or were approved
    shelves: list[ShelfRow] = field(default_factory=list)
    quantities: set[ShelfRef] = field(default_factory=set)
    plans: dict[ShelfRef, ShelfPlan] = field(default_factory=dict)
    stock_movements: list[StockMovementRow] = field(default_factory=list)


@dataclass(slots=True, repr=False)
class MachineChanges(Group):
    coin_movements: list[CoinMovementRow] = field(default_factory=list)
    coins: set[tuple[int, int]] = field(default_factory=set)  # (machine, value) of counted boxes
    added_declared: dict[int, int] = field(default_factory=dict)  # cents declared, or counted since
    added_coins: dict[tuple[int, int], int] = field(default_factory=dict)  # of unlimited ones


@dataclass(slots=True, repr=False)
class Changes(Group):
    """Sets hold keys of loaded rows that changed; their new values are in the working set."""

    users: UserChanges = field(default_factory=UserChanges)
    accounts: AccountChanges = field(default_factory=AccountChanges)
    orders: OrderChanges = field(default_factory=OrderChanges)
    products: ProductChanges = field(default_factory=ProductChanges)
    machines: MachineChanges = field(default_factory=MachineChanges)
    limits: set[LimitCounter] = field(default_factory=set)
    idempotency: list[IdempotencyRow] = field(default_factory=list)
    admin_log: list[LogLine] = field(default_factory=list)
