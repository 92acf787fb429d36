"""Guests as reads: what a guest's wallet holds, what guests left behind, and what was written off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select

from tuckshop.context import Shop
from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS
from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.refusals import UnknownGuest
from tuckshop.domain.users import USERNAME_LENGTH_MAX, Actor, Role, check_name, name_key
from tuckshop.identity.guests import require_server, wallet
from tuckshop.store import tables
from tuckshop.store.engine import reading
from tuckshop.till.callers import MachineCaller, SessionCaller

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
class UnclaimedBalance:
    """A guest's money that nothing has moved since `touched_us`."""

    guest_id: int
    name: str
    balance_cents: int
    touched_us: int


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """Money that went from a closed wallet to nobody: a guest's or a user's."""

    transfer_id: int
    guest: str | None
    user_id: int | None
    amount_cents: int
    created_us: int


async def find(shop: Shop, *, caller: SessionCaller | MachineCaller, name: str) -> Guest:
    """The guest of this name and what the wallet holds. Raises as `wallet`."""
    await require_server(shop, caller=caller)
    await wallet(shop, caller=caller, name=name)
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


async def unclaimed(
    shop: Shop, *, actor: Actor, days: int, after_id: int = 0, limit: int = AT_ONCE
) -> list[UnclaimedBalance]:
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
        return [UnclaimedBalance(*row) for row in await connection.execute(query)]


async def written_off(shop: Shop, *, actor: Actor, before_id: int | None, limit: int) -> list[WrittenOff]:
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
        return [WrittenOff(*row) for row in await connection.execute(query)]


def _unclaimed_id() -> Any:
    return select(accounts.c.id).where(accounts.c.kind == AccountKind.UNCLAIMED.value).scalar_subquery()
