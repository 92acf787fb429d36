"""What people owe on their tabs, and how much they may."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, select

from tuckshop.context import Shop
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.refusals import UnknownUser
from tuckshop.domain.tabs import Grant
from tuckshop.domain.users import UserState
from tuckshop.store import tables
from tuckshop.store.engine import reading

users, accounts = tables.users, tables.accounts
GRANT = (users.c.tab_limit_cents, users.c.tab_approved)


@dataclass(frozen=True, slots=True)
class Tab:
    """Who owes how much. `limit_cents` is in force; `own_limit`: it is the user's own, not the shop's.

    `approved`: an admin has given one or the other.
    """

    user_id: int
    username: str
    owed_cents: int
    limit_cents: int
    own_limit: bool
    approved: bool


async def find(shop: Shop, *, user_id: int) -> Tab:
    """The user's tab, used or not. Raises UnknownUser."""
    found = await _tabs(shop, users.c.id == user_id)
    if not found:
        raise UnknownUser(user=user_id)
    return found[0]


async def page(shop: Shop, *, after_id: int = 0, limit: int = 100) -> list[Tab]:
    """Those who owe something, or whom an admin has approved; by id, after `after_id`."""
    concerned = and_(
        users.c.id > after_id,
        (accounts.c.balance_cents < 0) | users.c.tab_limit_cents.is_not(None) | users.c.tab_approved,
    )
    return await _tabs(shop, concerned, limit=limit)


async def _tabs(shop: Shop, concerned: ColumnElement[bool], limit: int = 1) -> list[Tab]:
    tab = and_(accounts.c.user_id == users.c.id, accounts.c.kind == AccountKind.TAB.value)
    query = (
        select(users.c.id, users.c.username, accounts.c.balance_cents, *GRANT)
        .outerjoin(accounts, tab)
        .where(concerned, users.c.state != UserState.CLOSED.value)
        .order_by(users.c.id)
        .limit(limit)
    )
    policy = shop.till.policy
    async with reading(shop.engine) as connection:
        rows = await connection.execute(query)
        found = [(row, Grant(row.tab_limit_cents, row.tab_approved)) for row in rows]
    return [
        Tab(
            user_id=row.id,
            username=row.username,
            owed_cents=-(row.balance_cents or 0),
            limit_cents=grant.limit(usual_cents=policy.tab_limit_cents, tabs_for=policy.tabs_for),
            own_limit=grant.limit_cents is not None,
            approved=grant.is_given,
        )
        for row, grant in found
    ]
