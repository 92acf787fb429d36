"""What somebody who stands before a machine sees: its shelves, the own money, the own newest purchase."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from tuckshop.context import Shop
from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.ledger import AccountKind, AccountRef
from tuckshop.domain.machines import SHELVES_MAX
from tuckshop.domain.orders import OrderStatus
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.refusals import UnknownGuest
from tuckshop.identity import guests
from tuckshop.identity.screens import Screen
from tuckshop.store import tables
from tuckshop.store.engine import reading
from tuckshop.till.callers import GuestCaller, ScreenCaller

products, shelves, accounts = tables.products, tables.shelves, tables.accounts
orders, lines = tables.orders, tables.order_lines

_NAME_PREFIX = "web "
_NAME_DIGITS = 32  # 128 bits of the hash: nobody finds a secret that leads to somebody else's name.


@dataclass(frozen=True, slots=True)
class ShelfItem:
    """A product on a machine's shelf, as it is sold there. `code` is what is typed to choose it."""

    product_id: int
    name: str
    price_cents: int
    stock: int
    code: str
    image_id: int | None
    category: str | None


@dataclass(frozen=True, slots=True)
class BoughtItem:
    """An order that can be returned until `until_us`."""

    order_id: int
    names: tuple[str, ...]
    until_us: int


async def stocked(shop: Shop, *, machine_id: int, also: Collection[int] = ()) -> list[ShelfItem]:
    """The shelves of a machine, by their codes; the first SHELVES_MAX of them, and the products in `also`.

    A shelf that nobody gave a code gets the next free number.
    """
    query = (
        select(
            products.c.id,
            products.c.name,
            func.coalesce(shelves.c.price_cents, products.c.price_cents),
            shelves.c.quantity,
            shelves.c.slot,
            products.c.image_id,
            products.c.category,
        )
        .join(shelves, shelves.c.product_id == products.c.id)
        .where(shelves.c.machine_id == machine_id, products.c.removed_us.is_(None))
        .where(products.c.id.not_in(select(tables.waiting_products.c.product_id)))
    )
    first = query.order_by(shelves.c.slot.is_(None), shelves.c.slot, products.c.id).limit(SHELVES_MAX)
    async with reading(shop.engine) as connection:
        rows = list(await connection.execute(first))
        missing = set(also) - {row[0] for row in rows}
        if missing:
            rows += list(await connection.execute(query.where(products.c.id.in_(missing))))
    taken = {row.slot for row in rows}
    free = (str(number) for number in range(11, 11 + 2 * len(rows) + 1) if str(number) not in taken)
    found = [
        ShelfItem(product_id, name, price_cents, quantity, next(free) if slot is None else slot, *rest)
        for product_id, name, price_cents, quantity, slot, *rest in rows
    ]
    return sorted(found, key=_by_code)


def guest_name(secret: str) -> str:
    """The name of the guest whose browser keeps this secret; it does not lead back to the secret."""
    return _NAME_PREFIX + hashlib.sha256(secret.encode()).hexdigest()[:_NAME_DIGITS]


async def guest(
    shop: Shop, *, secret: str, screen: Screen | None = None, make: bool = False
) -> tuple[ScreenCaller | GuestCaller, AccountRef] | None:
    """Who asks, and the wallet of the guest whose browser keeps this secret; None if nobody of the kind was
    here, and `make` is not wanted."""
    try:
        guest_id = await guests.known(shop, name=guest_name(secret), make=make)
    except UnknownGuest:
        return None
    caller = GuestCaller(guest_id) if screen is None else screen.serving(guest_id)
    return caller, guests.wallet_of(guest_id)


async def balance_cents(shop: Shop, *, wallet: AccountRef) -> int:
    """What the wallet holds; 0 for one that never had money."""
    query = select(accounts.c.balance_cents).where(
        accounts.c.kind == AccountKind.WALLET.value, _is_owner(wallet, accounts.c)
    )
    async with reading(shop.engine) as connection:
        return await connection.scalar(query) or 0


async def newest_bought(shop: Shop, *, wallet: AccountRef, machine_id: int) -> BoughtItem | None:
    """The wallet's newest order at the machine, if all of it can still be returned by its buyer."""
    policy = shop.till.policy
    if (policy.user_undo if wallet.guest_id is None else policy.guest_undo) is UndoMode.OFF:
        return None
    window_us = policy.refund_window_seconds * MICROSECONDS
    newest = (
        select(orders.c.id, orders.c.fulfilled_us, orders.c.status)
        .where(
            _is_owner(wallet, orders.c, user="buyer_id"),
            orders.c.machine_id == machine_id,
        )
        .order_by(orders.c.id.desc())
        .limit(1)
        .subquery()
    )
    query = (
        select(newest, lines.c.name, lines.c.refundable)
        .join(lines, lines.c.order_id == newest.c.id)
        .order_by(lines.c.position)
    )
    async with reading(shop.engine) as connection:
        rows = list(await connection.execute(query))
    if not rows or rows[0].status != OrderStatus.DISPENSED or not all(row.refundable for row in rows):
        return None
    if rows[0].fulfilled_us < shop.clock() - window_us:
        return None
    return BoughtItem(rows[0].id, tuple(row.name for row in rows), rows[0].fulfilled_us + window_us)


def _by_code(one: ShelfItem) -> tuple[str, int, str]:
    """A2 before A10."""
    letters = one.code.rstrip("0123456789")
    return letters, int(one.code[len(letters) :] or 0), one.code


def _is_owner(wallet: AccountRef, columns: Any, *, user: str = "user_id") -> ColumnElement[bool]:
    if wallet.guest_id is not None:
        is_guests: ColumnElement[bool] = columns.guest_id == wallet.guest_id
        return is_guests
    is_users: ColumnElement[bool] = columns[user] == wallet.user_id
    return is_users
