"""Finding products, and changing them through the till."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, func, insert, select

from tuckshop.domain.accounts import name_key
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.refusals import UnknownImage, UnknownProduct
from tuckshop.services.shop import Shop
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.till.commands import ProductStands

products, shelves, users, images = tables.products, tables.shelves, tables.users, tables.images


async def page(
    shop: Shop, *, after_id: int = 0, limit: int, machine_id: int = DEFAULT_MACHINE_ID
) -> list[ProductStands]:
    """Products on sale by id, those after `after_id`, with their stock on one machine."""
    query = _on_sale(machine_id).where(products.c.id > after_id).order_by(products.c.id).limit(limit)
    async with reading(shop.engine) as connection:
        return [_stands(row) for row in await connection.execute(query)]


async def find(shop: Shop, *, product_id: int, machine_id: int = DEFAULT_MACHINE_ID) -> ProductStands:
    """The product on sale. Raises UnknownProduct."""
    async with reading(shop.engine) as connection:
        row = (
            await connection.execute(_on_sale(machine_id).where(products.c.id == product_id))
        ).one_or_none()
    if row is None:
        raise UnknownProduct(product=product_id)
    return _stands(row)


async def find_by_name(
    shop: Shop, *, name: str, machine_id: int = DEFAULT_MACHINE_ID
) -> ProductStands | None:
    """The product on sale that has this name, if there is one."""
    query = _on_sale(machine_id).where(products.c.name_key == name_key(name))
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else _stands(row)


async def add_image(shop: Shop, *, media_type: str, content: bytes) -> int:
    """Keeps a picture; its id. Products show it once one of them names it."""
    query = insert(images).values(media_type=media_type, content=content, created_us=shop.clock())
    async with writing(shop.engine) as connection:
        image_id: int = (await connection.execute(query.returning(images.c.id))).scalar_one()
    return image_id


async def image(shop: Shop, *, image_id: int) -> tuple[str, bytes]:
    """A picture's media type and content. Raises UnknownImage."""
    query = select(images.c.media_type, images.c.content).where(images.c.id == image_id)
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownImage(image=image_id)
    return row.media_type, row.content


def _on_sale(machine_id: int) -> Select[Any]:
    on_machine = and_(shelves.c.product_id == products.c.id, shelves.c.machine_id == machine_id)
    return (
        select(
            products.c.id,
            products.c.name,
            func.coalesce(shelves.c.price_cents, products.c.price_cents).label("price_cents"),
            func.coalesce(shelves.c.quantity, 0).label("stock"),
            products.c.seller_id,
            users.c.username,
            products.c.refundable,
            products.c.tax_basis_points,
            products.c.cost_cents,
            products.c.image_id,
            products.c.version,
        )
        .outerjoin(shelves, on_machine)
        .outerjoin(users, users.c.id == products.c.seller_id)
        .where(products.c.removed_us.is_(None))
    )


def _stands(row: Any) -> ProductStands:
    return ProductStands(*row)
