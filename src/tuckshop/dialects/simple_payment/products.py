"""What is on sale, by its name."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from tuckshop.dialects.shared.pagination import LIMIT_MAX, Limit, Offset
from tuckshop.dialects.shared.read_only_fields import require_unchanged
from tuckshop.dialects.simple_payment.common import API, respond
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
from tuckshop.domain.users import HOUSE_NAME
from tuckshop.http.fields import Price, ProductName, ResponseBody, Stock
from tuckshop.http.handlers import delete, describe, get, post, put
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import sessions
from tuckshop.queries import catalogue
from tuckshop.queries.catalogue import Search, Sort
from tuckshop.till.commands.base import Outcome
from tuckshop.till.commands.products import (
    AddProduct,
    ChangeProduct,
    ProductRecord,
    ProductRemoved,
    RemoveProduct,
)

# No product has this id. The till is asked for it where a name is not on sale any more: it still knows the
# answer that an idempotency key stands for.
NO_PRODUCT_ID = 0

PathName = Annotated[
    str,
    msgspec.Meta(max_length=PRODUCT_NAME_LENGTH_MAX, description="The product's name; case does not count."),
]


class ProductBody(Body):
    """A new product of the seller."""

    name: ProductName
    cost: Price
    amount: Stock


class ChangeProductBody(Body):
    """What to change. Other fields are accepted, but cannot change."""

    name: ProductName | UnsetType = UNSET
    cost: Price | UnsetType = UNSET
    amount: Stock | UnsetType = UNSET
    id: int | UnsetType = UNSET
    seller: str | UnsetType = UNSET


class ProductResponse(ResponseBody):
    """A product on sale, and its seller's name: `house` for those of the shop itself."""

    id: int
    name: str
    cost: int
    amount: int
    seller: str


@get(f"{API}/products", summary="Products", operation=describe("listProducts", login="none"))
async def products(
    request: ShopRequest, limit: Limit = LIMIT_MAX, offset: Offset = 0
) -> list[ProductResponse]:
    """The products on sale, sorted by name."""
    search = Search(limit=limit, offset=offset, sort=Sort.NAME)
    return [_show(one) for one in await catalogue.page(request.shop, search)]


@post(
    f"{API}/products",
    summary="Put a product on sale",
    operation=describe(
        "addProduct",
        RoleMissing,
        InvalidField,
        NameTaken,
        StockTooLarge,
        TooManyProducts,
        TooManyPieces,
        keyed=True,
        body=ProductBody,
    ),
)
async def add_product(request: ShopRequest) -> Response[ProductResponse]:
    """Creates a product of the seller."""
    caller = request.caller
    data = await request.parsed(ProductBody)
    outcome = await request.execute(AddProduct(caller, data.name, data.cost, data.amount))
    return respond(outcome, ProductRecord, _show, status=201)


_PRODUCT = f"{API}/product/{{name:str}}"


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
async def change_product(request: ShopRequest, name: PathName) -> Response[ProductResponse]:
    """Changes name, cost or amount. The amount is recorded as a correction. Its seller only."""
    caller = request.caller
    data = await request.parsed(ChangeProductBody)
    now = await _own(request, name)
    if now is not None:
        require_unchanged(data, id=now.product_id, seller=now.seller or HOUSE_NAME)
    command = ChangeProduct(
        caller,
        NO_PRODUCT_ID if now is None else now.product_id,
        name=None if data.name is UNSET else data.name,
        price_cents=None if data.cost is UNSET else data.cost,
        stock=None if data.amount is UNSET else data.amount,
    )
    outcome = _named(await request.execute(command), name)
    return respond(outcome, ProductRecord, _show, status=200)


@delete(
    _PRODUCT,
    status_code=204,
    summary="Take a product off sale",
    operation=describe("deleteProduct", UnknownProduct, NotOwner, keyed=True),
)
async def remove_product(request: ShopRequest, name: PathName) -> Response[None]:
    """Its seller only."""
    now = await _own(request, name)
    command = RemoveProduct(request.caller, NO_PRODUCT_ID if now is None else now.product_id)
    outcome = _named(await request.execute(command), name)
    return respond(outcome, ProductRemoved, lambda _: None, status=204)


def _named(outcome: Outcome, name: str) -> Outcome:
    """The outcome; who asked for a product by its name is told so that there is none."""
    if isinstance(outcome.answer, UnknownProduct):
        return Outcome(UnknownProduct(product=name), replayed=outcome.replayed)
    return outcome


async def _own(request: ShopRequest, name: str) -> ProductRecord | None:
    """The product of this name, if it is on sale. Raises NotOwner: here, admins change nobody's."""
    now = await catalogue.find_by_name(request.shop, name=name)
    if now is not None:
        actor = await sessions.actor(request.shop, caller=request.caller)
        if now.seller_id != actor.user_id:
            raise NotOwner(thing="product")
    return now


def _show(product: ProductRecord) -> ProductResponse:
    return ProductResponse(
        id=product.product_id,
        name=product.name,
        cost=product.price_cents,
        amount=product.stock,
        seller=product.seller or HOUSE_NAME,
    )
