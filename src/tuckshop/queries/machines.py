"""Places of sale: making and changing them, their keys, and what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.coins import total_cents
from tuckshop.domain.machines import (
    BoxKind,
    CoinBox,
    CoinInput,
    FulfilMode,
    MachineRules,
    fill_below,
    takes_exact_money_only,
)
from tuckshop.domain.refusals import UnknownMachine
from tuckshop.domain.users import Actor, Role, name_key
from tuckshop.store import tables
from tuckshop.store.engine import reading
from tuckshop.till.commands.base import require_own_machine
from tuckshop.till.commands.machines import ShelfRecord

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
    rules: MachineRules


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
        return await machine_of(connection, shop, await find_row(connection, machine_id))


async def find_by_name(shop: Shop, *, name: str) -> Machine:
    """The machine of this name. Raises UnknownMachine."""
    query = select(*_COLUMNS).where(machines.c.name_key == name_key(name))
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise UnknownMachine(machine=name)
        return await machine_of(connection, shop, row)


def is_low() -> ColumnElement[bool]:
    """Of a row of shelves: whether it is to be filled, by the domain's rule."""
    return shelves.c.quantity < func.coalesce(shelves.c.par_level, fill_below(None))


async def coins(shop: Shop, *, actor: Actor, machine_id: int) -> Coins:
    """What is in a machine's box. Raises RoleMissing, NotOwner, UnknownMachine."""
    _require_reader(actor, machine_id, Role.CASHIER, Role.ADMIN)
    query = select(boxes.c.value_cents, boxes.c.count).where(boxes.c.machine_id == machine_id)
    async with reading(shop.engine) as connection:
        machine = await find_row(connection, machine_id)
        rows = await connection.execute(query.order_by(boxes.c.value_cents.desc()))
        held = {row.value_cents: int(row[1]) for row in rows}
    return Coins(BoxKind(machine.box_kind), held, total_cents(held))


async def shelves_of(
    shop: Shop, *, actor: Actor, machine_id: int, after_id: int = 0, limit: int
) -> list[ShelfRecord]:
    """A machine's shelves with products on sale, by product. Raises RoleMissing, NotOwner, UnknownMachine."""
    _require_reader(actor, machine_id, Role.SELLER, Role.CASHIER, Role.ADMIN)
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
        await find_row(connection, machine_id)
        return [ShelfRecord(*row) for row in await connection.execute(query)]


def _require_reader(actor: Actor, machine_id: int, *roles: Role) -> None:
    """Raises RoleMissing for those without a role, and NotOwner for another machine."""
    if actor.machine_id is None:
        actor.require(*roles)
    else:
        require_own_machine(actor, machine_id)


_COLUMNS = (
    machines.c.id,
    machines.c.name,
    machines.c.timezone,
    machines.c.box_kind,
    machines.c.key_hash.is_not(None).label("has_key"),
    *(machines.c[name] for name in MachineRules._fields),
)


async def find_row(connection: AsyncConnection, machine_id: int) -> Row[Any]:
    """The machine's row, as `machine_of` takes it. Raises UnknownMachine."""
    row = (await connection.execute(select(*_COLUMNS).where(machines.c.id == machine_id))).one_or_none()
    if row is None:
        raise UnknownMachine(machine=machine_id)
    return row


async def machine_of(connection: AsyncConnection, shop: Shop, row: Row[Any]) -> Machine:
    """The machine in a row that `find_row` found."""
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
        rules = MachineRules(
            CoinInput(row.coin_input),
            FulfilMode(row.fulfil),
            row.deposit_cents_max,
            row.hourly_deposit_cents_max,
        )
        found.append(Machine(row.id, row.name, row.timezone, box.kind, bool(row.has_key), exact, rules))
    return found
