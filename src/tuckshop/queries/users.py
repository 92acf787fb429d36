"""The people of the shop as the office sees them: searched, the newest first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, or_, select

from tuckshop.context import Shop
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.users import Actor, Role, UserState, name_key
from tuckshop.identity import users as accounts
from tuckshop.identity.users import User
from tuckshop.store import tables
from tuckshop.store.engine import reading

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)  # Longer ones are beyond every id.

users, kept = tables.users, tables.accounts


@dataclass(frozen=True, slots=True)
class Person:
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
) -> list[Person]:
    """Users whose name or address contains the keyword, or whose number it is; the newest first.

    Without a state, all but the closed. Raises RoleMissing: admins only.
    """
    actor.require(Role.ADMIN)
    wallet = and_(kept.c.user_id == users.c.id, kept.c.kind == AccountKind.WALLET.value)
    query: Select[Any] = (
        select(*accounts.COLUMNS, kept.c.balance_cents, users.c.created_us)
        .outerjoin(kept, wallet)
        .order_by(users.c.id.desc())
        .limit(limit)
    )
    if state is None:
        query = query.where(users.c.state != UserState.CLOSED.value)
    else:
        query = query.where(users.c.state == state.value)
    if role is not None:
        query = query.where(users.c[f"is_{role.value}"])
    if keyword:
        key = name_key(keyword)
        found = [
            column.contains(key, autoescape=True) for column in (users.c.username_key, users.c.email_key)
        ]
        if _NUMBER.fullmatch(keyword):
            found.append(users.c.id == int(keyword))
        query = query.where(or_(*found))
    if before_id is not None:
        query = query.where(users.c.id < before_id)
    async with reading(shop.engine) as connection:
        return [
            Person(accounts.user_of(row), row.balance_cents or 0, row.created_us)
            for row in await connection.execute(query)
        ]
