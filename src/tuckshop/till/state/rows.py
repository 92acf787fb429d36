"""Rows as the tables have them, by the names of their columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tuckshop.domain.ledger import AccountKind, AccountRef
from tuckshop.domain.orders import Line, Order, OrderStatus, Payment
from tuckshop.domain.products import Product


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

    def order(self, lines: Iterable[Line]) -> Order:
        """The order that it is the row of."""
        return Order(
            id=self.id,
            wallet=AccountRef(AccountKind.WALLET, self.buyer_id, self.guest_id),
            machine_id=self.machine_id,
            status=OrderStatus(self.status),
            client_ref=self.client_ref,
            total_cents=self.total_cents,
            lines=tuple(lines),
            created_us=self.created_us,
            payment=Payment(self.payment),
            fulfilled_us=self.fulfilled_us,
        )


class OrderLineRow(NamedTuple):
    """A line's own fields are columns."""

    order_id: int
    position: int
    line: Line


class ProductRow(NamedTuple):
    """A product's attributes are columns."""

    product: Product
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

    source: AccountRef
    target: AccountRef
    id: int
    kind: str
    amount_cents: int
    order_id: int | None
    refund_id: int | None
    actor_id: int | None
    machine_id: int | None
    reason: str | None
    external_ref: str | None
    reverses_id: int | None
    created_us: int
    for_self: bool  # by an admin whom nobody else could serve
    external_ref_key: str | None


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


class SalesSum(NamedTuple):
    """What a batch adds to its day's sales of one product on one machine."""

    sold_quantity: int = 0
    sold_cents: int = 0
    refunded_quantity: int = 0
    refunded_cents: int = 0
