"""What somebody sells, as the seller sees it: at its own price, with what all machines hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, func, select

from tuckshop.context import Shop
from tuckshop.domain.products import ATTRIBUTES
from tuckshop.domain.refusals import UnknownProduct
from tuckshop.domain.users import name_key
from tuckshop.queries.machines import is_low
from tuckshop.store import tables
from tuckshop.store.engine import reading

waiting = tables.waiting_products
products, shelves, machines, users = tables.products, tables.shelves, tables.machines, tables.users


@dataclass(frozen=True, slots=True)
class ProductOverview:
    """A product as it stands, with all its pieces wherever they are; `removed_us` None: it is on sale.

    `seller` None: it is the house's own.
    """

    product_id: int
    name: str
    price_cents: int
    refundable: bool
    tax_basis_points: int
    cost_cents: int
    image_id: int | None
    category: str | None
    barcode: str | None
    version: int
    removed_us: int | None
    stock: int
    is_low: bool
    seller: str | None
    waiting: bool  # for an admin, since it looks like another seller's


@dataclass(frozen=True, slots=True)
class ShelfStock:
    """What one machine holds of a product; `price_cents` None: at the product's own price."""

    machine_id: int
    machine: str
    slot: str | None
    quantity: int
    price_cents: int | None


async def page(
    shop: Shop,
    *,
    seller_id: int | None,
    keyword: str = "",
    removed: bool = False,
    before_id: int | None = None,
    limit: int,
) -> list[ProductOverview]:
    """The seller's products, newest first, those before `before_id`; with `keyword` in the name.

    `seller_id` None: everybody's, and the house's own, as the office sees them.
    """
    query = _overviews().order_by(products.c.id.desc()).limit(limit)
    if seller_id is not None:
        query = query.where(products.c.seller_id == seller_id)
    query = query.where(products.c.removed_us.is_not(None) if removed else products.c.removed_us.is_(None))
    if keyword:
        query = query.where(products.c.name_key.contains(name_key(keyword), autoescape=True))
    if before_id is not None:
        query = query.where(products.c.id < before_id)
    return await _read(shop, query)


async def low(shop: Shop, *, seller_id: int, limit: int) -> list[ProductOverview]:
    """The seller's products on sale that are low, those with least first."""
    stock, has_low = _stock()
    query = (
        _overviews()
        .where(products.c.seller_id == seller_id, products.c.removed_us.is_(None))
        .having(has_low)
        .order_by(stock, products.c.id)
        .limit(limit)
    )
    return await _read(shop, query)


async def find(shop: Shop, *, product_id: int, seller_id: int | None) -> ProductOverview:
    """The seller's product, on sale or not; `seller_id` None: anybody's.

    Raises UnknownProduct for none, and for those of others.
    """
    query = _overviews().where(products.c.id == product_id)
    found = await _read(shop, query if seller_id is None else query.where(products.c.seller_id == seller_id))
    if not found:
        raise UnknownProduct(product=product_id)
    return found[0]


async def shelves_of(shop: Shop, *, product_id: int) -> list[ShelfStock]:
    """The machines that have a shelf for the product, by id."""
    query = (
        select(machines.c.id, machines.c.name, shelves.c.slot, shelves.c.quantity, shelves.c.price_cents)
        .join(machines, machines.c.id == shelves.c.machine_id)
        .where(shelves.c.product_id == product_id)
        .order_by(machines.c.id)
    )
    async with reading(shop.engine) as connection:
        return [ShelfStock(*row) for row in await connection.execute(query)]


def _stock() -> tuple[Any, Any]:
    """All pieces of a product, and whether any of its shelves is low."""
    stock = func.coalesce(func.sum(shelves.c.quantity), 0)
    return stock, func.count().filter(is_low()) > 0


def _overviews() -> Select[Any]:
    stock, has_low = _stock()
    return (
        select(
            products.c.id.label("product_id"),
            *(products.c[name] for name in ATTRIBUTES),
            products.c.version,
            products.c.removed_us,
            stock.label("stock"),
            has_low.label("is_low"),
            users.c.username.label("seller"),
            exists().where(waiting.c.product_id == products.c.id).label("waiting"),
        )
        .outerjoin(shelves, shelves.c.product_id == products.c.id)
        .outerjoin(users, users.c.id == products.c.seller_id)
        .group_by(products.c.id, users.c.id)
    )


async def _read(shop: Shop, query: Select[Any]) -> list[ProductOverview]:
    async with reading(shop.engine) as connection:
        rows = (await connection.execute(query)).mappings().all()
    # PostgreSQL adds up in a decimal, and SQLite has no truth but 1.
    return [
        ProductOverview(
            **{
                **row,
                "stock": int(row["stock"]),
                "is_low": bool(row["is_low"]),
                "waiting": bool(row["waiting"]),
            }
        )
        for row in rows
    ]
