"""What a wallet holds, and how it came to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, or_, select

from tuckshop.context import Shop
from tuckshop.domain.coins import fewest, largest_payable_cents
from tuckshop.domain.field_problems import NotPayableInCoins
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.refusals import InvalidField
from tuckshop.store import tables
from tuckshop.store.engine import reading

accounts, transfers = tables.accounts, tables.transfers


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
        raise InvalidField(field=field, problem=NotPayableInCoins(shop.currency.accepted_cents))
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


def _balance(kind: AccountKind, user_id: int) -> Any:
    return select(accounts.c.balance_cents).where(
        accounts.c.user_id == user_id, accounts.c.kind == kind.value
    )
