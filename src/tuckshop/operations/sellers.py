"""When a seller is paid; paying is the till's."""

from __future__ import annotations

from sqlalchemy import and_, select, update

from tuckshop.context import Shop
from tuckshop.domain.field_problems import OutOfRange
from tuckshop.domain.payables import PAYOUT_DELAY_DAYS_MAX
from tuckshop.domain.refusals import InvalidField, UnknownUser
from tuckshop.domain.users import Actor, Role, UserState
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import writing

users = tables.users


async def set_payout_delay(shop: Shop, *, actor: Actor, user_id: int, days: int | None) -> None:
    """How many days after it was dispensed a sale of the user is paid; None: as the shop's setting says.

    Raises:
        RoleMissing: admins only.
        InvalidField: below 0, or more than a year.
        UnknownUser: there is nobody with this id.
    """
    actor.require(Role.ADMIN)
    if days is not None and not 0 <= days <= PAYOUT_DELAY_DAYS_MAX:
        raise InvalidField(field="days", problem=OutOfRange(0, PAYOUT_DELAY_DAYS_MAX))
    this = and_(users.c.id == user_id, users.c.state != UserState.CLOSED.value)
    async with writing(shop.engine) as connection:
        kept = select(users.c.payout_delay_days).where(this).with_for_update(key_share=True)
        before = (await connection.execute(kept)).one_or_none()
        if before is None:
            raise UnknownUser(user=user_id)
        await connection.execute(update(users).where(this).values(payout_delay_days=days))
        await admin_log.record(
            connection,
            action="user.payout_delay",
            subject=f"user:{user_id}",
            before={"payout_delay_days": before.payout_delay_days},
            after={"payout_delay_days": days},
            actor_id=actor.user_id,
            now_us=shop.clock(),
        )
