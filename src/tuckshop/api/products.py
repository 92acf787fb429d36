"""/v1/products and their pictures."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from typing import Annotated, Any, Literal

import msgspec

from tuckshop.api.requests import Limit, Machine, Page, answered, cursor_id, cursor_of
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.money import PRICE_CENTS_MAX
from tuckshop.domain.products import (
    PRODUCT_NAME_LENGTH_MAX,
    REASON_LENGTH_MAX,
    TAX_BASIS_POINTS_MAX,
)
from tuckshop.domain.refusals import (
    InvalidField,
    NameTaken,
    NotOwner,
    RoleMissing,
    StockTooLarge,
    UnknownImage,
    UnknownMachine,
    UnknownProduct,
)
from tuckshop.domain.users import HOUSE_NAME
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import (
    ID_MAX,
    TEXT_PATTERN,
    Id,
    PathId,
    Pieces,
    Price,
    ProductName,
    Shown,
    Stock,
)
from tuckshop.http.handlers import Router, delete, get, patch, post, put, told
from tuckshop.http.request import Body, Call
from tuckshop.http.response import Response
from tuckshop.operations import pictures
from tuckshop.queries import catalogue
from tuckshop.queries import pictures as picture_queries
from tuckshop.queries.catalogue import Place, Search, Sort
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
Reason = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=REASON_LENGTH_MAX,
        examples=["delivery 17"],
        extra_json_schema={"pattern": TEXT_PATTERN},
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
IMAGE_SECONDS = 31_536_000  # A picture never changes; another one has another address.


_CHANGING = (UnknownProduct, NotOwner, UnknownMachine, InvalidField, NameTaken, StockTooLarge)


class AddProductBody(Body):
    """A new product. `house`: of the shop itself; admins only."""

    name: ProductName
    price: Price
    stock: Stock
    refundable: bool = True
    tax_basis_points: Tax = 0
    cost: Cost = 0
    house: bool = False
    machine: Id = DEFAULT_MACHINE_ID


class ReplaceProductBody(Body):
    """All attributes in a response. Tax and cost, which are in none, stay unless they are given."""

    name: ProductName
    price: Price
    stock: Stock
    refundable: bool = True
    tax_basis_points: Tax | None = None
    cost: Cost | None = None
    reason: Reason | None = None
    machine: Id = DEFAULT_MACHINE_ID


class ChangeProductBody(Body):
    """The attributes to change. Those that are left out stay. `stock` is recorded as a correction."""

    name: ProductName | None = None
    price: Price | None = None
    stock: Stock | None = None
    refundable: bool | None = None
    tax_basis_points: Tax | None = None
    cost: Cost | None = None
    reason: Reason | None = None
    machine: Id = DEFAULT_MACHINE_ID


class StockBody(Body):
    """Either `restock`, pieces to add, or `correct`, the counted pieces."""

    restock: Pieces | msgspec.UnsetType = msgspec.UNSET
    correct: Stock | msgspec.UnsetType = msgspec.UNSET
    reason: Reason | None = None
    machine: Id = DEFAULT_MACHINE_ID


class SellerShown(Shown):
    """The seller; the shop itself has no id."""

    id: int | None
    username: str


class ProductShown(Shown):
    """A product on sale; `stock` and `price` on the machine asked for."""

    id: int
    name: str
    price: int
    stock: int
    seller: SellerShown
    refundable: bool
    image: str | None
    version: int


class ProductsShown(Page):
    """A page of products."""

    items: list[ProductShown]


def show_product(product: ProductRecord) -> ProductShown:
    """The product as /v1 shows one."""
    return ProductShown(
        id=product.product_id,
        name=product.name,
        price=product.price_cents,
        stock=product.stock,
        seller=SellerShown(id=product.seller_id, username=product.seller or HOUSE_NAME),
        refundable=product.refundable,
        image=None if product.image_id is None else f"/v1/images/{product.image_id}",
        version=product.version,
    )


@get(
    "/",
    summary="Products on sale",
    operation=told("listProducts", UnknownMachine, login="none", tagged=True),
)
async def index(
    request: Call,
    keyword: Keyword = "",
    max_price: PriceMax | None = None,
    seller: SellerId | None = None,
    in_stock: InStock | None = None,
    machine: Machine = DEFAULT_MACHINE_ID,
    sort: Sorted = Sort.ID,
    limit: Limit = 50,
    cursor: ProductCursor | None = None,
    offset: Offset | None = None,
) -> Response[ProductsShown]:
    """Products that match the filters, oldest first by default."""
    if cursor is not None and offset is not None:
        raise Malformed(("offset", "and cursor must not be given together"))
    search = Search(
        limit=limit + 1,
        machine_id=machine,
        keyword=keyword,
        price_cents_max=max_price,
        seller_id=seller,
        in_stock=None if in_stock is None else in_stock == "true",
        sort=sort,
        after=None if cursor is None else _place(cursor, sort),
        offset=offset or 0,
    )
    found = await catalogue.page(request.shop, search)
    items = [show_product(product) for product in found[:limit]]
    more = len(found) > limit
    shown = ProductsShown(items=items, next=_cursor(found[limit - 1], sort) if more else None)
    return _tagged(request, shown)


@get(
    "/{product_id:int}",
    summary="One product",
    operation=told("getProduct", UnknownProduct, UnknownMachine, login="none", tagged=True),
)
async def show(
    request: Call, product_id: PathId, machine: Machine = DEFAULT_MACHINE_ID
) -> Response[ProductShown]:
    """A product with its ETag, whose first part is the version that `If-Match` compares."""
    shown = show_product(await catalogue.find(request.shop, product_id=product_id, machine_id=machine))
    return _tagged(request, shown, version=shown.version)


@post(
    "/",
    summary="Create a product",
    operation=told(
        "addProduct", RoleMissing, UnknownMachine, InvalidField, NameTaken, keyed=True, body=AddProductBody
    ),
)
async def add(request: Call) -> Response[ProductShown]:
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
        for_house=data.house,
        machine_id=data.machine,
    )
    return await _settled(request, command, status=201)


@put(
    "/{product_id:int}",
    summary="Replace a product's attributes",
    operation=told("replaceProduct", *_CHANGING, keyed=True, matched=True, body=ReplaceProductBody),
)
async def replace(request: Call, product_id: PathId) -> Response[ProductShown]:
    """Replaces all attributes. Owner or admin."""
    caller = request.caller
    data = await request.parsed(ReplaceProductBody)
    return await _settled(request, _change(request, product_id, data, caller), status=200)


@patch(
    "/{product_id:int}",
    summary="Change a product",
    operation=told("changeProduct", *_CHANGING, keyed=True, matched=True, body=ChangeProductBody),
)
async def change(request: Call, product_id: PathId) -> Response[ProductShown]:
    """Changes some attributes, or sets the stock. With `If-Match`, only at that version. Owner or admin."""
    caller = request.caller
    data = await request.parsed(ChangeProductBody)
    return await _settled(request, _change(request, product_id, data, caller), status=200)


@delete(
    "/{product_id:int}",
    status_code=204,
    summary="Take a product off sale",
    operation=told("removeProduct", UnknownProduct, NotOwner, keyed=True, matched=True),
)
async def remove(request: Call, product_id: PathId) -> Response[None]:
    """The name becomes available, and the stock is written off. Owner or admin."""
    command = RemoveProduct(request.caller, product_id, version=_expected_version(request))
    outcome = await request.settled(command)
    return answered(outcome, ProductRemoved, lambda _: None, status=204)


@post(
    "/{product_id:int}/stock",
    status_code=200,
    summary="Refill, or correct the stock",
    operation=told(
        "changeStock",
        UnknownProduct,
        NotOwner,
        UnknownMachine,
        InvalidField,
        StockTooLarge,
        keyed=True,
        body=StockBody,
    ),
)
async def stock(request: Call, product_id: PathId) -> Response[ProductShown]:
    """Adds stock in a machine, or corrects it after a count. Owner or admin."""
    caller = request.caller
    data = await request.parsed(StockBody)
    match data.restock, data.correct:
        case (int(quantity), msgspec.UnsetType()):
            restock = Restock(caller, product_id, quantity, reason=data.reason, machine_id=data.machine)
            return await _settled(request, restock, status=200)
        case (msgspec.UnsetType(), int(target)):
            correction = ChangeProduct(
                caller, product_id, stock=target, reason=data.reason, machine_id=data.machine
            )
            return await _settled(request, correction, status=200)
        case _:
            raise Malformed(("restock", "or correct must be given, not both"))


@put(
    "/{product_id:int}/image",
    summary="Set a product's picture",
    operation=told(
        "putProductImage",
        UnknownProduct,
        NotOwner,
        InvalidField,
        keyed=True,
        matched=True,
        uploads=pictures.FORMATS,
    ),
    body_bytes_max=pictures.UPLOAD_BYTES_MAX,
)
async def put_image(request: Call, product_id: PathId) -> Response[ProductShown]:
    """The picture itself as the body, of at most 8 MiB and 50 megapixels. Owner or admin.

    It is kept as WebP within 512 by 512 pixels, without anything else that the file held.
    """
    caller = request.caller
    version = _expected_version(request)
    await pictures.require_changeable(request.shop, caller=caller, product_id=product_id)
    media_type, content = await request.uploaded(*pictures.FORMATS)
    command = ChangeProduct(caller, product_id, version=version)
    envelope = await request.enveloped(command)
    outcome = await pictures.put(request.shop, envelope, command, media_type=media_type, content=content)
    return answered(outcome, ProductRecord, show_product, status=200)


@delete(
    "/{product_id:int}/image",
    status_code=204,
    summary="Remove a product's picture",
    operation=told("removeProductImage", UnknownProduct, NotOwner, keyed=True, matched=True),
)
async def remove_image(request: Call, product_id: PathId) -> Response[None]:
    """Removes the picture and changes nothing else. Owner or admin."""
    command = ChangeProduct(
        request.caller, product_id, version=_expected_version(request), without_image=True
    )
    outcome = await pictures.remove(request.shop, await request.enveloped(command))
    return answered(outcome, ProductRecord, show_product, status=204)


@get(
    "/{image_id:int}",
    summary="A picture",
    operation=told("getImage", UnknownImage, login="none", media_type="image/*"),
)
async def image(request: Call, image_id: PathId) -> Response[bytes]:
    """A picture. Its content never changes."""
    media_type, content = await picture_queries.find(request.shop, image_id=image_id)
    headers = {"Cache-Control": f"public, max-age={IMAGE_SECONDS}, immutable"}
    return Response(content, media_type=media_type, headers=headers)


def _change(
    request: Call, product_id: int, data: ReplaceProductBody | ChangeProductBody, caller: SessionCaller
) -> ChangeProduct:
    return ChangeProduct(
        caller,
        product_id,
        version=_expected_version(request),
        name=data.name,
        price_cents=data.price,
        refundable=data.refundable,
        tax_basis_points=data.tax_basis_points,
        cost_cents=data.cost,
        stock=data.stock,
        reason=data.reason,
        machine_id=data.machine,
    )


async def _settled(
    request: Call, command: AddProduct | ChangeProduct | Restock, *, status: int
) -> Response[Any]:
    outcome = await request.settled(command)
    return answered(outcome, ProductRecord, show_product, status=status)


def _tagged(request: Call, shown: Shown, *, version: int | None = None) -> Response[Any]:
    """The answer with an ETag of its bytes, or 304 for a client that has them."""
    content = msgspec.json.encode(shown)
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    tag = f'"{digest}"' if version is None else f'"{version}-{digest}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    known = {
        one.strip().removeprefix("W/")
        for line in request.given(b"if-none-match")
        for one in line.decode("latin-1").split(",")
    }
    if tag in known or "*" in known:
        return Response(None, status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def _cursor(product: ProductRecord, sort: Sort) -> str:
    """The cursor behind this product: its id, and what else says where it stands."""
    place = catalogue.place_of(product, sort)
    cursor = cursor_of(place.product_id)
    if place.price_cents is not None:
        return f"{cursor}.p{place.price_cents}"
    if place.name_key is not None:
        return f"{cursor}.n{base64.urlsafe_b64encode(place.name_key.encode()).decode().rstrip('=')}"
    return cursor


def _place(cursor: str, sort: Sort) -> Place:
    """Where a list that is sorted so goes on. Raises Malformed for a cursor that it never gave."""
    written, _, value = cursor.partition(".")
    product_id = cursor_id(written)
    assert product_id is not None
    kind, text = value[:1], value[1:]
    match sort, kind:
        case (Sort.ID | Sort.NEWEST, ""):
            return Place(product_id)
        case (Sort.PRICE | Sort.PRICE_DOWN, "p") if re.fullmatch("[1-9][0-9]{0,9}", text):
            return Place(product_id, price_cents=int(text))
        case (Sort.NAME | Sort.NAME_DOWN, "n"):
            with contextlib.suppress(ValueError):
                key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
                if key and "\0" not in key:
                    return Place(product_id, name_key=key)
        case _:
            pass
    raise Malformed(("cursor", "must be one that a list in this order has given"))


def _expected_version(request: Call) -> int | None:
    """The version that If-Match names. Raises Malformed for one that no product has had."""
    given = request.given(b"if-match")
    if not given or given == [b"*"]:
        return None
    # Weak ones too: proxies that compress weaken them, and the version says the same.
    match = re.fullmatch(rb'(?:W/)?"([1-9][0-9]{0,8})(?:-[0-9a-f]{1,64})?"', given[0].strip())
    if match is None or len(given) > 1:
        raise Malformed(("If-Match", "must be one ETag of the product"))
    return int(match[1])


router = Router("/products", [index, show, add, replace, change, remove, stock, put_image, remove_image])
images = Router("/images", [image])
