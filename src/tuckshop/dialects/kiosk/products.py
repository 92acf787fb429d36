"""What is on sale, bought piece by piece and returned."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.dialects.kiosk import parameters
from tuckshop.dialects.kiosk.common import (
    API,
    UserName,
    UserQuery,
    checked_name,
    kiosk,
    machine_of,
    respond,
)
from tuckshop.dialects.shared.pagination import LIMIT_MAX, Limit, Offset
from tuckshop.domain.ledger import AccountRef
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    InsufficientFunds,
    InvalidField,
    NotRefundable,
    OutOfStock,
    RefundsExhausted,
    RefundWindowOver,
    UndoAtCounter,
    UnknownGuest,
    UnknownProduct,
    UnknownPurchase,
)
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import ID_MAX, Id, PathId, ResponseBody
from tuckshop.http.handlers import describe, get, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import devices, guests
from tuckshop.queries import catalogue
from tuckshop.queries.catalogue import Search
from tuckshop.till.callers import Caller
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.products import ProductRecord
from tuckshop.till.commands.refunds import Refunded, RefundNewest

ProductQuery = Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, description="The address's, again.")]


class PurchaseBody(Body):
    """The guest. `product_id` is optional and must be that of the path."""

    user_name: UserName | None = None
    product_id: Id | None = None


class ProductResponse(ResponseBody):
    """A product and its stock in the machine. `image`: the address of its picture."""

    id: int
    name: str
    price: int
    count: int
    image: str | None
    is_refundable: bool


class BoughtResponse(ResponseBody):
    """The purchased product, and the guest's remaining credit."""

    order_id: int
    product: str
    price: int
    balance: int


class RefundedResponse(ResponseBody):
    """The refunded cents, and the guest's credit now."""

    order_id: int
    refunded: int
    balance: int


@get(f"{API}/products", summary="Products", operation=describe("listProducts", login="optional"))
async def products(
    request: ShopRequest, limit: Limit = LIMIT_MAX, offset: Offset = 0
) -> list[ProductResponse]:
    """The products on sale in the kiosk's machine; without a key, in the first machine."""
    asking = DEFAULT_MACHINE_ID
    if request.given(b"x-kiosk-key"):
        asking = machine_of(await devices.attester(request.shop, caller=kiosk(request)))
    found = await catalogue.page(request.shop, Search(limit=limit, offset=offset, machine_id=asking))
    return [_show_product(product) for product in found]


@post(
    f"{API}/products/{{path_id:int}}/buy",
    summary="Buy",
    operation=describe(
        "buy",
        InvalidField,
        UnknownGuest,
        UnknownProduct,
        OutOfStock,
        InsufficientFunds,
        login="attester",
        keyed=True,
        body=PurchaseBody | None,
        forms=True,
    ),
)
async def buy(
    request: ShopRequest,
    path_id: PathId,
    user_name: UserQuery | None = None,
    product_id: ProductQuery | None = None,
) -> Response[BoughtResponse]:
    """Buys one piece from the guest's credit."""
    caller, wallet = await _wallet(request, path_id, user_name, product_id)
    order = PlaceOrder(caller, wallet, ((path_id, 1),), machine_id=machine_of(kiosk(request)))
    return respond(await request.execute(order), OrderPlaced, _show_order, status=201)


@post(
    f"{API}/products/{{path_id:int}}/refund",
    status_code=200,
    summary="Undo a purchase",
    operation=describe(
        "refund",
        InvalidField,
        UnknownGuest,
        UnknownPurchase,
        NotRefundable,
        RefundWindowOver,
        RefundsExhausted,
        UndoAtCounter,
        BalanceTooLarge,
        login="attester",
        keyed=True,
        body=PurchaseBody | None,
        forms=True,
    ),
)
async def refund(
    request: ShopRequest,
    path_id: PathId,
    user_name: UserQuery | None = None,
    product_id: ProductQuery | None = None,
) -> Response[RefundedResponse]:
    """Refunds the guest's latest piece and returns it to its machine."""
    caller, wallet = await _wallet(request, path_id, user_name, product_id)
    back = RefundNewest(caller, wallet, path_id, machine_of(kiosk(request)))
    return respond(await request.execute(back), Refunded, _show_refund, status=200)


async def _wallet(
    request: ShopRequest, path_id: int, user_name: str | None, product_id: int | None
) -> tuple[Caller, AccountRef]:
    """Who asks, and the wallet of the guest whom the call names."""
    caller = kiosk(request)
    wanted = await parameters.read(request, PurchaseBody, user_name=user_name, product_id=product_id)
    if wanted.product_id not in (None, path_id):
        raise Malformed(("product_id", "must be the product of the path"))
    return await guests.wallet(request.shop, caller=caller, name=checked_name(wanted.user_name))


def _show_product(product: ProductRecord) -> ProductResponse:
    return ProductResponse(
        id=product.product_id,
        name=product.name,
        price=product.price_cents,
        count=product.stock,
        image=None if product.image_id is None else f"/v1/images/{product.image_id}",
        is_refundable=product.refundable,
    )


def _show_order(order: OrderPlaced) -> BoughtResponse:
    (line,) = order.lines
    return BoughtResponse(
        order_id=order.order_id, product=line.name, price=line.price_cents, balance=order.balance_cents
    )


def _show_refund(back: Refunded) -> RefundedResponse:
    assert back.balance_cents is not None  # A machine is told what its guest has.
    return RefundedResponse(order_id=back.order_id, refunded=back.amount_cents, balance=back.balance_cents)
