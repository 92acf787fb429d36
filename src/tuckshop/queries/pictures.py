"""Pictures of products, as they are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import select

from tuckshop.context import Shop
from tuckshop.domain.refusals import UnknownImage
from tuckshop.queries.orders import OrderStands
from tuckshop.store import tables
from tuckshop.store.engine import reading

if TYPE_CHECKING:
    pass

images, products = tables.images, tables.products


async def find(shop: Shop, *, image_id: int) -> tuple[str, bytes]:
    """A picture's media type and content. Raises UnknownImage."""
    query = select(images.c.media_type, images.c.content).where(images.c.id == image_id)
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownImage(image=image_id)
    return row.media_type, row.content


async def of_orders(shop: Shop, *, orders: Iterable[OrderStands]) -> dict[int, int]:
    """The ids of the pictures that products in these orders show now; those without one are left out."""
    sold = {line.product_id for order in orders for line in order.lines}
    query = select(products.c.id, products.c.image_id).where(
        products.c.id.in_(sold), products.c.image_id.is_not(None)
    )
    async with reading(shop.engine) as connection:
        return {row.id: row.image_id for row in await connection.execute(query)}
