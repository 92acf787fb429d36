"""What admins do with the screens of machines: codes that pair a browser, and ending it."""

from __future__ import annotations

from sqlalchemy import func, insert, select, update

from tuckshop.context import Shop
from tuckshop.domain.machines import check_machine_name
from tuckshop.domain.refusals import TooManyScreens, UnknownScreen
from tuckshop.domain.users import Actor, Role
from tuckshop.identity import screens as identity
from tuckshop.queries import machines
from tuckshop.queries.screens import is_live
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import writing

SCREENS_MAX = 50  # At one machine: a page that shows them all, and no table that anybody fills.

screens = tables.screens


async def new_code(shop: Shop, *, actor: Actor, machine_id: int, name: str) -> str:
    """A code that makes one browser a screen of the machine, within ten minutes; shown this once.

    Raises:
        RoleMissing: admins only.
        InvalidField: what is no name.
        UnknownMachine, TooManyScreens: as they say.
    """
    actor.require(Role.ADMIN)
    name = check_machine_name(name)
    code, secret_hash = identity.new_code()
    async with writing(shop.engine) as connection:
        row = await machines.find_row(connection, machine_id)
        count = await connection.scalar(select(func.count()).where(*is_live(row.id, now_us=shop.clock())))
        if (count or 0) >= SCREENS_MAX:
            raise TooManyScreens(count_max=SCREENS_MAX)
        await connection.execute(
            insert(screens).values(
                machine_id=row.id, name=name, secret_hash=secret_hash, created_us=shop.clock()
            )
        )
        await admin_log.record(
            connection,
            action="screen.add",
            subject=f"machine:{row.id}",
            actor_id=actor.user_id,
            now_us=shop.clock(),
            after={"name": name},
        )
    return code


async def end(shop: Shop, *, actor: Actor, machine_id: int, screen_id: int) -> None:
    """The browser, or the code, is good no more. Ended once, it stays so.

    Raises:
        RoleMissing: admins only.
        UnknownScreen: the machine has none of this number.
    """
    actor.require(Role.ADMIN)
    async with writing(shop.engine) as connection:
        ended = await connection.execute(
            update(screens)
            .where(
                screens.c.id == screen_id,
                screens.c.machine_id == machine_id,
                screens.c.ended_us.is_(None),
            )
            .values(ended_us=shop.clock())
            .returning(screens.c.name)
        )
        name = ended.scalar_one_or_none()
        if name is None:
            raise UnknownScreen(screen=screen_id)
        await admin_log.record(
            connection,
            action="screen.end",
            subject=f"machine:{machine_id}",
            actor_id=actor.user_id,
            now_us=shop.clock(),
            before={"name": name},
        )
