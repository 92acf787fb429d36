"""The products on sale."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from tuckshop.dialects.shared.pagination import Counted, Limit, Offset, neighbours
from tuckshop.dialects.shared.read_only_fields import require_unchanged
from tuckshop.dialects.vending_challenge.common import API, respond
from tuckshop.domain.money import PRICE_CENTS_MAX
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
from tuckshop.http.fields import (
    PathId,
    Price,
    ProductName,
    ResponseBody,
    Stock,
)
from tuckshop.http.handlers import delete, describe, get, patch, post, put
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

COST_STEP_CENTS = 5  # The machine takes and pays no smaller coin.

NewCost = Annotated[
    int, msgspec.Meta(ge=COST_STEP_CENTS, le=PRICE_CENTS_MAX, multiple_of=COST_STEP_CENTS, examples=[150])
]


class ProductBody(Body, rename="camel"):
    """A new product of the seller."""

    product_name: ProductName
    cost: NewCost
    amount_available: Stock


class ChangeProductBody(Body, rename="camel"):
    """What to change. Other fields are accepted, but cannot change."""

    product_name: ProductName | UnsetType = UNSET
    cost: Price | UnsetType = UNSET
    amount_available: Stock | UnsetType = UNSET
    id: int | UnsetType = UNSET
    seller_id: int | UnsetType | None = UNSET


class ProductResponse(ResponseBody, rename="camel"):
    """A product on sale. `sellerId` is null for those of the shop itself."""

    id: int
    product_name: str
    cost: int
    amount_available: int
    seller_id: int | None


class ProductsResponse(Counted):
    """A page of products."""

    results: list[ProductResponse]


_PRODUCTS = [f"{API}/product", "/product"]
_PRODUCT = [f"{API}/product/{{product_id:int}}", "/product/{product_id:int}"]


@get(_PRODUCTS, summary="Products", operation=describe("listProducts", login="none"))
async def products(request: ShopRequest, limit: Limit = 100, offset: Offset = 0) -> ProductsResponse:
    """The products on sale."""
    found = await catalogue.page(request.shop, Search(limit=limit, offset=offset))
    count = await catalogue.count(request.shop, Search(limit=1))
    return ProductsResponse(
        results=[_show_product(product) for product in found],
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
    command = AddProduct(caller, data.product_name, data.cost, data.amount_available)
    return respond(await request.execute(command), ProductRecord, _show_product, status=201)


@get(_PRODUCT, summary="A product", operation=describe("getProduct", UnknownProduct, login="none"))
async def product(request: ShopRequest, product_id: PathId) -> ProductResponse:
    """A product on sale."""
    return _show_product(await catalogue.find(request.shop, product_id=product_id))


async def _change_product(request: ShopRequest, product_id: PathId) -> Response[ProductResponse]:
    """Changes name, cost or stock. The stock is recorded as a correction. Its seller only."""
    caller = request.caller
    data = await request.parsed(ChangeProductBody)
    now = await _own(request, product_id)
    if now is not None:
        require_unchanged(data, id=now.product_id, seller_id=now.seller_id)
    cost = None if data.cost is UNSET or (now is not None and data.cost == now.price_cents) else data.cost
    if cost is not None and cost % COST_STEP_CENTS:
        raise Malformed(("cost", f"must be a multiple of {COST_STEP_CENTS}"))
    command = ChangeProduct(
        caller,
        product_id,
        name=None if data.product_name is UNSET else data.product_name,
        price_cents=cost,
        stock=None if data.amount_available is UNSET else data.amount_available,
    )
    return respond(await request.execute(command), ProductRecord, _show_product, status=200)


_CHANGING = (UnknownProduct, NotOwner, InvalidField, NameTaken, StockTooLarge, TooManyPieces)
replace_product = put(
    _PRODUCT,
    summary="Change a product",
    operation=describe("putProduct", *_CHANGING, keyed=True, body=ChangeProductBody),
)(_change_product)
change_product = patch(
    _PRODUCT,
    summary="Change a product",
    operation=describe("patchProduct", *_CHANGING, keyed=True, body=ChangeProductBody),
)(_change_product)


@delete(
    _PRODUCT,
    status_code=204,
    summary="Take a product off sale",
    operation=describe("deleteProduct", UnknownProduct, NotOwner, keyed=True),
)
async def remove_product(request: ShopRequest, product_id: PathId) -> Response[None]:
    """Its seller only."""
    caller = request.caller
    await _own(request, product_id)
    outcome = await request.execute(RemoveProduct(caller, product_id))
    return respond(outcome, ProductRemoved, lambda _: None, status=204)


async def _own(request: ShopRequest, product_id: int) -> ProductRecord | None:
    """The caller's product; None if it is not on sale, of which the till may still know an answer.

    Raises:
        NotOwner: here, admins change nobody's.
    """
    try:
        now = await catalogue.find(request.shop, product_id=product_id)
    except UnknownProduct:
        return None
    actor = await sessions.actor(request.shop, caller=request.caller)
    if now.seller_id != actor.user_id:
        raise NotOwner(thing="product")
    return now


def _show_product(product: ProductRecord) -> ProductResponse:
    return ProductResponse(
        id=product.product_id,
        product_name=product.name,
        cost=product.price_cents,
        amount_available=product.stock,
        seller_id=product.seller_id,
    )
