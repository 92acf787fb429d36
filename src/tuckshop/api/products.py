"""/v1/products: what is on sale."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from tuckshop.api.etags import expected_version, tagged
from tuckshop.api.product_cursors import place_behind, product_cursor
from tuckshop.api.requests import Limit, Machine, Page, respond
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.money import PRICE_CENTS_MAX
from tuckshop.domain.products import (
    BARCODE_LENGTH_MAX,
    BARCODE_LENGTH_MIN,
    CATEGORY_LENGTH_MAX,
    PRODUCT_NAME_LENGTH_MAX,
    TAX_BASIS_POINTS_MAX,
)
from tuckshop.domain.refusals import (
    BarcodeTaken,
    InvalidField,
    NameTaken,
    NotOwner,
    RoleMissing,
    SellerNotInvited,
    StockTooLarge,
    TooManyPieces,
    TooManyProducts,
    UnknownMachine,
    UnknownProduct,
)
from tuckshop.domain.users import HOUSE_NAME
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import (
    ID_MAX,
    Id,
    PathId,
    Pieces,
    Price,
    ProductName,
    Reason,
    ResponseBody,
    Stock,
    name_meta,
)
from tuckshop.http.handlers import Router, delete, describe, get, patch, post, put
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries import catalogue
from tuckshop.queries.catalogue import Search, Sort
from tuckshop.till.callers import SessionCaller
from tuckshop.till.commands.products import (
    AddProduct,
    ChangeProduct,
    ProductRecord,
    ProductRemoved,
    RemoveProduct,
    Restock,
)

OFFSET_MAX = 10_000  # Whoever wants to see more goes on by cursor, which costs the same on every page.
Cost = Annotated[int, msgspec.Meta(ge=0, le=PRICE_CENTS_MAX)]
Tax = Annotated[int, msgspec.Meta(ge=0, le=TAX_BASIS_POINTS_MAX)]
Category = Annotated[
    str,
    name_meta(CATEGORY_LENGTH_MAX, example="Drinks", description="Without slashes and invisible characters."),
]
Barcode = Annotated[
    str,
    msgspec.Meta(
        min_length=BARCODE_LENGTH_MIN,
        max_length=BARCODE_LENGTH_MAX,
        description="Letters, digits and hyphens, as printed; unique among the products of a seller on sale.",
        examples=["4006381333931"],
        extra_json_schema={"pattern": "^[0-9A-Za-z-]+$"},
    ),
]
OfCategory = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=CATEGORY_LENGTH_MAX,
        pattern="^[^\\x00]*\\Z",
        description="Only products of this category; case does not count.",
    ),
]
OfBarcode = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=BARCODE_LENGTH_MAX,
        pattern="^[^\\x00]*\\Z",
        description="Only products with exactly this barcode.",
    ),
]
Keyword = Annotated[
    str,
    msgspec.Meta(
        max_length=PRODUCT_NAME_LENGTH_MAX,
        pattern="^[^\\x00]*\\Z",
        description="Part of the name; case does not count. There are no wildcards.",
    ),
]
PriceMax = Annotated[int, msgspec.Meta(ge=1, le=PRICE_CENTS_MAX, description="Maximum price.")]
SellerId = Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, description="Only products of this seller.")]
InStock = Annotated[
    Literal["true", "false"],
    msgspec.Meta(description="`true`: in stock in the machine; `false`: sold out there."),
]
Sorted = Annotated[Sort, msgspec.Meta(description="Sort order; `-` sorts descending.")]
Offset = Annotated[
    int,
    msgspec.Meta(ge=0, le=OFFSET_MAX, description="Number of items to skip; not together with `cursor`."),
]
ProductCursor = Annotated[
    str,
    msgspec.Meta(
        pattern="^[1-9a-z][0-9a-z]{0,11}(\\.[np][A-Za-z0-9_-]{1,1600})?\\Z",
        description="`next` of the previous page, in the same order.",
    ),
]
_CHANGING = (
    UnknownProduct,
    NotOwner,
    SellerNotInvited,
    UnknownMachine,
    InvalidField,
    NameTaken,
    BarcodeTaken,
    StockTooLarge,
    TooManyPieces,
)


class AddProductBody(Body):
    """A new product. `house`: of the shop itself; admins only."""

    name: ProductName
    price: Price
    stock: Stock
    refundable: bool = True
    tax_basis_points: Tax = 0
    cost: Cost = 0
    category: Category | None = None
    barcode: Barcode | None = None
    house: bool = False
    machine: Id = DEFAULT_MACHINE_ID


class ReplaceProductBody(Body):
    """All attributes of a product. Tax and cost stay as they are when left out;
    so do category and barcode, and `null` removes them.
    """

    name: ProductName
    price: Price
    stock: Stock
    refundable: bool = True
    tax_basis_points: Tax | None = None
    cost: Cost | None = None
    category: Category | msgspec.UnsetType | None = msgspec.UNSET
    barcode: Barcode | msgspec.UnsetType | None = msgspec.UNSET
    reason: Reason | None = None
    machine: Id = DEFAULT_MACHINE_ID


class ChangeProductBody(Body):
    """The attributes to change; others stay as they are. `stock` is recorded as a correction.

    `null` removes a category or barcode.
    """

    name: ProductName | None = None
    price: Price | None = None
    stock: Stock | None = None
    refundable: bool | None = None
    tax_basis_points: Tax | None = None
    cost: Cost | None = None
    category: Category | msgspec.UnsetType | None = msgspec.UNSET
    barcode: Barcode | msgspec.UnsetType | None = msgspec.UNSET
    reason: Reason | None = None
    machine: Id = DEFAULT_MACHINE_ID


class StockBody(Body):
    """Either `restock`, pieces to add, or `correct`, the counted pieces."""

    restock: Pieces | msgspec.UnsetType = msgspec.UNSET
    correct: Stock | msgspec.UnsetType = msgspec.UNSET
    reason: Reason | None = None
    machine: Id = DEFAULT_MACHINE_ID


class SellerResponse(ResponseBody):
    """The seller; the shop itself has no id."""

    id: int | None
    username: str


class ProductResponse(ResponseBody):
    """A product on sale; `stock` and `price` on the machine asked for.

    A stored response, repeated by its key, lacks fields that were added later.
    """

    id: int
    name: str
    price: int
    stock: int
    seller: SellerResponse
    refundable: bool
    image: str | None
    version: int
    category: str | msgspec.UnsetType | None = msgspec.UNSET
    barcode: str | msgspec.UnsetType | None = msgspec.UNSET
    # True until an admin approves it, and left out otherwise: the name looks like another seller's.
    waiting: bool | msgspec.UnsetType = msgspec.UNSET


class ProductsResponse(Page):
    """A page of products."""

    items: list[ProductResponse]


def show_product(product: ProductRecord) -> ProductResponse:
    """The product as /v1 shows one."""
    return ProductResponse(
        id=product.product_id,
        name=product.name,
        price=product.price_cents,
        stock=product.stock,
        seller=SellerResponse(id=product.seller_id, username=product.seller or HOUSE_NAME),
        refundable=product.refundable,
        image=None if product.image_id is None else f"/v1/images/{product.image_id}",
        version=product.version,
        category=product.category,
        barcode=product.barcode,
        waiting=product.waiting,
    )


@get(
    "/",
    summary="Products on sale",
    operation=describe("listProducts", UnknownMachine, login="none", tagged=True),
)
async def index(
    request: ShopRequest,
    keyword: Keyword = "",
    max_price: PriceMax | None = None,
    seller: SellerId | None = None,
    category: OfCategory | None = None,
    barcode: OfBarcode | None = None,
    in_stock: InStock | None = None,
    machine: Machine = DEFAULT_MACHINE_ID,
    sort: Sorted = Sort.ID,
    limit: Limit = 50,
    cursor: ProductCursor | None = None,
    offset: Offset | None = None,
) -> Response[ProductsResponse]:
    """Products that match the filters, oldest first by default."""
    if cursor is not None and offset is not None:
        raise Malformed(("offset", "and cursor must not be given together"))
    search = Search(
        limit=limit + 1,
        machine_id=machine,
        keyword=keyword,
        price_cents_max=max_price,
        seller_id=seller,
        category=category,
        barcode=barcode,
        in_stock=None if in_stock is None else in_stock == "true",
        sort=sort,
        after=None if cursor is None else place_behind(cursor, sort),
        offset=offset or 0,
    )
    found = await catalogue.page(request.shop, search)
    items = [show_product(product) for product in found[:limit]]
    more = len(found) > limit
    shown = ProductsResponse(items=items, next=product_cursor(found[limit - 1], sort) if more else None)
    return tagged(request, shown)


@get(
    "/{product_id:int}",
    summary="One product",
    operation=describe("getProduct", UnknownProduct, UnknownMachine, login="none", tagged=True),
)
async def show(
    request: ShopRequest, product_id: PathId, machine: Machine = DEFAULT_MACHINE_ID
) -> Response[ProductResponse]:
    """A product with its ETag, whose first part is the version that `If-Match` compares."""
    shown = show_product(await catalogue.find(request.shop, product_id=product_id, machine_id=machine))
    return tagged(request, shown, version=shown.version)


@post(
    "/",
    summary="Create a product",
    operation=describe(
        "addProduct",
        RoleMissing,
        UnknownMachine,
        InvalidField,
        NameTaken,
        BarcodeTaken,
        SellerNotInvited,
        TooManyProducts,
        TooManyPieces,
        keyed=True,
        body=AddProductBody,
    ),
)
async def add(request: ShopRequest) -> Response[ProductResponse]:
    """Creates a product with its initial stock. Sellers only; admins for the shop itself."""
    caller = request.caller
    data = await request.parsed(AddProductBody)
    command = AddProduct(
        caller,
        name=data.name,
        price_cents=data.price,
        stock=data.stock,
        refundable=data.refundable,
        tax_basis_points=data.tax_basis_points,
        cost_cents=data.cost,
        category=data.category,
        barcode=data.barcode,
        for_house=data.house,
        machine_id=data.machine,
    )
    return await _executed(request, command, status=201)


@put(
    "/{product_id:int}",
    summary="Replace a product's attributes",
    operation=describe("replaceProduct", *_CHANGING, keyed=True, matched=True, body=ReplaceProductBody),
)
async def replace(request: ShopRequest, product_id: PathId) -> Response[ProductResponse]:
    """Replaces all attributes. Owner or admin."""
    caller = request.caller
    data = await request.parsed(ReplaceProductBody)
    return await _executed(request, _change(request, product_id, data, caller), status=200)


@patch(
    "/{product_id:int}",
    summary="Change a product",
    operation=describe("changeProduct", *_CHANGING, keyed=True, matched=True, body=ChangeProductBody),
)
async def change(request: ShopRequest, product_id: PathId) -> Response[ProductResponse]:
    """Changes some attributes, or sets the stock. With `If-Match`, only at that version. Owner or admin."""
    caller = request.caller
    data = await request.parsed(ChangeProductBody)
    return await _executed(request, _change(request, product_id, data, caller), status=200)


@delete(
    "/{product_id:int}",
    status_code=204,
    summary="Take a product off sale",
    operation=describe("removeProduct", UnknownProduct, NotOwner, keyed=True, matched=True),
)
async def remove(request: ShopRequest, product_id: PathId) -> Response[None]:
    """Makes the name available and writes off the stock. Owner or admin."""
    command = RemoveProduct(request.caller, product_id, version=expected_version(request))
    outcome = await request.execute(command)
    return respond(outcome, ProductRemoved, lambda _: None, status=204)


@post(
    "/{product_id:int}/stock",
    status_code=200,
    summary="Refill, or correct the stock",
    operation=describe(
        "changeStock",
        UnknownProduct,
        NotOwner,
        UnknownMachine,
        InvalidField,
        StockTooLarge,
        SellerNotInvited,
        TooManyPieces,
        keyed=True,
        body=StockBody,
    ),
)
async def stock(request: ShopRequest, product_id: PathId) -> Response[ProductResponse]:
    """Adds stock in a machine, or corrects it after a count. Owner or admin."""
    caller = request.caller
    data = await request.parsed(StockBody)
    match data.restock, data.correct:
        case (int(quantity), msgspec.UnsetType()):
            restock = Restock(caller, product_id, quantity, reason=data.reason, machine_id=data.machine)
            return await _executed(request, restock, status=200)
        case (msgspec.UnsetType(), int(target)):
            correction = ChangeProduct(
                caller, product_id, stock=target, reason=data.reason, machine_id=data.machine
            )
            return await _executed(request, correction, status=200)
        case _:
            raise Malformed(("restock", "or correct must be given, not both"))


def _change(
    request: ShopRequest, product_id: int, data: ReplaceProductBody | ChangeProductBody, caller: SessionCaller
) -> ChangeProduct:
    return ChangeProduct(
        caller,
        product_id,
        version=expected_version(request),
        name=data.name,
        price_cents=data.price,
        refundable=data.refundable,
        tax_basis_points=data.tax_basis_points,
        cost_cents=data.cost,
        category=_or_none(data.category),
        barcode=_or_none(data.barcode),
        stock=data.stock,
        reason=data.reason,
        machine_id=data.machine,
    )


def _or_none(value: str | msgspec.UnsetType | None) -> str | None:
    """As the command has it: None leaves it as it is, and empty removes it."""
    return None if isinstance(value, msgspec.UnsetType) else value or ""


async def _executed(
    request: ShopRequest, command: AddProduct | ChangeProduct | Restock, *, status: int
) -> Response[Any]:
    outcome = await request.execute(command)
    return respond(outcome, ProductRecord, show_product, status=status)


router = Router("/products", [index, show, add, replace, change, remove, stock])
