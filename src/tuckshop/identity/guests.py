"""Guests: wallets of people without a log-in, whom a machine knows by a name; and what they leave behind.

Their names are a namespace of their own: a guest called like a user is somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.ledger import AccountKind, AccountRef, TransferKind
from tuckshop.domain.orders import MICROSECONDS
from tuckshop.domain.refunds import DAY_SECONDS
from tuckshop.domain.refusals import UnknownGuest, WalletTouched
from tuckshop.domain.users import USERNAME_LENGTH_MAX, Actor, Role, check_name, name_key
from tuckshop.identity import devices, sessions
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.till.callers import MachineCaller, SessionCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.transfers import CloseWallet, WalletClosed

KNOWN_MAX = 10_000  # A megabyte, and more than stand before one shop's machines in a day.
AT_ONCE = 100  # Wallets closed one after the other, between two looks at what is left.

guests, accounts, transfers = tables.guests, tables.accounts, tables.transfers


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest, by the name that was first given. `has_wallet`: once money has moved."""

    id: int
    name: str
    balance_cents: int
    has_wallet: bool


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A guest's money that nothing has moved since `touched_us`."""

    guest_id: int
    name: str
    balance_cents: int
    touched_us: int


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """Money that went from a closed wallet to nobody: a guest's or a user's."""

    transfer_id: int
    guest: str | None
    user_id: int | None
    amount_cents: int
    created_us: int


def wallet_of(guest_id: int) -> AccountRef:
    """A guest's wallet."""
    return AccountRef(AccountKind.WALLET, None, guest_id)


async def wallet(
    shop: Shop, *, caller: SessionCaller | MachineCaller, name: str, make: bool = False
) -> tuple[SessionCaller | MachineCaller, AccountRef]:
    """The wallet of the guest of this name, and the caller as one who asks for this guest.

    `make`: a name that was never seen becomes a guest.

    Raises:
        SessionEnded, RoleMissing: only machines, cashiers and admins serve guests.
        InvalidField: what is no name.
        UnknownGuest: nobody of this name was here, and `make` is not wanted.
    """
    name = check_name(name, field="guest", length_max=USERNAME_LENGTH_MAX)
    if name_key(name) not in shop.guest_ids:
        # Whoever may not serve guests must not learn who was here; whom we know by heart, the till guards.
        await require_server(shop, caller=caller)
    guest_id = await known(shop, name=name, make=make)
    if isinstance(caller, MachineCaller):
        caller = caller.serving(guest_id)
    return caller, wallet_of(guest_id)


async def known(shop: Shop, *, name: str, make: bool = False) -> int:
    """The id of the guest of this name, for whoever may know it: see `wallet`.

    Raises:
        UnknownGuest: nobody of this name was here, and `make` is not wanted.
    """
    key = name_key(name)
    guest_id = shop.guest_ids.get(key)
    if guest_id is None:
        guest_id = await _find_or_make(shop, name, key) if make else await _find(shop, name, key)
        if len(shop.guest_ids) >= KNOWN_MAX:
            shop.guest_ids.clear()  # Those who come often are soon known again.
        shop.guest_ids[key] = guest_id
    return guest_id


async def require_server(shop: Shop, *, caller: SessionCaller | MachineCaller) -> Actor:
    """The machine, cashier or admin who asks. Raises SessionEnded, RoleMissing."""
    actor = await devices.witness(shop, caller=caller)
    if actor.machine_id is None:
        actor.require(Role.CASHIER, Role.ADMIN)
    return actor


async def find(shop: Shop, *, caller: SessionCaller | MachineCaller, name: str, make: bool = False) -> Guest:
    """The guest of this name and what the wallet holds. Raises as `wallet`."""
    await require_server(shop, caller=caller)
    await wallet(shop, caller=caller, name=name, make=make)
    return await look_up(shop, name=name)


async def look_up(shop: Shop, *, name: str) -> Guest:
    """The guest of this name, for whoever may know what a guest has: see `find`.

    Raises:
        InvalidField, UnknownGuest: as `wallet`.
    """
    name = check_name(name, field="guest", length_max=USERNAME_LENGTH_MAX)
    query = (
        select(
            guests.c.id,
            guests.c.name,
            func.coalesce(accounts.c.balance_cents, 0),
            accounts.c.id.is_not(None),
        )
        .select_from(guests.outerjoin(accounts, accounts.c.guest_id == guests.c.id))
        .where(guests.c.name_key == name_key(name))
    )
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownGuest(guest=name)
    return Guest(*row)


