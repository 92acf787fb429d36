"""How much a buyer may owe on the tab; settling is the till's."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, or_, select, update

from tuckshop.context import Shop
from tuckshop.domain.field_problems import AmountOutOfRange
from tuckshop.domain.money import PRICE_CENTS_MAX
from tuckshop.domain.refusals import InvalidField, SelfService, UnknownUser
from tuckshop.domain.users import Actor, Role, UserState
from tuckshop.queries.tabs import GRANT, Tab, find
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import writing

users, accounts = tables.users, tables.accounts


async def set_limit(
    shop: Shop, *, actor: Actor, user_id: int, limit_cents: int | None, approved: bool = True
) -> Tab:
    """How much the user may owe; None: as much as the shop's setting says. What is owed stays owed.

    Not `approved`: nobody has said anything of this user any more.

    Raises:
        RoleMissing: admins only.
        SelfService: their own, and there is another cashier or admin.
        InvalidField: below 0, or more than anything may cost.
        UnknownUser: there is nobody with this id.
    """
    actor.require(Role.ADMIN)
    if limit_cents is not None and not 0 <= limit_cents <= PRICE_CENTS_MAX:
        raise InvalidField(field="limit", problem=AmountOutOfRange(0, PRICE_CENTS_MAX))
    given = {"tab_limit_cents": limit_cents, "tab_approved": approved}
    after: dict[str, int | bool | None] = {**given}
    this = and_(users.c.id == user_id, users.c.state != UserState.CLOSED.value)
    async with writing(shop.engine) as connection:
        kept = select(*GRANT).where(this).with_for_update(key_share=True)
        before = (await connection.execute(kept)).one_or_none()
        if before is None:
            raise UnknownUser(user=user_id)
        if user_id == actor.user_id:
            # As the till has it of what somebody borrows: see `till.commands.base.execute_served`.
            if await connection.scalar(select(exists().where(*_colleagues_of(user_id)))):
                raise SelfService(act="user.tab_limit")
            after["for_self"] = True
        await connection.execute(update(users).where(this).values(given))
        await admin_log.record(
            connection,
            action="user.tab_limit",
            subject=f"user:{user_id}",
            before={"tab_limit_cents": before.tab_limit_cents, "tab_approved": before.tab_approved},
            after=after,
            actor_id=actor.user_id,
            now_us=shop.clock(),
        )
    return await find(shop, user_id=user_id)


def _colleagues_of(user_id: int) -> tuple[ColumnElement[bool], ...]:
    is_staff = or_(users.c.is_cashier, users.c.is_admin)
    return is_staff, users.c.state == UserState.ACTIVE.value, users.c.id != user_id
