"""The dialect `app-demo`: users who sell and order, prices in major units, orders on the tab.

    POST   /api/register/        registration.register, as buyer and seller
    POST   /api/token/           sessions.log_in
    POST   /api/token/refresh/   sessions.renew
    GET    /api/product/         catalogue.page, by part of the name and highest price
    POST   /api/product/         AddProduct
    *      /api/product/{id}/    catalogue.find, ChangeProduct, RemoveProduct
    POST   /api/order/           PlaceOrder, on the tab
    GET    /api/order/           orders.page

Different from /v1: names of people are `name`; prices are text like "2.20", and may come as numbers, as stock
may come as text; a refresh token is not used up; lists and single products are for those who are logged in.
"""

from __future__ import annotations

from tuckshop.dialects.app_demo import orders, products, users
from tuckshop.dialects.app_demo.common import ERRORS
from tuckshop.dialects.app_demo.walkthrough import WALK
from tuckshop.dialects.shared import long_lived_tokens
from tuckshop.dialects.shared.errors import SCHEMA
from tuckshop.dialects.shared.mounting import Dialect
from tuckshop.http.openapi import Contract

DIALECT = Dialect(
    name="app-demo",
    buys_on_tab=True,
    registers_sellers=True,
    handlers=(
        users.register,
        users.log_in,
        long_lived_tokens.refresh,
        products.products,
        products.add_product,
        products.product,
        products.change_product,
        products.remove_product,
        orders.place,
        orders.orders,
    ),
    contract=Contract(
        title="Tuckshop: app-demo",
        summary="The contract of a demo shop, on the same shop",
        about="Prices are in major units, as text. Paths work with and without a slash at their end.",
        tags={
            "register": "Becoming a user.",
            "token": "Logging in.",
            "product": "What is on sale.",
            "order": "What was ordered.",
        },
        errors=ERRORS,
        error=SCHEMA,
        schemes={"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        logins={"needed": [{"bearer": []}], "none": []},
        tag_part=lambda path: path.split("/")[2],
        takes_api_tokens=False,
        walk=WALK,
    ),
)
