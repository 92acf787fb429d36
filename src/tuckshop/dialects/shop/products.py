"""The products on sale."""

from __future__ import annotations

from tuckshop.dialects.shared.pagination import Counted, Limit, Offset, neighbours
from tuckshop.domain import money
from tuckshop.domain.money import Currency
from tuckshop.domain.refusals import UnknownProduct
from tuckshop.http.fields import PathId, ResponseBody
from tuckshop.http.handlers import describe, get
from tuckshop.http.request import ShopRequest
from tuckshop.identity import sessions
from tuckshop.queries import catalogue
from tuckshop.queries.catalogue import Search
from tuckshop.till.commands.products import ProductRecord


class ProductResponse(ResponseBody):
    """A product on sale, and its stock."""

    id: int
    name: str
    price: str
    quantity: int


class ProductsResponse(Counted):
    """A page of products."""

    results: list[ProductResponse]


@get("/api/products", summary="Products", operation=describe("listProducts"))
async def products(request: ShopRequest, limit: Limit = 100, offset: Offset = 0) -> ProductsResponse:
    """The products on sale."""
    await sessions.actor(request.shop, caller=request.caller)
    search = Search(limit=limit, offset=offset)
    found = await catalogue.page(request.shop, search)
    count = await catalogue.count(request.shop, search)
    return ProductsResponse(
        results=[_show_product(product, request.shop.currency) for product in found],
        **neighbours(request, count=count, limit=limit, offset=offset),
    )


@get("/api/products/{product_id:int}", summary="A product", operation=describe("getProduct", UnknownProduct))
async def product(request: ShopRequest, product_id: PathId) -> ProductResponse:
    """A product on sale."""
    await sessions.actor(request.shop, caller=request.caller)
    found = await catalogue.find(request.shop, product_id=product_id)
    return _show_product(found, request.shop.currency)


def _show_product(product: ProductRecord, currency: Currency) -> ProductResponse:
    return ProductResponse(
        id=product.product_id,
        name=product.name,
        price=money.show(product.price_cents, exponent=currency.exponent),
        quantity=product.stock,
    )
