"""Money that came to the bank or left it, as the office looks it up: by what the bank calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from sqlalchemy import select

from tuckshop.context import Shop
from tuckshop.domain.ledger import TransferKind
from tuckshop.domain.users import Actor, Role
from tuckshop.store import tables
from tuckshop.store.engine import reading

accounts, transfers, users = tables.accounts, tables.transfers, tables.users

OfBank = Literal[TransferKind.TOPUP, TransferKind.EARNINGS_PAYOUT, TransferKind.SETTLEMENT]


@dataclass(frozen=True, slots=True)
class Referenced:
    """One of them: for whom, how much, and under which reference."""

    id: int
    user_id: int
    username: str
    amount_cents: int
    external_ref: str
    reason: str | None
    created_us: int


async def referenced(
    shop: Shop,
    *,
    actor: Actor,
    kind: OfBank,
    user_id: int | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[Referenced]:
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
        return [Referenced(*row) for row in await connection.execute(query)]
