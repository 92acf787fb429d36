"""Finding products, and changing them through the till."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple, assert_never

from msgspec import UNSET
from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.products import SUFFIX_LENGTH_MAX, check_product_name, suffixes_between
from tuckshop.domain.refusals import InvalidField, UnknownMachine, UnknownProduct
from tuckshop.domain.users import name_key
from tuckshop.store import tables
from tuckshop.store.engine import reading
from tuckshop.till.commands.products import ProductRecord

machines, products, shelves, users = tables.machines, tables.products, tables.shelves, tables.users
own = shelves.alias("own")  # The shelves with a price of their own: few, and in indexes of their own.
product_suffixes, waiting = tables.product_suffixes, tables.waiting_products

_ALL = 2**62
FEW = 4_000  # Of which a list is sorted in some 15 ms; a walk passes 25 others for each of more.
FEW_LATE = 12_000  # As FEW for late pages, to which a walk is long anyway.


class Sort(StrEnum):
    """In which order products can be listed; equals come in the order of their making, or against it."""

    ID = "id"
    NEWEST = "newest"
    NAME = "name"
    NAME_DOWN = "-name"
    PRICE = "price"
    PRICE_DOWN = "-price"


class Place(NamedTuple):
    """Where a product stands in a list: its id, and its price or the key of its name if sorted by them."""

    product_id: int
    price_cents: int | None = None
    name_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for among the products on sale, and which of those found to tell.

    `keyword`: a part of the name, by the rule that makes names the same; empty finds everything. `category`:
    the whole of it, by the same rule. Stock and prices are those of the machine. `waiting`: products too that
    wait for an admin.
    """

    limit: int
    machine_id: int = DEFAULT_MACHINE_ID
    keyword: str = ""
    price_cents_max: int | None = None
    seller_id: int | None = None
    category: str | None = None
    barcode: str | None = None
    in_stock: bool | None = None
    sort: Sort = Sort.ID
    after: Place | None = None
    offset: int = 0
    waiting: bool = False


async def page(shop: Shop, search: Search) -> list[ProductRecord]:
    """The products that a search finds, in its order. Raises UnknownMachine."""
    async with _listing(shop, search) as connection:
        await _require_machine(connection, search.machine_id)
        found = (await _found(connection, search)).subquery("found")
        query = (
            _on_sale(search.machine_id)
            .join(found, found.c.id == products.c.id)
            .order_by(*_order(search.sort, products.c.name_key, _price(), products.c.id))
        )
        return [_record(row) for row in await connection.execute(query)]


async def count(shop: Shop, search: Search) -> int:
    """How many products the search finds on all its pages."""
    whole = replace(search, limit=_ALL, offset=0, after=None, sort=Sort.ID)
    async with _listing(shop, search) as connection:
        found = (await _found(connection, whole)).order_by(None).subquery()
        return await connection.scalar(select(func.count()).select_from(found)) or 0


def place_of(product: ProductRecord, sort: Sort) -> Place:
    """Where the product stands in a list that is sorted so."""
    match sort:
        case Sort.ID | Sort.NEWEST:
            return Place(product.product_id)
        case Sort.NAME | Sort.NAME_DOWN:
            return Place(product.product_id, name_key=name_key(product.name))
        case Sort.PRICE | Sort.PRICE_DOWN:
            return Place(product.product_id, price_cents=product.price_cents)
        case _:
            assert_never(sort)


async def find(shop: Shop, *, product_id: int, machine_id: int = DEFAULT_MACHINE_ID) -> ProductRecord:
    """The product on sale. Raises UnknownMachine, UnknownProduct."""
    async with reading(shop.engine) as connection:
        await _require_machine(connection, machine_id)
        row = (
            await connection.execute(_on_sale(machine_id).where(products.c.id == product_id))
        ).one_or_none()
    if row is None:
        raise UnknownProduct(product=product_id)
    return _record(row)


async def find_by_name(
    shop: Shop, *, name: str, machine_id: int = DEFAULT_MACHINE_ID
) -> ProductRecord | None:
    """The product on sale that has this name, if there is one."""
    try:
        key = name_key(check_product_name(name))
    except InvalidField:  # No product's, and the database might choke on it.
        return None
    query = _on_sale(machine_id).where(products.c.name_key == key)
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else _record(row)


def _listing(shop: Shop, search: Search) -> AbstractAsyncContextManager[AsyncConnection]:
    """Buyers' lists may be a moment old. A seller's own, and an admin's, show what they have just done."""
    is_buyers = search.seller_id is None and not search.waiting
    return shop.reading_late() if is_buyers else reading(shop.engine)


async def _require_machine(connection: AsyncConnection, machine_id: int) -> None:
    if machine_id == DEFAULT_MACHINE_ID:  # Every shop has it: most lists need not ask.
        return
    if await connection.scalar(select(machines.c.id).where(machines.c.id == machine_id)) is None:
        raise UnknownMachine(machine=machine_id)


