"""How people stand in the shop: their roles and states."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.field_problems import StateNotAllowed
from tuckshop.domain.refusals import InvalidField, LastAdmin, UnknownUser
from tuckshop.domain.users import Role, UserState, check_roles
from tuckshop.identity import users
from tuckshop.identity.users import User
from tuckshop.store import tables
from tuckshop.store.engine import writing

_users = tables.users


async def change(
    shop: Shop,
    *,
    user_id: int,
    roles: Iterable[Role] | None = None,
    state: UserState | None = None,
    actor_id: int | None = None,
) -> User:
    """Other roles or another state; a change ends every session of the user.

    Raises:
        UnknownUser: there is nobody with this id.
        InvalidField: no role at all, one twice, or the state `closed`, which is for a whole closing.
        LastAdmin: nobody else could run the shop.
    """
    values: dict[str, Any] = {}
    if roles is not None:
        values |= users.flags_of(check_roles(roles))
    if state is not None:
        if state is UserState.CLOSED:
            raise InvalidField(field="state", problem=StateNotAllowed())
        values["state"] = state.value
    async with writing(shop.engine) as connection:
        return await _change(connection, user_id, values, actor_id, now_us=shop.clock())


async def _change(
    connection: AsyncConnection, user_id: int, values: dict[str, Any], actor_id: int | None, *, now_us: int
) -> User:
    this = select(*users.COLUMNS).where(_users.c.id == user_id, _users.c.state != UserState.CLOSED.value)
    # All admins, in one order: two who strike each other off at once must not both find the other there.
    touched = select(_users.c.id).where(or_(_users.c.id == user_id, _users.c.is_admin)).order_by(_users.c.id)
    await connection.execute(touched.with_for_update(key_share=True))
    before = (await connection.execute(this)).one_or_none()
    if before is None:
        raise UnknownUser(user=user_id)
    changed = {name: value for name, value in values.items() if getattr(before, name, None) != value}
    if not changed:
        return users.user_of(before)
    changing = update(_users).where(_users.c.id == user_id).values(changed).returning(*users.COLUMNS)
    row = (await connection.execute(changing)).one()
    admins = select(func.count()).where(_users.c.is_admin, _users.c.state == UserState.ACTIVE.value)
    if before.is_admin and not await connection.scalar(admins):
        raise LastAdmin
    await users.end_sessions(connection, user_id, now_us=now_us)
    await users.log(
        connection,
        "user.standing",
        row,
        before=users.snapshot_of(before),
        after=users.snapshot_of(row),
        actor_id=actor_id,
        now_us=now_us,
    )
    return users.user_of(row)