async def left_behind(
    shop: Shop, *, actor: Actor, days: int, after_id: int = 0, limit: int = AT_ONCE
) -> list[LeftBehind]:
    """Guests whose money nothing has moved for so many days, by id. Raises RoleMissing."""
    actor.require(Role.CASHIER, Role.ADMIN)
    before_us = shop.clock() - days * DAY_SECONDS * MICROSECONDS
    touched = (
        select(func.max(transfers.c.created_us))
        .where(or_(transfers.c.source_id == accounts.c.id, transfers.c.target_id == accounts.c.id))
        .correlate(accounts)
        .scalar_subquery()
    )
    query = (
        select(guests.c.id, guests.c.name, accounts.c.balance_cents, touched)
        .join(accounts, accounts.c.guest_id == guests.c.id)
        .where(guests.c.id > after_id, accounts.c.balance_cents > 0, touched <= before_us)
        .order_by(guests.c.id)
        .limit(limit)
    )
    async with reading(shop.engine) as connection:
        return [LeftBehind(*row) for row in await connection.execute(query)]


async def close_left_behind(shop: Shop, *, caller: SessionCaller, days: int) -> list[WalletClosed]:
    """Money that guests left behind so long ago, to nobody; a wallet that is used meanwhile stays.

    Raises:
        SessionEnded, RoleMissing: admins only.
    """
    actor = await sessions.actor(shop, caller=caller)
    actor.require(Role.ADMIN)
    closed: list[WalletClosed] = []
    after_id = 0
    while found := await left_behind(shop, actor=actor, days=days, after_id=after_id):
        after_id = found[-1].guest_id
        for one in found:
            command = CloseWallet(
                caller, wallet_of(one.guest_id), "left behind", balance_cents=one.balance_cents
            )
            try:
                receipt = (await shop.till.execute(Envelope(command))).receipt()
            except WalletTouched:
                continue
            assert isinstance(receipt, WalletClosed)
            closed.append(receipt)
    return closed


async def unclaimed(shop: Shop, *, actor: Actor, before_id: int | None, limit: int) -> list[Unclaimed]:
    """What nobody claimed so far, newest first, that before `before_id`. Raises RoleMissing."""
    actor.require(Role.CASHIER, Role.ADMIN)
    query = (
        select(
            transfers.c.id,
            guests.c.name,
            accounts.c.user_id,
            transfers.c.amount_cents,
            transfers.c.created_us,
        )
        .join(accounts, accounts.c.id == transfers.c.source_id)
        .outerjoin(guests, guests.c.id == accounts.c.guest_id)
        .where(transfers.c.kind == TransferKind.CLOSE.value, transfers.c.target_id == _unclaimed_id())
        .order_by(transfers.c.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(transfers.c.id < before_id)
    async with reading(shop.engine) as connection:
        return [Unclaimed(*row) for row in await connection.execute(query)]


def _unclaimed_id() -> Any:
    return select(accounts.c.id).where(accounts.c.kind == AccountKind.UNCLAIMED.value).scalar_subquery()


async def _find(shop: Shop, name: str, key: str) -> int:
    async with reading(shop.engine) as connection:
        guest_id = await _id_of(connection, key)
    if guest_id is None:
        raise UnknownGuest(guest=name)
    return guest_id


async def _find_or_make(shop: Shop, name: str, key: str) -> int:
    try:
        async with writing(shop.engine) as connection:
            guest_id = await _id_of(connection, key)
            if guest_id is None:
                row = {"name": name, "name_key": key, "created_us": shop.clock()}
                guest_id = await connection.scalar(guests.insert().values(row).returning(guests.c.id))
    except IntegrityError:  # Somebody else has just made it.
        return await _find(shop, name, key)
    assert guest_id is not None
    return guest_id


async def _id_of(connection: AsyncConnection, key: str) -> int | None:
    return await connection.scalar(select(guests.c.id).where(guests.c.name_key == key))