async def _found(connection: AsyncConnection, search: Search) -> Select[Any]:
    """The query for the ids that a search finds.

    What is true of many products is checked while they are read in the order asked for, until there are
    enough; what is true of few, first of all, and what is found is sorted. That is decided here, by looking
    whether they are few: neither database can know, and a wrong guess costs a look at every product.
    """
    found = await _few(connection, search)
    if found is None:
        return _walked(search, is_lazy=connection.dialect.name == "sqlite")
    few, rest = found
    matching = _matching(rest, _own_or_usual(), few=few).cte("matching").prefix_with("MATERIALIZED")
    columns = matching.c
    key, price_cents = (columns.get(name, columns.id) for name in ("name_key", "price_cents"))
    order = _order(search.sort, key, price_cents, columns.id)
    return select(columns.id).order_by(*order).limit(search.limit).offset(search.offset)


async def _few(connection: AsyncConnection, search: Search) -> tuple[CTE, Search] | None:
    """Products among which are all that are looked for, if there is a condition true of few; and what else
    must be true of them.
    """
    few_max = min(FEW + 3 * search.offset, FEW_LATE)
    for candidates, rest in _candidates(search):
        count = select(func.count()).select_from(candidates.limit(few_max + 1).subquery())
        found = (await connection.execute(count)).scalar_one()
        if found <= few_max:
            few = candidates.cte("few")
            # So few that each is looked up; of more, PostgreSQL may read all products at once instead.
            return (few.prefix_with("MATERIALIZED") if found <= FEW else few), rest
    return None


def _walked(search: Search, *, is_lazy: bool) -> Select[Any]:
    """`is_lazy`: the database merges two lists as far as somebody reads; else it must be told how far."""
    if search.sort not in (Sort.PRICE, Sort.PRICE_DOWN):
        order = _order(search.sort, products.c.name_key, products.c.price_cents, products.c.id)
        price_cents = products.c.price_cents if search.price_cents_max is None else _own_or_usual()
        return _matching(search, price_cents).order_by(*order).limit(search.limit).offset(search.offset)
    # Two lists, each in the order of an index, merged: their common order is in no index.
    usual = (
        _matching(search, products.c.price_cents)
        .outerjoin(own, _has_own(search.machine_id))
        .where(own.c.product_id.is_(None))
    )
    special = _matching(search, own.c.price_cents)
    parts = []
    for part, price_cents in ((usual, products.c.price_cents), (special, own.c.price_cents)):
        listed = part.order_by(*_order(search.sort, products.c.name_key, price_cents, products.c.id))
        listed = listed if is_lazy else listed.limit(search.limit + search.offset)
        parts.append(select(listed.subquery()))
    both = union_all(*parts)
    columns = both.selected_columns
    both = both.order_by(*_order(search.sort, columns.id, columns.price_cents, columns.id))
    return select(both.limit(search.limit).offset(search.offset).subquery().c.id)


def _candidates(search: Search) -> Iterator[tuple[Select[Any], Search]]:
    """For each thing asked for, the products of which it is true, and perhaps some more; and what then is
    left to be looked at.
    """
    if search.keyword:
        key = name_key(search.keyword)
        first, end = suffixes_between(key)
        suffix = product_suffixes.c.suffix
        found = select(product_suffixes.c.product_id).where(suffix >= first)
        found = found if end is None else found.where(suffix < end)
        yield found, replace(search, keyword="") if len(key) <= SUFFIX_LENGTH_MAX else search
    if search.seller_id is not None:
        theirs = select(products.c.id.label("product_id")).where(products.c.seller_id == search.seller_id)
        yield theirs, replace(search, seller_id=None)
    for rest, condition in _labelled(search):
        found = select(products.c.id.label("product_id")).where(products.c.removed_us.is_(None), condition)
        yield found, rest
    if search.price_cents_max is not None:
        limit = search.price_cents_max
        usual = select(products.c.id.label("product_id")).where(
            products.c.removed_us.is_(None), products.c.price_cents <= limit
        )
        special = select(own.c.product_id).where(
            own.c.machine_id == search.machine_id, own.c.price_cents <= limit
        )
        yield select(union_all(usual, special).subquery()), search
    if search.in_stock:
        there = select(shelves.c.product_id).where(
            shelves.c.machine_id == search.machine_id, shelves.c.quantity > 0
        )
        yield there, replace(search, in_stock=None)


def _labelled(search: Search) -> Iterator[tuple[Search, ColumnElement[bool]]]:
    """Conditions on what stands on the product, which an index finds; and what is left to be looked at."""
    if search.barcode is not None:
        yield replace(search, barcode=None), products.c.barcode == search.barcode
    if search.category is not None:
        yield replace(search, category=None), products.c.category_key == name_key(search.category)


