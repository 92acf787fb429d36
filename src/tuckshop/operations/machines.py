"""What admins do with places of sale beside the till: making and changing them, and their keys."""

from __future__ import annotations

import asyncio
import zoneinfo
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Row, insert, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.field_problems import NotATimezone
from tuckshop.domain.machines import BoxKind, MachineRules, check_limit, check_machine_name
from tuckshop.domain.refusals import CoinsOwed, InvalidField, NameTaken
from tuckshop.domain.users import Actor, Role, name_key
from tuckshop.identity import devices
from tuckshop.queries import machines
from tuckshop.queries.machines import Machine
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import writing

_DEADLOCK = "40P01"
_TRIES = 8  # As often as the till takes a lost race up again.
_PAUSE_SECONDS = 0.01

_machines, boxes = tables.machines, tables.coin_boxes


async def add(
    shop: Shop,
    *,
    actor: Actor,
    name: str,
    timezone: str,
    box_kind: BoxKind,
    rules: MachineRules = MachineRules(),  # noqa: B008 - a value that never changes
) -> Machine:
    """A machine with an empty coin box.

    Raises:
        RoleMissing: admins only.
        InvalidField: the name or the timezone is none, or a limit is out of range.
        NameTaken: another machine has it.
    """
    actor.require(Role.ADMIN)
    name = check_machine_name(name)
    values = {
        "name": name,
        "name_key": name_key(name),
        "timezone": _check_timezone(timezone),
        "box_kind": box_kind.value,
        "created_us": shop.clock(),
        **_checked(rules._asdict()),
    }
    async with writing(shop.engine) as connection:
        try:
            query = insert(_machines).values(values).returning(_machines.c.id)
            row = await machines.find_row(connection, (await connection.execute(query)).scalar_one())
        except IntegrityError:
            raise NameTaken(name=name) from None
        await connection.execute(
            insert(boxes),
            [
                {"machine_id": row.id, "value_cents": value, "box_kind": box_kind.value, "count": 0}
                for value in shop.currency.values_cents
            ],
        )
        await _log(connection, shop, actor, "machine.add", row, after=_logged(row))
        return await machines.machine_of(connection, shop, row)


async def change(
    shop: Shop,
    *,
    actor: Actor,
    machine_id: int,
    name: str | None = None,
    timezone: str | None = None,
    box_kind: BoxKind | None = None,
    rules: Mapping[str, Any] | None = None,
) -> Machine:
    """What is named, of a machine; `rules` by the names of `MachineRules`.

    Raises:
        RoleMissing: admins only.
        UnknownMachine, InvalidField, NameTaken: as they say.
        CoinsOwed: the box is below zero in some coin, and was to become a counted one.
    """
    actor.require(Role.ADMIN)
    values: dict[str, Any] = {}
    if name is not None:
        name = check_machine_name(name)
        values |= {"name": name, "name_key": name_key(name)}
    if timezone is not None:
        values["timezone"] = _check_timezone(timezone)
    if box_kind is not None:
        values["box_kind"] = box_kind.value
    values |= _checked(rules or {})

    async def once() -> Machine:
        async with writing(shop.engine) as connection:
            before = await machines.find_row(connection, machine_id)
            if not values:
                return await machines.machine_of(connection, shop, before)
            query = update(_machines).where(_machines.c.id == machine_id).values(values)
            try:
                await connection.execute(query)
            except IntegrityError as error:
                if "counted_not_negative" in str(error.orig):
                    raise CoinsOwed(machine=machine_id) from None
                raise NameTaken(name=name or "") from None
            row = await machines.find_row(connection, machine_id)
            await _log(
                connection, shop, actor, "machine.change", row, before=_logged(before), after=_logged(row)
            )
            return await machines.machine_of(connection, shop, row)

    return await _until_through(once)


async def new_key(shop: Shop, *, actor: Actor, machine_id: int) -> str:
    """A new key for a machine, told this once; the one before is good no more.

    Raises:
        RoleMissing: admins only.
        UnknownMachine: as it says.
    """
    actor.require(Role.ADMIN)
    key = devices.new_key(machine_id)
    async with writing(shop.engine) as connection:
        row = await machines.find_row(connection, machine_id)
        await connection.execute(
            update(_machines).where(_machines.c.id == machine_id).values(key_hash=devices.hashed(key))
        )
        await _log(connection, shop, actor, "machine.key", row)
    return key


async def _until_through(act: Callable[[], Awaitable[Machine]]) -> Machine:
    """Again where the database chose this act to end a deadlock with a till that uses the machine."""
    for number in range(1, _TRIES):
        try:
            return await act()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _DEADLOCK:
                raise
            await asyncio.sleep(_PAUSE_SECONDS * number)
    return await act()


def _checked(rules: Mapping[str, Any]) -> dict[str, Any]:
    """As they are kept. Raises InvalidField."""
    for name in ("deposit_cents_max", "hourly_deposit_cents_max"):
        if name in rules:
            check_limit(rules[name], field=name.removesuffix("_cents_max") + "_max")
    return dict(rules)


def _logged(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("name", "timezone", "box_kind", *MachineRules._fields)}


async def _log(
    connection: AsyncConnection, shop: Shop, actor: Actor, action: str, row: Row[Any], **more: Any
) -> None:
    await admin_log.record(
        connection,
        action=action,
        subject=f"machine:{row.id}",
        actor_id=actor.user_id,
        now_us=shop.clock(),
        **more,
    )


@cache
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _check_timezone(timezone: str) -> str:
    if timezone not in _timezones():
        raise InvalidField(field="timezone", problem=NotATimezone())
    return timezone
