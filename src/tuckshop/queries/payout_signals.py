"""What an admin should know of a seller before paying: signs that seller and buyer are one person.

None of them is wrong by itself. Of a seller's buyers those of the newest orders are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.users import Actor, Role
from tuckshop.identity.closed_users import address_hash
from tuckshop.store import tables
from tuckshop.store.engine import reading

ORDERS_LOOKED_AT = 200  # Whoever has sold so often to one person alone has one buyer.

accounts, guests, lines, orders, users = (
    tables.accounts,
    tables.guests,
    tables.order_lines,
    tables.orders,
    tables.users,
)


@dataclass(frozen=True, slots=True)
class Namesake:
    """A closed user who had the seller's email address within a year, and what they still owe."""

    username: str
    owed_cents: int


@dataclass(frozen=True, slots=True)
class Signals:
    """`own_cents`: what the seller bought of themselves. `only_buyer`: the name of the one who bought all."""

    own_cents: int = 0
    only_buyer: str | None = None
    namesakes: tuple[Namesake, ...] = ()


async def of_sellers(shop: Shop, *, actor: Actor, seller_ids: Sequence[int]) -> dict[int, Signals]:
    """Those of each seller. Raises RoleMissing."""
    actor.require(Role.CASHIER, Role.ADMIN)
    async with reading(shop.engine) as connection:
        own = await _own_cents(connection, seller_ids)
        namesakes = await _namesakes(shop, connection, seller_ids)
        return {
            seller_id: Signals(
                own_cents=own.get(seller_id, 0),
                only_buyer=await _only_buyer(connection, seller_id),
                namesakes=tuple(namesakes.get(seller_id, ())),
            )
            for seller_id in seller_ids
        }


async def _own_cents(connection: AsyncConnection, seller_ids: Sequence[int]) -> dict[int, int]:
    left_cents = (lines.c.quantity - lines.c.refunded_quantity) * lines.c.price_cents
    own = (
        select(orders.c.buyer_id, func.sum(left_cents))
        .join(lines, and_(lines.c.order_id == orders.c.id, lines.c.seller_id == orders.c.buyer_id))
        .where(orders.c.buyer_id.in_(seller_ids))
        .group_by(orders.c.buyer_id)
    )
    return {seller_id: int(cents) for seller_id, cents in await connection.execute(own)}


async def _only_buyer(connection: AsyncConnection, seller_id: int) -> str | None:
    newest = (
        select(orders.c.buyer_id, orders.c.guest_id)
        .join(lines, lines.c.order_id == orders.c.id)
        .where(lines.c.seller_id == seller_id)
        .order_by(lines.c.order_id.desc())
        .limit(ORDERS_LOOKED_AT)
        .subquery()
    )
    buyers = (
        select(users.c.username, guests.c.name)
        .select_from(
            newest.outerjoin(users, users.c.id == newest.c.buyer_id).outerjoin(
                guests, guests.c.id == newest.c.guest_id
            )
        )
        .distinct()
        .limit(2)
    )
    found = (await connection.execute(buyers)).all()
    return (found[0].username or found[0].name) if len(found) == 1 else None


async def _namesakes(
    shop: Shop, connection: AsyncConnection, seller_ids: Sequence[int]
) -> dict[int, list[Namesake]]:
    """Of those who are not closed, each has an address of their own; of the others a hash is kept."""
    addresses = select(users.c.id, users.c.email_key).where(
        users.c.id.in_(seller_ids), users.c.email_key.is_not(None)
    )
    hashes = {
        address_hash(shop.tokens, email_key): seller_id
        for seller_id, email_key in await connection.execute(addresses)
    }
    owing = and_(
        accounts.c.user_id == users.c.id,
        accounts.c.kind.in_([AccountKind.EARNINGS.value, AccountKind.TAB.value]),
        accounts.c.balance_cents < 0,
    )
    query = (
        select(users.c.email_hash, users.c.username, func.coalesce(func.sum(-accounts.c.balance_cents), 0))
        .outerjoin(accounts, owing)
        .where(users.c.email_hash.in_(list(hashes)), users.c.email_hash.is_not(None))
        .group_by(users.c.id, users.c.email_hash, users.c.username)
        .order_by(users.c.id)
    )
    found: dict[int, list[Namesake]] = {}
    for digest, username, owed_cents in await connection.execute(query):
        found.setdefault(hashes[bytes(digest)], []).append(Namesake(username, int(owed_cents)))
    return found
