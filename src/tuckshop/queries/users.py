"""Users as lists: searched by the office, and all of them by id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from tuckshop.context import Shop
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.users import Actor, Role, UserState, name_key
from tuckshop.identity import users
from tuckshop.identity.closed_users import address_hash
from tuckshop.identity.users import User
from tuckshop.store import tables
from tuckshop.store.engine import reading

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)  # Longer ones are beyond every id.

_users, kept = tables.users, tables.accounts


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user, and what is in the wallet."""

    user: User
    balance_cents: int
    created_us: int


async def page(
    shop: Shop,
    *,
    actor: Actor,
    keyword: str = "",
    state: UserState | None = None,
    role: Role | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[UserRecord]:
    """Users whose name or address contains the keyword, or whose number it is; the newest first.

    Without a state, all but the closed; those are found by the whole address that they had. Raises
    RoleMissing: admins only.
    """
    actor.require(Role.ADMIN)
    wallet = and_(kept.c.user_id == _users.c.id, kept.c.kind == AccountKind.WALLET.value)
    query: Select[Any] = (
        select(*users.COLUMNS, kept.c.balance_cents, _users.c.created_us)
        .outerjoin(kept, wallet)
        .order_by(_users.c.id.desc())
        .limit(limit)
    )
    if state is None:
        query = query.where(_users.c.state != UserState.CLOSED.value)
    else:
        query = query.where(_users.c.state == state.value)
    if role is not None:
        query = query.where(_users.c[f"is_{role.value}"])
    if keyword:
        key = name_key(keyword)
        found = [
            column.contains(key, autoescape=True) for column in (_users.c.username_key, _users.c.email_key)
        ]
        if _NUMBER.fullmatch(keyword):
            found.append(_users.c.id == int(keyword))
        if state is UserState.CLOSED and "@" in keyword:
            found.append(_users.c.email_hash == address_hash(shop.tokens, key))
        query = query.where(or_(*found))
    if before_id is not None:
        query = query.where(_users.c.id < before_id)
    async with reading(shop.engine) as connection:
        return [
            UserRecord(users.user_of(row), row.balance_cents or 0, row.created_us)
            for row in await connection.execute(query)
        ]


async def oldest_first(
    shop: Shop, *, after_id: int = 0, limit: int = 100, offset: int = 0, state: UserState | None = None
) -> list[User]:
    """Users by id, those after `after_id` but for the first `offset`; without a state, all but the closed."""
    query = (
        select(*users.COLUMNS).where(_users.c.id > after_id).order_by(_users.c.id).limit(limit).offset(offset)
    )
    if state is None:
        query = query.where(_users.c.state != UserState.CLOSED.value)
    else:
        query = query.where(_users.c.state == state.value)
    async with reading(shop.engine) as connection:
        return [users.user_of(row) for row in await connection.execute(query)]


async def count(shop: Shop) -> int:
    """How many users there are, without the closed."""
    query = select(func.count()).where(_users.c.state != UserState.CLOSED.value)
    async with reading(shop.engine) as connection:
        return await connection.scalar(query) or 0
