"""What staff should see in the office, newest first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import String, cast, literal, select

from tuckshop.context import Shop
from tuckshop.domain.users import Actor, Role
from tuckshop.store import tables
from tuckshop.store.engine import reading

SHOWN_MAX = 8

notices, machines = tables.notices, tables.machines


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that came `count` times. `detail`: the newest's refusal, or address. `machine`: its name."""

    kind: str
    detail: str
    count: int
    first_us: int
    last_us: int
    machine_id: int | None
    machine: str | None


async def newest(shop: Shop, *, actor: Actor, limit: int = SHOWN_MAX) -> list[Notice]:
    """The newest, for those who run the shop. Raises RoleMissing."""
    actor.require(Role.CASHIER, Role.ADMIN)
    of_machine = notices.c.subject == literal("machine:") + cast(machines.c.id, String)
    query = (
        select(notices.c.kind, notices.c.detail, notices.c.count, notices.c.first_us, notices.c.last_us)
        .add_columns(machines.c.id, machines.c.name)
        .select_from(notices.outerjoin(machines, of_machine))
        .order_by(notices.c.last_us.desc(), notices.c.kind, notices.c.subject)
        .limit(limit)
    )
    async with reading(shop.engine) as connection:
        return [Notice(*row) for row in await connection.execute(query)]
