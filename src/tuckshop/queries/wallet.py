"""What a wallet holds and how it came to; what a seller has earned."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select

from tuckshop.context import Shop
from tuckshop.domain.coins import fewest, largest_payable_cents
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.refusals import InvalidField, UnknownUser
from tuckshop.domain.users import Actor, Role
from tuckshop.queries import earnings as held_back
from tuckshop.store import tables
from tuckshop.store.engine import reading

users, accounts, transfers = tables.users, tables.accounts, tables.transfers
products, sales = tables.products, tables.sales


@dataclass(frozen=True, slots=True)
class Balance:
    """A wallet's money, the coins it would be paid in, and what its owner owes on the tab."""

    balance_cents: int
    coins: dict[int, int]
    owed_cents: int


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
class Payable:
    """What the shop owes a seller, and how much of it can be paid out now."""

    seller_id: int
    username: str
    balance_cents: int
    payable_cents: int

    @property
    def held_back_cents(self) -> int:
        """What buyers may still give back, or still owe."""
        return max(self.balance_cents - self.payable_cents, 0)


@dataclass(frozen=True, slots=True)
class Earnings:
    """A seller's account. `payable_cents` leaves out what buyers may still give back, or still owe."""

    balance_cents: int
    payable_cents: int
    products: list[ProductEarnings]


async def balance(shop: Shop, *, user_id: int) -> Balance:
    """The user's wallet; 0 for one that never had money."""
    async with reading(shop.engine) as connection:
        cents = await connection.scalar(_balance(AccountKind.WALLET, user_id)) or 0
        owed_cents = -(await connection.scalar(_balance(AccountKind.TAB, user_id)) or 0)
    return Balance(cents, coins_of(shop, cents), owed_cents)


def coins_of(shop: Shop, cents: int) -> dict[int, int]:
    """The coins that so much would be paid in, were there enough of each."""
    values = shop.currency.paid_out_cents
    return fewest(largest_payable_cents(cents, values), dict.fromkeys(values)) or {}


async def balances(shop: Shop, *, user_ids: Collection[int]) -> dict[int, int]:
    """What is in the wallets of these users, for those who have one."""
    query = select(accounts.c.user_id, accounts.c.balance_cents).where(
        accounts.c.user_id.in_(user_ids), accounts.c.kind == AccountKind.WALLET.value
    )
    async with reading(shop.engine) as connection:
        return {row.user_id: row.balance_cents for row in await connection.execute(query)}


def as_coins(shop: Shop, *, amount_cents: int, field: str) -> dict[int, int]:
    """The fewest coins that are worth as much, of those that the shop takes.

    Raises:
        InvalidField: no coins are worth exactly this; `field` names it.
    """
    coins = fewest(amount_cents, dict.fromkeys(shop.currency.accepted_cents))
    if coins is None:
        accepted = ", ".join(map(str, shop.currency.accepted_cents))
        raise InvalidField(field=field, reason=f"must be payable in coins of {accepted}")
    return coins


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
    # Of each day's sales, not of every line there ever was.
    by_product = (
        select(
            products.c.id,
            products.c.name,
            func.sum(sales.c.sold_quantity - sales.c.refunded_quantity),
            func.sum(sales.c.sold_cents - sales.c.refunded_cents),
        )
        .join(sales, sales.c.product_id == products.c.id)
        .where(products.c.seller_id == seller_id)
        .group_by(products.c.id, products.c.name)
        .order_by(products.c.id)
    )
    async with reading(shop.engine) as connection:
        cents = await connection.scalar(_balance(AccountKind.EARNINGS, seller_id)) or 0
        held_cents = (await held_back.cents(connection, shop, [seller_id])).get(seller_id, 0)
        earned = [
            ProductEarnings(product_id, name, int(quantity), int(total))
            for product_id, name, quantity, total in await connection.execute(by_product)
        ]
    return Earnings(cents, max(cents - held_cents, 0), earned)


async def payables(shop: Shop, *, actor: Actor, after_id: int = 0, limit: int) -> list[Payable]:
    """Sellers with earnings above or below 0, by id, those after `after_id`. Raises RoleMissing."""
    return await _payables(shop, actor, users.c.id > after_id, accounts.c.balance_cents != 0, limit=limit)


async def payable(shop: Shop, *, actor: Actor, seller_id: int) -> Payable:
    """What one seller is owed. Raises RoleMissing; UnknownUser for who never sold anything."""
    found = await _payables(shop, actor, users.c.id == seller_id, limit=1)
    if not found:
        raise UnknownUser(user=seller_id)
    return found[0]


async def _payables(shop: Shop, actor: Actor, *where: ColumnElement[bool], limit: int) -> list[Payable]:
    actor.require(Role.CASHIER, Role.ADMIN)
    query = (
        select(users.c.id, users.c.username, accounts.c.balance_cents)
        .join(accounts, accounts.c.user_id == users.c.id)
        .where(accounts.c.kind == AccountKind.EARNINGS.value, *where)
        .order_by(users.c.id)
        .limit(limit)
    )
    async with reading(shop.engine) as connection:
        found = (await connection.execute(query)).all()
        held = await held_back.cents(connection, shop, [row.id for row in found])
    return [
        Payable(seller_id, name, cents, max(cents - held.get(seller_id, 0), 0))
        for seller_id, name, cents in found
    ]


def _balance(kind: AccountKind, user_id: int) -> Any:
    return select(accounts.c.balance_cents).where(
        accounts.c.user_id == user_id, accounts.c.kind == kind.value
    )
