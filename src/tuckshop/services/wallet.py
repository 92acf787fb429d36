"""What a wallet holds and how it came to; what a seller has earned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, func, or_, select

from tuckshop.domain.coins import fewest, largest_payable_cents
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.orders import MICROSECONDS
from tuckshop.services.shop import Shop
from tuckshop.store import tables
from tuckshop.store.engine import reading

accounts, transfers = tables.accounts, tables.transfers
orders, lines = tables.orders, tables.order_lines


@dataclass(frozen=True, slots=True)
class Balance:
    """A wallet's money, and the coins it would be paid in."""

    balance_cents: int
    coins: dict[int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an account's statement: above 0 into it, below 0 out of it."""

    id: int
    kind: str
    amount_cents: int
    order_id: int | None
    created_us: int


@dataclass(frozen=True, slots=True)
class ProductEarnings:
    """What one product brought its seller, refunds taken off."""

    product_id: int
    name: str
    quantity: int
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Earnings:
    """A seller's account. `payable_cents` leaves out what buyers may still give back."""

    balance_cents: int
    payable_cents: int
    products: list[ProductEarnings]


async def balance(shop: Shop, *, user_id: int) -> Balance:
    """The user's wallet; 0 for one that never had money."""
    async with reading(shop.engine) as connection:
        cents = await connection.scalar(_balance(AccountKind.WALLET, user_id)) or 0
    values = shop.currency.paid_out_cents
    coins = fewest(largest_payable_cents(cents, values), dict.fromkeys(values)) or {}
    return Balance(cents, coins)


async def entries(
    shop: Shop, *, user_id: int, kind: AccountKind = AccountKind.WALLET, before_id: int | None, limit: int
) -> list[Entry]:
    """The account's transfers, newest first, those before `before_id`."""
    account = (
        select(accounts.c.id).where(accounts.c.user_id == user_id, accounts.c.kind == kind.value)
    ).scalar_subquery()
    signed = case(
        (transfers.c.target_id == account, transfers.c.amount_cents), else_=-transfers.c.amount_cents
    )
    query = (
        select(transfers.c.id, transfers.c.kind, signed, transfers.c.order_id, transfers.c.created_us)
        .where(or_(transfers.c.source_id == account, transfers.c.target_id == account))
        .order_by(transfers.c.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(transfers.c.id < before_id)
    async with reading(shop.engine) as connection:
        return [Entry(*row) for row in await connection.execute(query)]


async def earnings(shop: Shop, *, seller_id: int) -> Earnings:
    """What the seller has earned, in all and by product."""
    sold = lines.c.quantity - lines.c.refunded_quantity
    amount = func.sum(sold * lines.c.price_cents)
    by_product = (
        select(lines.c.product_id, func.max(lines.c.name), func.sum(sold), amount)
        .where(lines.c.seller_id == seller_id)
        .group_by(lines.c.product_id)
        .order_by(lines.c.product_id)
    )
    window_us = shop.till.policy.refund_window_seconds * MICROSECONDS
    still_refundable = (
        select(amount)
        .join(orders, orders.c.id == lines.c.order_id)
        .where(
            and_(
                lines.c.seller_id == seller_id,
                lines.c.refundable,
                orders.c.created_us >= shop.clock() - window_us,
            )
        )
    )
    async with reading(shop.engine) as connection:
        cents = await connection.scalar(_balance(AccountKind.EARNINGS, seller_id)) or 0
        held_back = int(await connection.scalar(still_refundable) or 0)
        products = [
            ProductEarnings(product_id, name, int(quantity), int(total))
            for product_id, name, quantity, total in await connection.execute(by_product)
        ]
    return Earnings(cents, max(cents - held_back, 0), products)


def _balance(kind: AccountKind, user_id: int) -> Any:
    return select(accounts.c.balance_cents).where(
        accounts.c.user_id == user_id, accounts.c.kind == kind.value
    )
