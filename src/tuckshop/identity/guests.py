"""Guests: wallets of people without a log-in, whom a machine knows by a name.

Their names are a namespace of their own: a guest called like a user is somebody else.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.ledger import AccountKind, AccountRef
from tuckshop.domain.refusals import UnknownGuest
from tuckshop.domain.users import USERNAME_LENGTH_MAX, Actor, Role, check_name, name_key
from tuckshop.identity import devices
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.till.callers import MachineCaller, SessionCaller

KNOWN_MAX = 10_000  # A megabyte, and more than stand before one shop's machines in a day.

guests, accounts, transfers = tables.guests, tables.accounts, tables.transfers


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
    actor = await devices.attester(shop, caller=caller)
    if actor.machine_id is None:
        actor.require(Role.CASHIER, Role.ADMIN)
    return actor


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
