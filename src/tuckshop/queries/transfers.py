"""Transfers as the office looks them up: the bank's by reference, a wallet's newest, any by number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from sqlalchemy import case, func, or_, select

from tuckshop.context import Shop
from tuckshop.domain.ledger import AccountRef, TransferKind
from tuckshop.domain.refusals import UnknownTransfer
from tuckshop.domain.transfers import REVERSIBLE
from tuckshop.domain.users import Actor, Role
from tuckshop.store import tables
from tuckshop.store.engine import reading

accounts, transfers, users, guests = tables.accounts, tables.transfers, tables.users, tables.guests
machines, coin_movements = tables.machines, tables.coin_movements

OfBank = Literal[TransferKind.TOPUP, TransferKind.EARNINGS_PAYOUT, TransferKind.SETTLEMENT]


@dataclass(frozen=True, slots=True)
class BankTransfer:
    """One of them: for whom, how much, and under which reference."""

    id: int
    user_id: int
    username: str
    amount_cents: int
    external_ref: str
    reason: str | None
    created_us: int


@dataclass(frozen=True, slots=True)
class Record:
    """One transfer: whose (a user's, a guest's or neither), where, why, and by whom (None: no user).

    `coins` above 0 into the box, below 0 out of it. `reverses_id`: what it takes back; `reversal_id`: what
    takes it back.
    """

    id: int
    kind: TransferKind
    user_id: int | None
    owner: str | None
    amount_cents: int
    machine: str | None
    external_ref: str | None
    reason: str | None
    actor: str | None
    created_us: int
    reverses_id: int | None
    reversal_id: int | None
    coins: dict[int, int]

    def is_reversible(self, actor: Actor) -> bool:
        """Whether the actor may take it back, as far as the wallet and the box allow."""
        is_own = self.user_id is not None and self.user_id == actor.user_id
        roles = REVERSIBLE.get(self.kind, ())
        return self.reversal_id is None and actor.has(*roles) and (not is_own or actor.has(Role.ADMIN))


@dataclass(frozen=True, slots=True)
class Recent:
    """A movement of a wallet at the counter: above 0 into it, below 0 out of it."""

    id: int
    kind: str
    amount_cents: int
    created_us: int


async def find(shop: Shop, *, actor: Actor, transfer_id: int) -> Record:
    """The transfer. Raises RoleMissing, UnknownTransfer."""
    actor.require(Role.CASHIER, Role.ADMIN)
    source, target = accounts.alias("source"), accounts.alias("target")
    by, back = users.alias("by"), transfers.alias("back")
    user_id = func.coalesce(source.c.user_id, target.c.user_id)
    query = (
        select(
            transfers,
            user_id.label("owner_id"),
            func.coalesce(users.c.username, guests.c.name).label("owner"),
            machines.c.name.label("machine"),
            by.c.username.label("actor"),
            back.c.id.label("reversal_id"),
        )
        .join(source, source.c.id == transfers.c.source_id)
        .join(target, target.c.id == transfers.c.target_id)
        .outerjoin(users, users.c.id == user_id)
        .outerjoin(guests, guests.c.id == func.coalesce(source.c.guest_id, target.c.guest_id))
        .outerjoin(machines, machines.c.id == transfers.c.machine_id)
        .outerjoin(by, by.c.id == transfers.c.actor_id)
        .outerjoin(back, back.c.reverses_id == transfers.c.id)
        .where(transfers.c.id == transfer_id)
    )
    moved = (
        select(coin_movements.c.value_cents, coin_movements.c.count)
        .where(coin_movements.c.transfer_id == transfer_id)
        .order_by(coin_movements.c.value_cents.desc())
    )
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise UnknownTransfer(transfer=transfer_id)
        coins = {row.value_cents: row[1] for row in await connection.execute(moved)}
    return Record(
        id=row.id,
        kind=TransferKind(row.kind),
        user_id=row.owner_id,
        owner=row.owner,
        amount_cents=row.amount_cents,
        machine=row.machine,
        external_ref=row.external_ref,
        reason=row.reason,
        actor=row.actor,
        created_us=row.created_us,
        reverses_id=row.reverses_id,
        reversal_id=row.reversal_id,
        coins=coins,
    )


async def recent(shop: Shop, *, actor: Actor, wallet: AccountRef, limit: int) -> list[Recent]:
    """The newest movements of a wallet that can be reversed, newest first. Raises RoleMissing."""
    actor.require(Role.CASHIER, Role.ADMIN)
    owned = (
        accounts.c.user_id == wallet.user_id
        if wallet.user_id is not None
        else accounts.c.guest_id == wallet.guest_id
    )
    its_id = select(accounts.c.id).where(owned, accounts.c.kind == wallet.kind.value).scalar_subquery()
    signed = case(
        (transfers.c.target_id == its_id, transfers.c.amount_cents), else_=-transfers.c.amount_cents
    )
    query = (
        select(transfers.c.id, transfers.c.kind, signed, transfers.c.created_us)
        .where(
            or_(transfers.c.source_id == its_id, transfers.c.target_id == its_id),
            transfers.c.kind.in_([kind.value for kind in REVERSIBLE]),
        )
        .order_by(transfers.c.id.desc())
        .limit(limit)
    )
    async with reading(shop.engine) as connection:
        return [Recent(*row) for row in await connection.execute(query)]


async def referenced(
    shop: Shop,
    *,
    actor: Actor,
    kind: OfBank,
    user_id: int | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[BankTransfer]:
    """Movements of a kind with a reference, newest first, those before `before_id`; of one user if asked.

    Raises:
        RoleMissing: the actor may not see it.
    """
    actor.require(Role.CASHIER, Role.ADMIN)
    match kind:
        case TransferKind.TOPUP | TransferKind.SETTLEMENT:
            own = transfers.c.target_id
        case TransferKind.EARNINGS_PAYOUT:
            own = transfers.c.source_id
        case unknown:
            assert_never(unknown)
    query = (
        select(
            transfers.c.id,
            users.c.id,
            users.c.username,
            transfers.c.amount_cents,
            transfers.c.external_ref,
            transfers.c.reason,
            transfers.c.created_us,
        )
        .join(accounts, accounts.c.id == own)
        .join(users, users.c.id == accounts.c.user_id)
        # Few transfers have a reference, and so an index finds them.
        .where(transfers.c.kind == kind.value, transfers.c.external_ref.is_not(None))
        .order_by(transfers.c.id.desc())
        .limit(limit)
    )
    if user_id is not None:
        query = query.where(users.c.id == user_id)
    if before_id is not None:
        query = query.where(transfers.c.id < before_id)
    async with reading(shop.engine) as connection:
        return [BankTransfer(*row) for row in await connection.execute(query)]
