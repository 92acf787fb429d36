"""The products on sale."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from tuckshop.dialects.app_demo import amounts
from tuckshop.dialects.app_demo.common import respond
from tuckshop.dialects.shared.pagination import Counted, Limit, Offset, neighbours
from tuckshop.dialects.shared.read_only_fields import require_unchanged
from tuckshop.domain import money
from tuckshop.domain.money import Currency
from tuckshop.domain.products import PRODUCT_NAME_LENGTH_MAX
from tuckshop.domain.refusals import (
    InvalidField,
    NameTaken,
    NotOwner,
    RoleMissing,
    StockTooLarge,
    TooManyPieces,
    TooManyProducts,
    UnknownProduct,
)
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import PathId, ProductName, ResponseBody
from tuckshop.http.handlers import delete, describe, get, post, put
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import sessions
from tuckshop.queries import catalogue
from tuckshop.queries.catalogue import Search
from tuckshop.till.commands.products import (
    AddProduct,
    ChangeProduct,
    ProductRecord,
    ProductRemoved,
    RemoveProduct,
)

Keyword = Annotated[
    str,
    msgspec.Meta(
        max_length=PRODUCT_NAME_LENGTH_MAX,
        pattern="^[^\\x00]*\\Z",
        description="Part of the name, in capitals or not.",
    ),
]
MaxPrice = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{1,15}(\.[0-9]+)?\Z", description="Nothing that costs more, in major units."
    ),
]


class ProductBody(Body):
    """A new product, sold by the user who creates it."""

    name: ProductName
    price: amounts.Price
    stock: amounts.Stock


class ChangeProductBody(Body):
    """What to change. The id is accepted, but cannot change."""

    name: ProductName | UnsetType = UNSET
    price: amounts.Price | UnsetType = UNSET
    stock: amounts.Stock | UnsetType = UNSET
    id: int | UnsetType = UNSET


class ProductResponse(ResponseBody):
    """A product on sale."""

    id: int
    name: str
    price: str
    stock: int


class ProductsResponse(Counted):
    """A page of products."""

    results: list[ProductResponse]


_PRODUCTS = "/api/product"
_PRODUCT = "/api/product/{product_id:int}"


@get(
    _PRODUCTS,
    summary="Products",
    operation=describe("listProducts", InvalidField),
)
async def products(
    request: ShopRequest,
    max_price: MaxPrice | None = None,
    keyword: Keyword | None = None,
    keywords: Keyword | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> ProductsResponse:
    """The products on sale. `keywords` is an alias of `keyword`."""
    await sessions.actor(request.shop, caller=request.caller)
    if keyword is not None and keywords is not None:
        raise Malformed(("keyword", "and keywords must not be given together"))
    currency = request.shop.currency
    search = Search(
        limit=limit,
        offset=offset,
        keyword=keyword or keywords or "",
        price_cents_max=None
        if max_price is None
        else money.parse(max_price, exponent=currency.exponent, field="max_price"),
    )
    found = await catalogue.page(request.shop, search)
    count = await catalogue.count(request.shop, search)
    return ProductsResponse(
        results=[_show_product(product, currency) for product in found],
        **neighbours(request, count=count, limit=limit, offset=offset),
    )


@post(
    _PRODUCTS,
    summary="Create a product",
    operation=describe(
        "createProduct",
        RoleMissing,
        InvalidField,
        NameTaken,
        TooManyProducts,
        TooManyPieces,
        keyed=True,
        body=ProductBody,
    ),
)
async def add_product(request: ShopRequest) -> Response[ProductResponse]:
    """Creates a product that you sell."""
    caller = request.caller
    data = await request.parsed(ProductBody)
    currency = request.shop.currency
    command = AddProduct(
        caller,
        data.name,
        amounts.read_price(data.price, currency),
        amounts.read_stock(data.stock),
    )
    return respond(
        await request.execute(command), ProductRecord, lambda made: _show_product(made, currency), status=201
    )


@get(_PRODUCT, summary="A product", operation=describe("getProduct", UnknownProduct))
async def product(request: ShopRequest, product_id: PathId) -> ProductResponse:
    """A product on sale."""
    await sessions.actor(request.shop, caller=request.caller)
    found = await catalogue.find(request.shop, product_id=product_id)
    return _show_product(found, request.shop.currency)


@put(
    _PRODUCT,
    summary="Change a product",
    operation=describe(
        "putProduct",
        UnknownProduct,
        NotOwner,
        InvalidField,
        NameTaken,
        StockTooLarge,
        TooManyPieces,
        keyed=True,
        body=ChangeProductBody,
    ),
)
async def change_product(request: ShopRequest, product_id: PathId) -> Response[ProductResponse]:
    """Changes name, price or stock. The stock is recorded as a correction. Seller or admin."""
    caller = request.caller
    data = await request.parsed(ChangeProductBody)
    require_unchanged(data, id=product_id)
    currency = request.shop.currency
    command = ChangeProduct(
        caller,
        product_id,
        name=None if data.name is UNSET else data.name,
        price_cents=None if data.price is UNSET else amounts.read_price(data.price, currency),
        stock=None if data.stock is UNSET else amounts.read_stock(data.stock),
    )
    return respond(
        await request.execute(command), ProductRecord, lambda now: _show_product(now, currency), status=200
    )


@delete(
    _PRODUCT,
    status_code=204,
    summary="Take a product off sale",
    operation=describe("deleteProduct", UnknownProduct, NotOwner, keyed=True),
)
async def remove_product(request: ShopRequest, product_id: PathId) -> Response[None]:
    """Seller or admin."""
    outcome = await request.execute(RemoveProduct(request.caller, product_id))
    return respond(outcome, ProductRemoved, lambda _: None, status=204)


def _show_product(product: ProductRecord, currency: Currency) -> ProductResponse:
    return ProductResponse(
        id=product.product_id,
        name=product.name,
        price=money.show(product.price_cents, exponent=currency.exponent),
        stock=product.stock,
    )
