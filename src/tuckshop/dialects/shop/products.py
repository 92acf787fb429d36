"""What is on sale."""

from __future__ import annotations

from tuckshop.dialects.shared.pagination import Counted, Limit, Offset, neighbours
from tuckshop.domain import money
from tuckshop.domain.money import Currency
from tuckshop.domain.refusals import UnknownProduct
from tuckshop.http.fields import PathId, Shown
from tuckshop.http.handlers import get, told
from tuckshop.http.request import Call
from tuckshop.identity import sessions
from tuckshop.queries import catalogue
from tuckshop.queries.catalogue import Search
from tuckshop.till.commands.products import ProductRecord


class ProductShown(Shown):
    """A product on sale, and how many there are."""

    id: int
    name: str
    price: str
    quantity: int


class ProductsShown(Counted):
    """A page of products."""

    results: list[ProductShown]


@get("/api/products", summary="Products", operation=told("listProducts"))
async def products(request: Call, limit: Limit = 100, offset: Offset = 0) -> ProductsShown:
    """What is on sale."""
    await sessions.actor(request.shop, caller=request.caller)
    search = Search(limit=limit, offset=offset)
    found = await catalogue.page(request.shop, search)
    count = await catalogue.count(request.shop, search)
    return ProductsShown(
        results=[_show_product(product, request.shop.currency) for product in found],
        **neighbours(request, count=count, limit=limit, offset=offset),
    )


@get("/api/products/{product_id:int}", summary="A product", operation=told("getProduct", UnknownProduct))
async def product(request: Call, product_id: PathId) -> ProductShown:
    """One that is on sale."""
    await sessions.actor(request.shop, caller=request.caller)
    found = await catalogue.find(request.shop, product_id=product_id)
    return _show_product(found, request.shop.currency)


def _show_product(product: ProductRecord, currency: Currency) -> ProductShown:
    return ProductShown(
        id=product.product_id,
        name=product.name,
        price=money.show(product.price_cents, exponent=currency.exponent),
        quantity=product.stock,
    )
