"""What people owe on their tabs, and how much they may; settling is the till's."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, select, update

from tuckshop.context import Shop
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.money import PRICE_CENTS_MAX
from tuckshop.domain.refusals import InvalidField, UnknownUser
from tuckshop.domain.users import Actor, Role, UserState
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import reading, writing

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


async def set_limit(shop: Shop, *, actor: Actor, user_id: int, limit_cents: int | None) -> Tab:
    """How much the user may owe; None: as much as the shop's setting says. What is owed stays owed.

    Raises:
        RoleMissing: admins only.
        InvalidField: below 0, or more than anything may cost.
        UnknownUser: there is nobody with this id.
    """
    actor.require(Role.ADMIN)
    if limit_cents is not None and not 0 <= limit_cents <= PRICE_CENTS_MAX:
        raise InvalidField(field="limit", reason=f"must be from 0 to {PRICE_CENTS_MAX}")
    this = and_(users.c.id == user_id, users.c.state != UserState.CLOSED.value)
    async with writing(shop.engine) as connection:
        kept = select(users.c.tab_limit_cents).where(this).with_for_update(key_share=True)
        before = (await connection.execute(kept)).one_or_none()
        if before is None:
            raise UnknownUser(user=user_id)
        await connection.execute(update(users).where(this).values(tab_limit_cents=limit_cents))
        await admin_log.record(
            connection,
            action="user.tab_limit",
            subject=f"user:{user_id}",
            before={"tab_limit_cents": before.tab_limit_cents},
            after={"tab_limit_cents": limit_cents},
            actor_id=actor.user_id,
            now_us=shop.clock(),
        )
    return await find(shop, user_id=user_id)


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
