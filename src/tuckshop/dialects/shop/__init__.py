"""The dialect `shop`: a small web shop whose clients name their orders themselves; orders on the tab.

    POST        /api/token/               sessions.log_in
    POST        /api/token/refresh/       sessions.renew
    GET         /api/products/            catalogue.page
    GET         /api/products/<id>/       catalogue.find
    POST        /api/orders/              PlaceOrder, on the tab
    GET         /api/orders/              orders.page
    POST        /api/orders/<order_id>/   PlaceOrder, with <order_id> as its client reference
    GET         /api/orders/<order_id>/   orders.find_named
    PATCH       /api/orders/<order_id>/   CancelOrder, ReduceOrder

Different from /v1: an order's id is the client's own where it has one, and placing it again shows it; prices
are text like "1.50"; a refresh token is not used up; everything is for those who are logged in. People are
made by /v1 or at the command line, where `tuckshop product samples` makes things to order.
"""

from __future__ import annotations

from tuckshop.dialects.shared import long_lived_tokens
from tuckshop.dialects.shared.errors import SCHEMA
from tuckshop.dialects.shared.mounting import Dialect
from tuckshop.dialects.shop import auth, orders, products
from tuckshop.dialects.shop.common import ERRORS
from tuckshop.dialects.shop.walkthrough import WALK
from tuckshop.http.openapi import Contract, one_of

DIALECT = Dialect(
    name="shop",
    buys_on_tab=True,
    handlers=(
        auth.log_in,
        long_lived_tokens.refresh,
        products.products,
        products.product,
        orders.place,
        orders.orders,
        orders.place_named,
        orders.order,
        orders.change_order,
    ),
    contract=Contract(
        title="Tuckshop: shop",
        summary="The contract of a small web shop, on the same shop",
        about="Prices are in major units, as text. Paths work with and without a slash at their end.",
        tags={
            "token": "Logging in.",
            "products": "What is on sale.",
            "orders": "What was ordered.",
        },
        errors=ERRORS,
        error=SCHEMA,
        schemes={"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        logins={"needed": [{"bearer": []}], "none": []},
        rules={"ChangeOrderBody": one_of("status", "products")},
        tag_part=lambda path: path.split("/")[2],
        takes_api_tokens=False,
        walk=WALK,
    ),
)
