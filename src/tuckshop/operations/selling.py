"""What an admin allows a seller: more or fewer products, pieces and pictures, and other machines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.field_problems import OutOfRange
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.refusals import InvalidField, UnknownMachine
from tuckshop.domain.selling import QUOTA_MAX, Quota
from tuckshop.domain.users import Actor, Role
from tuckshop.queries import selling
from tuckshop.queries.selling import Selling
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import writing

users, machines = tables.users, tables.machines
quotas, invitations = tables.seller_quotas, tables.invitations


async def change(
    shop: Shop,
    *,
    actor: Actor,
    user_id: int,
    quota: Mapping[str, int | None] | None = None,
    machines: Collection[int] | None = None,
) -> Selling:
    """Other quotas, by the names of `Quota` (None: as for everybody), and exactly these other machines.

    What is there already stays, be it above a quota or at a machine without an invitation.

    Raises:
        RoleMissing: admins only.
        InvalidField: a quota below 0, or too large.
        UnknownUser, UnknownMachine: as they say.
    """
    actor.require(Role.ADMIN)
    for name, value in (quota or {}).items():
        if value is not None and not 0 <= value <= QUOTA_MAX:
            raise InvalidField(field=name, problem=OutOfRange(0, QUOTA_MAX))
    async with writing(shop.engine) as connection:
        # The till locks the seller too: what it counts and allows is decided before this, or after it.
        this = select(users.c.id).where(users.c.id == user_id).with_for_update(key_share=True)
        await connection.execute(this)
        before = await selling.of_user(connection, user_id)
        if quota:
            await _set_quota(connection, before, quota)
        if machines is not None:
            await _set_machines(connection, before, set(machines), now_us=shop.clock())
        after = await selling.of_user(connection, user_id)
        if after != before:
            await admin_log.record(
                connection,
                action="user.selling",
                subject=f"user:{user_id}",
                before=_logged(before),
                after=_logged(after),
                actor_id=actor.user_id,
                now_us=shop.clock(),
            )
    return after


async def _set_quota(connection: AsyncConnection, before: Selling, quota: Mapping[str, int | None]) -> None:
    own = {name: getattr(before.quota, name) for name in before.own} | dict(quota)
    await connection.execute(delete(quotas).where(quotas.c.seller_id == before.user_id))
    if any(value is not None for value in own.values()):
        await connection.execute(insert(quotas).values(seller_id=before.user_id, **own))


async def _set_machines(
    connection: AsyncConnection, before: Selling, wanted: set[int], *, now_us: int
) -> None:
    known = set(await connection.scalars(select(machines.c.id).where(machines.c.id.in_(wanted))))
    for unknown in sorted(wanted - known):
        raise UnknownMachine(machine=unknown)
    wanted.discard(DEFAULT_MACHINE_ID)  # Everybody's.
    ended = set(before.machines) - wanted
    own = invitations.c.seller_id == before.user_id
    await connection.execute(delete(invitations).where(own, invitations.c.machine_id.in_(ended)))
    added = sorted(wanted - set(before.machines))
    if added:
        rows = [{"seller_id": before.user_id, "machine_id": one, "created_us": now_us} for one in added]
        await connection.execute(insert(invitations), rows)


def _logged(found: Selling) -> dict[str, Any]:
    return {**{name: getattr(found.quota, name) for name in Quota._fields}, "machines": list(found.machines)}
