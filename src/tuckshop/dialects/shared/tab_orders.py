"""Orders as several of the contracts have them: so many pieces of each product, on the buyer's tab."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from tuckshop.dialects.shared.pagination import neighbours
from tuckshop.domain import money
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.money import Currency
from tuckshop.domain.orders import LINES_MAX, OrderStatus, Payment, merge
from tuckshop.domain.refusals import (
    BalanceTooLarge,
    InvalidField,
    OutOfStock,
    RoleMissing,
    TabLimitExceeded,
    UnknownProduct,
)
from tuckshop.http.fields import Id, Moment, Pieces, ResponseBody, moment
from tuckshop.http.request import Body, ShopRequest
from tuckshop.identity import sessions
from tuckshop.queries import orders
from tuckshop.queries.orders import OrderRecord
from tuckshop.till.callers import SessionCaller
from tuckshop.till.commands.orders import OrderChanged, OrderPlaced, PlaceOrder

PLACING = (RoleMissing, UnknownProduct, InvalidField, OutOfStock, TabLimitExceeded)
"""What `placing`, settled, can be refused with."""

SENTENCES = {
    TabLimitExceeded: "This is more than may still go on the tab.",
    BalanceTooLarge: "The wallet holds too much to take this back.",
}
"""For contracts with amounts in major units, which the sentences of /v1 do not have."""


class LineBody(Body):
    """A product and its quantity. Lines of the same product are added up."""

    id: Id
    quantity: Pieces


class OrderBody(Body):
    """What to order. All lines are ordered, or none."""

    products: Annotated[list[LineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)]


class LineResponse(ResponseBody):
    """Pieces of a product, with the price at the time of the order."""

    id: int
    name: str
    quantity: int
    price: str


class OrderResponse(ResponseBody):
    """What an order shows beside its id.

    Quantities and total are of what has not come back; where nothing is left, of what was ordered.
    """

    status: OrderStatus
    total: str
    products: list[LineResponse]
    created_at: Moment


def placing(caller: SessionCaller, body: OrderBody, *, client_ref: str | None = None) -> PlaceOrder:
    """The command for an order on the caller's tab. Raises InvalidField."""
    return PlaceOrder(
        caller,
        wallet_of(caller.user_id),
        merge((line.id, line.quantity) for line in body.products),
        client_ref=client_ref,
        payment=Payment.TAB,
    )


async def page(request: ShopRequest, *, limit: int, offset: int) -> tuple[list[OrderRecord], dict[str, Any]]:
    """The caller's own orders, newest first, and the members of a `Counted` list."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    count = await orders.count(request.shop, buyer_id=actor.user_id)
    found = await orders.page(request.shop, actor=actor, limit=limit, offset=offset)
    return found, neighbours(request, count=count, limit=limit, offset=offset)


def members(order: OrderRecord | OrderPlaced | OrderChanged, currency: Currency) -> dict[str, Any]:
    """The members of an `OrderResponse`."""
    pieces = {line: line.quantity - line.refunded_quantity for line in order.lines}
    if not any(pieces.values()):
        pieces = {line: line.quantity for line in order.lines}
    total_cents = sum(line.price_cents * quantity for line, quantity in pieces.items())
    return {
        "status": OrderStatus(order.status),
        "total": money.show(total_cents, exponent=currency.exponent),
        "products": [
            LineResponse(
                id=line.product_id,
                name=line.name,
                quantity=quantity,
                price=money.show(line.price_cents, exponent=currency.exponent),
            )
            for line, quantity in pieces.items()
            if quantity
        ],
        "created_at": moment(order.created_us),
    }
