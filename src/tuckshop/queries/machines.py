"""Places of sale: making and changing them, their keys, and what is in them."""

from __future__ import annotations

import asyncio
import zoneinfo
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.coins import total_cents
from tuckshop.domain.field_problems import NotATimezone
from tuckshop.domain.machines import (
    BoxKind,
    CoinBox,
    check_machine_name,
    fill_below,
    takes_exact_money_only,
)
from tuckshop.domain.refusals import CoinsOwed, InvalidField, NameTaken, UnknownMachine
from tuckshop.domain.users import Actor, Role, name_key
from tuckshop.identity import devices
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import reading, writing
from tuckshop.till.commands.machines import ShelfRecord

_DEADLOCK = "40P01"
_TRIES = 8  # As often as the till takes a lost race up again.
_PAUSE_SECONDS = 0.01

machines, boxes, shelves, products = tables.machines, tables.coin_boxes, tables.shelves, tables.products


@dataclass(frozen=True, slots=True)
class Machine:
    """A place of sale; never its key."""

    id: int
    name: str
    timezone: str
    box_kind: BoxKind
    has_key: bool
    exact_money_only: bool


@dataclass(frozen=True, slots=True)
class Coins:
    """What a machine's box holds by the books; below 0 what an unlimited one has paid beyond."""

    box_kind: BoxKind
    held: dict[int, int]
    amount_cents: int


async def page(shop: Shop, *, after_id: int = 0, limit: int = 100) -> list[Machine]:
    """Machines by id, those after `after_id`."""
    query = select(*_COLUMNS).where(machines.c.id > after_id).order_by(machines.c.id).limit(limit)
    async with reading(shop.engine) as connection:
        rows = (await connection.execute(query)).all()
        return await _machines(connection, shop, rows)


async def find(shop: Shop, *, machine_id: int) -> Machine:
    """The machine. Raises UnknownMachine."""
    async with reading(shop.engine) as connection:
        return await _machine(connection, shop, await _find(connection, machine_id))


async def find_by_name(shop: Shop, *, name: str) -> Machine:
    """The machine of this name. Raises UnknownMachine."""
    query = select(*_COLUMNS).where(machines.c.name_key == name_key(name))
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise UnknownMachine(machine=name)
        return await _machine(connection, shop, row)


async def add(shop: Shop, *, actor: Actor, name: str, timezone: str, box_kind: BoxKind) -> Machine:
    """A machine with an empty coin box.

    Raises:
        RoleMissing: admins only.
        InvalidField: the name or the timezone is none.
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
    }
    async with writing(shop.engine) as connection:
        try:
            query = insert(machines).values(values).returning(machines.c.id)
            row = await _find(connection, (await connection.execute(query)).scalar_one())
        except IntegrityError:
            raise NameTaken(name=name) from None
        await connection.execute(
            insert(boxes),
            [
                {"machine_id": row.id, "value_cents": value, "box_kind": box_kind.value, "count": 0}
                for value in shop.currency.values_cents
            ],
        )
        await _log(connection, shop, actor, "machine.add", row, after=_told(row))
        return await _machine(connection, shop, row)


async def change(
    shop: Shop,
    *,
    actor: Actor,
    machine_id: int,
    name: str | None = None,
    timezone: str | None = None,
    box_kind: BoxKind | None = None,
) -> Machine:
    """What is named, of a machine.

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

    async def once() -> Machine:
        async with writing(shop.engine) as connection:
            before = await _find(connection, machine_id)
            if not values:
                return await _machine(connection, shop, before)
            query = update(machines).where(machines.c.id == machine_id).values(values)
            try:
                await connection.execute(query)
            except IntegrityError as error:
                if "counted_not_negative" in str(error.orig):
                    raise CoinsOwed(machine=machine_id) from None
                raise NameTaken(name=name or "") from None
            row = await _find(connection, machine_id)
            await _log(connection, shop, actor, "machine.change", row, before=_told(before), after=_told(row))
            return await _machine(connection, shop, row)

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
        row = await _find(connection, machine_id)
        await connection.execute(
            update(machines).where(machines.c.id == machine_id).values(key_hash=devices.hashed(key))
        )
        await _log(connection, shop, actor, "machine.key", row)
    return key


def is_low() -> ColumnElement[bool]:
    """Of a row of shelves: whether it is to be filled, by the domain's rule."""
    return shelves.c.quantity < func.coalesce(shelves.c.par_level, fill_below(None))


async def coins(shop: Shop, *, actor: Actor, machine_id: int) -> Coins:
    """What is in a machine's box. Raises RoleMissing, UnknownMachine."""
    actor.require(Role.CASHIER, Role.ADMIN)
    query = select(boxes.c.value_cents, boxes.c.count).where(boxes.c.machine_id == machine_id)
    async with reading(shop.engine) as connection:
        machine = await _find(connection, machine_id)
        rows = await connection.execute(query.order_by(boxes.c.value_cents.desc()))
        held = {row.value_cents: int(row[1]) for row in rows}
    return Coins(BoxKind(machine.box_kind), held, total_cents(held))


async def shelves_of(
    shop: Shop, *, actor: Actor, machine_id: int, after_id: int = 0, limit: int
) -> list[ShelfRecord]:
    """A machine's shelves with products on sale, by product. Raises RoleMissing, UnknownMachine."""
    actor.require(Role.SELLER, Role.CASHIER, Role.ADMIN)
    query = (
        select(
            shelves.c.product_id,
            products.c.name,
            shelves.c.quantity,
            shelves.c.slot,
            shelves.c.capacity,
            shelves.c.par_level,
            shelves.c.price_cents,
        )
        .join(products, products.c.id == shelves.c.product_id)
        .where(
            shelves.c.machine_id == machine_id,
            shelves.c.product_id > after_id,
            products.c.removed_us.is_(None),
        )
        .order_by(shelves.c.product_id)
        .limit(limit)
    )
    async with reading(shop.engine) as connection:
        await _find(connection, machine_id)
        return [ShelfRecord(*row) for row in await connection.execute(query)]


_COLUMNS = (
    machines.c.id,
    machines.c.name,
    machines.c.timezone,
    machines.c.box_kind,
    machines.c.key_hash.is_not(None).label("has_key"),
)


async def _find(connection: AsyncConnection, machine_id: int) -> Row[Any]:
    row = (await connection.execute(select(*_COLUMNS).where(machines.c.id == machine_id))).one_or_none()
    if row is None:
        raise UnknownMachine(machine=machine_id)
    return row


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


async def _machine(connection: AsyncConnection, shop: Shop, row: Row[Any]) -> Machine:
    (machine,) = await _machines(connection, shop, [row])
    return machine


async def _machines(connection: AsyncConnection, shop: Shop, rows: Sequence[Row[Any]]) -> list[Machine]:
    query = select(boxes.c.machine_id, boxes.c.value_cents, boxes.c.count)
    query = query.where(boxes.c.machine_id.in_([row.id for row in rows]))
    held: dict[int, dict[int, int]] = {row.id: {} for row in rows}
    for machine_id, value, count in await connection.execute(query):
        held[machine_id][value] = int(count)
    values = shop.currency.paid_out_cents
    found = []
    for row in rows:
        box = CoinBox(row.id, BoxKind(row.box_kind), held[row.id])
        exact = takes_exact_money_only(box, values=values)
        found.append(Machine(row.id, row.name, row.timezone, box.kind, bool(row.has_key), exact))
    return found


def _told(row: Row[Any]) -> dict[str, Any]:
    return {"name": row.name, "timezone": row.timezone, "box_kind": row.box_kind}


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
