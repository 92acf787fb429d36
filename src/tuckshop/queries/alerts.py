"""What staff should see in the office, newest first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import String, cast, literal, select

from tuckshop.context import Shop
from tuckshop.domain.users import Actor, Role
from tuckshop.store import tables
from tuckshop.store.engine import reading

SHOWN_MAX = 8

alerts, machines = tables.alerts, tables.machines


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that came `count` times. `detail`: the newest's refusal, or address. `machine`: its name."""

    kind: str
    detail: str
    count: int
    first_us: int
    last_us: int
    machine_id: int | None
    machine: str | None


async def newest(shop: Shop, *, actor: Actor, limit: int = SHOWN_MAX) -> list[Alert]:
    """The newest, for those who run the shop. Raises RoleMissing."""
    actor.require(Role.CASHIER, Role.ADMIN)
    of_machine = alerts.c.subject == literal("machine:") + cast(machines.c.id, String)
    query = (
        select(alerts.c.kind, alerts.c.detail, alerts.c.count, alerts.c.first_us, alerts.c.last_us)
        .add_columns(machines.c.id, machines.c.name)
        .select_from(alerts.outerjoin(machines, of_machine))
        .order_by(alerts.c.last_us.desc(), alerts.c.kind, alerts.c.subject)
        .limit(limit)
    )
    async with reading(shop.engine) as connection:
        return [Alert(*row) for row in await connection.execute(query)]
