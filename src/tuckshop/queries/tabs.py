"""What people owe on their tabs, and how much they may."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, select

from tuckshop.context import Shop
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.refusals import UnknownUser
from tuckshop.domain.users import UserState
from tuckshop.store import tables
from tuckshop.store.engine import reading

users, accounts = tables.users, tables.accounts


@dataclass(frozen=True, slots=True)
class Tab:
    """Who owes how much. `limit_cents` is in force; `own_limit`: it is the user's own, not the shop's."""

    user_id: int
    username: str
    owed_cents: int
    limit_cents: int
    own_limit: bool


async def find(shop: Shop, *, user_id: int) -> Tab:
    """The user's tab, used or not. Raises UnknownUser."""
    found = await _tabs(shop, users.c.id == user_id)
    if not found:
        raise UnknownUser(user=user_id)
    return found[0]


async def page(shop: Shop, *, after_id: int = 0, limit: int = 100) -> list[Tab]:
    """Those who owe something, or may owe by a limit of their own; by id, after `after_id`."""
    concerned = and_(
        users.c.id > after_id, (accounts.c.balance_cents < 0) | users.c.tab_limit_cents.is_not(None)
    )
    return await _tabs(shop, concerned, limit=limit)


async def _tabs(shop: Shop, concerned: ColumnElement[bool], limit: int = 1) -> list[Tab]:
    tab = and_(accounts.c.user_id == users.c.id, accounts.c.kind == AccountKind.TAB.value)
    query = (
        select(users.c.id, users.c.username, accounts.c.balance_cents, users.c.tab_limit_cents)
        .outerjoin(accounts, tab)
        .where(concerned, users.c.state != UserState.CLOSED.value)
        .order_by(users.c.id)
        .limit(limit)
    )
    usual = shop.till.policy.tab_limit_cents
    async with reading(shop.engine) as connection:
        rows = await connection.execute(query)
        return [
            Tab(
                row.id,
                row.username,
                -(row.balance_cents or 0),
                usual if row.tab_limit_cents is None else row.tab_limit_cents,
                row.tab_limit_cents is not None,
            )
            for row in rows
        ]
