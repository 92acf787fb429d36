"""The screens of machines: paired browsers, and codes that wait for one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select

from tuckshop.context import Shop
from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.users import Actor, Role
from tuckshop.identity.screens import CODE_SECONDS
from tuckshop.store import tables
from tuckshop.store.engine import reading

screens = tables.screens


@dataclass(frozen=True, slots=True)
class ScreenRecord:
    """A screen; `paired_us` None: its code waits for a browser."""

    id: int
    name: str
    created_us: int
    paired_us: int | None


async def of_machine(shop: Shop, *, actor: Actor, machine_id: int) -> list[ScreenRecord]:
    """Those that are paired, and those whose code still works. Raises RoleMissing."""
    actor.require(Role.ADMIN)
    query = (
        select(screens.c.id, screens.c.name, screens.c.created_us, screens.c.paired_us)
        .where(*is_live(machine_id, now_us=shop.clock()))
        .order_by(screens.c.id)
    )
    async with reading(shop.engine) as connection:
        return [ScreenRecord(*row) for row in await connection.execute(query)]


def is_live(machine_id: int, *, now_us: int) -> tuple[ColumnElement[bool], ...]:
    """Of a row: whether it is a screen of the machine, or a code that still makes one."""
    waits = screens.c.created_us >= now_us - CODE_SECONDS * MICROSECONDS
    return (
        screens.c.machine_id == machine_id,
        screens.c.ended_us.is_(None),
        or_(screens.c.paired_us.is_not(None), waits),
    )
