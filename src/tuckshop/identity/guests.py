"""Guests: wallets of people without a log-in, whom a machine knows by a name.

Their names are a namespace of their own: a guest called like a user is somebody else. A name becomes a row
when money is about to come, and a row to which none ever came is deleted after a day.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import delete, exists, func, select
from sqlalchemy.exc import IntegrityError

from tuckshop.context import Shop
from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS
from tuckshop.domain.ledger import AccountKind, AccountRef
from tuckshop.domain.refusals import UnknownGuest
from tuckshop.domain.users import USERNAME_LENGTH_MAX, Actor, Role, check_name, name_key
from tuckshop.identity import devices
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.till.callers import MachineCaller, SessionCaller

KNOWN_MAX = 10_000  # A megabyte, and more than stand before one shop's machines in a day.

CHUNK = 500  # Rows a transaction: on SQLite, sales wait for each.
UNUSED_SECONDS = DAY_SECONDS  # Whoever was about to put money in has done so, or comes as new.

guests, accounts = tables.guests, tables.accounts


def wallet_of(guest_id: int) -> AccountRef:
    """A guest's wallet."""
    return AccountRef(AccountKind.WALLET, None, guest_id)


async def wallet(
    shop: Shop, *, caller: SessionCaller | MachineCaller, name: str, make: bool = False
) -> tuple[SessionCaller | MachineCaller, AccountRef]:
    """The wallet of the guest of this name, and the caller as one who asks for this guest.

    `make`: a name that was never seen becomes a guest; for who then puts money in, at once.

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
    if guest_id is not None:
        return guest_id
    found = await _find(shop, key)
    if found is None:
        if not make:
            raise UnknownGuest(guest=name)
        return await _make(shop, name, key)
    if found.has_wallet:  # One without may be gone tomorrow, and nobody would tell this process.
        if len(shop.guest_ids) >= KNOWN_MAX:
            shop.guest_ids.clear()  # Those who come often are soon known again.
        shop.guest_ids[key] = found.id
    return found.id


async def require_server(shop: Shop, *, caller: SessionCaller | MachineCaller) -> Actor:
    """The machine, cashier or admin who asks. Raises SessionEnded, RoleMissing."""
    actor = await devices.attester(shop, caller=caller)
    if actor.machine_id is None:
        actor.require(Role.CASHIER, Role.ADMIN)
    return actor


async def forget_unused(shop: Shop) -> int:
    """Deletes guests of UNUSED_SECONDS ago to whom no money ever came; how many.

    Those with a wallet stay: the books name them. The newest stays too, or SQLite would give its id again.
    """
    before_us = shop.clock() - UNUSED_SECONDS * MICROSECONDS
    newest = select(func.max(guests.c.id)).scalar_subquery()
    has_wallet = exists().where(accounts.c.guest_id == guests.c.id)
    is_unused = guests.c.created_us < before_us, guests.c.id < newest, ~has_wallet
    forgotten = 0
    while True:
        async with reading(shop.engine) as connection:
            ids = (await connection.scalars(select(guests.c.id).where(*is_unused).limit(CHUNK))).all()
        if not ids:
            return forgotten
        async with writing(shop.engine) as connection:
            # Locked before looking again: money may come at this very moment, and the till locks whom for.
            locked = select(guests.c.id).where(guests.c.id.in_(ids)).order_by(guests.c.id).with_for_update()
            await connection.execute(locked)
            gone = await connection.execute(delete(guests).where(guests.c.id.in_(ids), *is_unused))
        if not gone.rowcount:
            return forgotten
        forgotten += gone.rowcount


class _Found(NamedTuple):
    id: int
    has_wallet: bool


async def _find(shop: Shop, key: str) -> _Found | None:
    query = (
        select(guests.c.id, accounts.c.id.is_not(None))
        .select_from(guests.outerjoin(accounts, accounts.c.guest_id == guests.c.id))
        .where(guests.c.name_key == key)
    )
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else _Found(*row)


async def _make(shop: Shop, name: str, key: str) -> int:
    row = {"name": name, "name_key": key, "created_us": shop.clock()}
    try:
        async with writing(shop.engine) as connection:
            query = guests.insert().values(row).returning(guests.c.id)
            made: int = (await connection.execute(query)).scalar_one()
            return made
    except IntegrityError:  # Somebody else has just made it.
        return await known(shop, name=name)