def _matching(search: Search, price_cents: ColumnElement[int], *, few: CTE | None = None) -> Select[Any]:
    """What is looked for, behind the place from which to go on; not in order yet."""
    is_by_price = search.sort in (Sort.PRICE, Sort.PRICE_DOWN)
    columns: list[ColumnElement[Any]] = [products.c.id]
    if search.sort in (Sort.NAME, Sort.NAME_DOWN):
        columns.append(products.c.name_key)
    if is_by_price:
        columns.append(price_cents.label("price_cents"))
    query = select(*columns).where(products.c.removed_us.is_(None), *_approved(search))
    if price_cents is own.c.price_cents:
        query = query.join_from(products, own, _has_own(search.machine_id))
    elif price_cents is not products.c.price_cents:
        query = query.outerjoin_from(products, own, _has_own(search.machine_id))
    if search.in_stock is not None:
        query = query.outerjoin(shelves, _on_machine(search.machine_id))
    if few is not None:
        query = query.where(products.c.id.in_(select(few.c.product_id)))
    if search.keyword:
        query = query.where(products.c.name_key.contains(name_key(search.keyword), autoescape=True))
    if search.price_cents_max is not None:
        query = query.where(price_cents <= search.price_cents_max)
    if search.seller_id is not None:
        query = query.where(products.c.seller_id == search.seller_id)
    for _, condition in _labelled(search):
        query = query.where(condition)
    if search.in_stock is not None:
        has_none = or_(shelves.c.quantity == 0, shelves.c.quantity.is_(None))
        # Said of products without a shelf too: SQLite would else begin with all shelves, in no order.
        has_some = func.coalesce(shelves.c.quantity, 0) > 0
        query = query.where(has_some if search.in_stock else has_none)
    return query if search.after is None else query.where(_behind(search.after, search.sort, price_cents))


def _approved(search: Search) -> list[ColumnElement[bool]]:
    return [] if search.waiting else [products.c.id.not_in(select(waiting.c.product_id))]


def _behind(after: Place, sort: Sort, price_cents: ColumnElement[int]) -> ColumnElement[bool]:
    match sort:
        case Sort.ID:
            return products.c.id > after.product_id
        case Sort.NEWEST:
            return products.c.id < after.product_id
        case Sort.NAME:
            return products.c.name_key > after.name_key
        case Sort.NAME_DOWN:
            return products.c.name_key < after.name_key
        case Sort.PRICE:
            return tuple_(price_cents, products.c.id) > tuple_(after.price_cents, after.product_id)
        case Sort.PRICE_DOWN:
            return tuple_(price_cents, products.c.id) < tuple_(after.price_cents, after.product_id)
        case _:
            assert_never(sort)


def _order(
    sort: Sort, key: ColumnElement[Any], price_cents: ColumnElement[int], product_id: ColumnElement[int]
) -> list[ColumnElement[Any]]:
    match sort:
        case Sort.ID:
            return [product_id.asc()]
        case Sort.NEWEST:
            return [product_id.desc()]
        case Sort.NAME:  # No two products on sale have the same.
            return [key.asc()]
        case Sort.NAME_DOWN:
            return [key.desc()]
        case Sort.PRICE:
            return [price_cents.asc(), product_id.asc()]
        case Sort.PRICE_DOWN:
            return [price_cents.desc(), product_id.desc()]
        case _:
            assert_never(sort)


def _on_machine(machine_id: int) -> ColumnElement[bool]:
    return and_(shelves.c.product_id == products.c.id, shelves.c.machine_id == machine_id)


def _has_own(machine_id: int) -> ColumnElement[bool]:
    # All prices are above 0. Asked in these words SQLite looks into the index of those that are there, and
    # not at the shelf of each product without one.
    return and_(own.c.product_id == products.c.id, own.c.machine_id == machine_id, own.c.price_cents > 0)


def _own_or_usual() -> ColumnElement[int]:
    return func.coalesce(own.c.price_cents, products.c.price_cents)


def _price() -> ColumnElement[int]:
    return func.coalesce(shelves.c.price_cents, products.c.price_cents)


def _on_sale(machine_id: int) -> Select[Any]:
    """With the columns of `ProductRecord`, in its order."""
    other: dict[str, ColumnElement[Any]] = {
        "product_id": products.c.id,
        "price_cents": _price().label("price_cents"),
        "stock": func.coalesce(shelves.c.quantity, 0).label("stock"),
        "seller": users.c.username,
        "waiting": exists().where(waiting.c.product_id == products.c.id).label("waiting"),
    }
    return (
        select(
            *(other[name] if name in other else products.c[name] for name in ProductRecord.__struct_fields__)
        )
        .outerjoin(shelves, _on_machine(machine_id))
        .outerjoin(users, users.c.id == products.c.seller_id)
        .where(products.c.removed_us.is_(None))
    )


def _record(row: Any) -> ProductRecord:
    return ProductRecord(*[*row[:-1], True if row.waiting else UNSET])
