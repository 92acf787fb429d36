"""What sellers have of the shop, how much they may have, and where they sell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.refusals import UnknownUser
from tuckshop.domain.selling import Quota, Use
from tuckshop.domain.users import Actor, Role, UserState
from tuckshop.store import tables
from tuckshop.store.engine import reading

users, products, shelves, images = tables.users, tables.products, tables.shelves, tables.images
quotas, invitations = tables.seller_quotas, tables.invitations


@dataclass(frozen=True, slots=True)
class Selling:
    """A seller's quota and what is used of it. `own`: the parts of it that an admin has set.

    `machines`: those other than the first at which they sell by invitation.
    """

    user_id: int
    quota: Quota
    own: frozenset[str]
    used: Use
    machines: tuple[int, ...]


async def find(shop: Shop, *, actor: Actor, user_id: int) -> Selling:
    """The user's, whether they sell by now or not.

    Raises:
        RoleMissing: neither the user nor an admin asks.
        UnknownUser: there is nobody with this id.
    """
    if actor.user_id != user_id:
        actor.require(Role.ADMIN)
    async with reading(shop.engine) as connection:
        return await of_user(connection, user_id)


async def of_user(connection: AsyncConnection, user_id: int) -> Selling:
    """As `find`, for whoever may know it. Raises UnknownUser."""
    open_user = users.c.id == user_id, users.c.state != UserState.CLOSED.value
    if await connection.scalar(select(users.c.id).where(*open_user)) is None:
        raise UnknownUser(user=user_id)
    row = (await connection.execute(select(quotas).where(quotas.c.seller_id == user_id))).one_or_none()
    own = {} if row is None else {name: getattr(row, name) for name in Quota._fields}
    own = {name: value for name, value in own.items() if value is not None}
    invited = select(invitations.c.machine_id).where(invitations.c.seller_id == user_id)
    return Selling(
        user_id=user_id,
        quota=Quota(**own),
        own=frozenset(own),
        used=Use(*[int(await connection.scalar(query) or 0) for query in _used(user_id)]),
        machines=tuple((await connection.execute(invited.order_by(invitations.c.machine_id))).scalars()),
    )


def _used(user_id: int) -> tuple[Select[Any], ...]:
    """In the order of Use."""
    of_seller = products.c.seller_id == user_id, products.c.removed_us.is_(None)
    shelf, picture = shelves.c.product_id == products.c.id, images.c.id == products.c.image_id
    return (
        select(func.count()).select_from(products).where(*of_seller),
        select(func.sum(shelves.c.quantity)).join(products, shelf).where(*of_seller),
        select(func.sum(func.length(images.c.content))).join(products, picture).where(*of_seller),
    )
