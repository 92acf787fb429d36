"""The dialect `simple-payment`: deposits and purchases by the product's name, all under /api.

    POST   /api/create_user       Register, with the coins that a buyer has put in
    POST   /api/get_token         browser_sessions.log_in, for 30 days
    *      /api/user/<username>   accounts.find_by_name, change; CloseUser
    GET    /api/products          catalogue.page
    POST   /api/products          AddProduct
    *      /api/product/<name>    ChangeProduct, RemoveProduct
    PATCH  /api/buyer/deposit     Deposit, one coin at a time
    POST   /api/buyer/reset       PayOut
    POST   /api/buyer/buy         PlaceOrder with its change kept

Different from /v1: one opaque token in the header `Authorization: Token <token>`; users and products are
named in the path; only the owner changes a product; a wallet without money is reset to nothing rather than
refused.
"""

from __future__ import annotations

from tuckshop.dialects.shared.errors import SCHEMA
from tuckshop.dialects.shared.mounting import Dialect
from tuckshop.dialects.simple_payment import buyer, products, users
from tuckshop.dialects.simple_payment.common import API, ERRORS, admit
from tuckshop.dialects.simple_payment.walkthrough import WALK
from tuckshop.http.openapi import Contract

_TAGS = {
    **dict.fromkeys(("create_user", "get_token", "user"), "users"),
    **dict.fromkeys(("products", "product"), "products"),
    "buyer": "buyer",
}

DIALECT = Dialect(
    name="simple-payment",
    declares_coins=True,
    registers_sellers=True,
    admit=admit,
    handlers=(
        users.create_user,
        users.get_token,
        users.user,
        users.change_user,
        users.close_user,
        products.products,
        products.add_product,
        products.change_product,
        products.remove_product,
        buyer.deposit,
        buyer.reset,
        buyer.buy,
    ),
    contract=Contract(
        title="Tuckshop: simple-payment",
        summary="The contract of a simple payment system, on the same shop",
        about="Money is in cents. Paths work with and without a slash at their end. Requests with a token "
        "send it in the header `Authorization: Token <token>`.",
        tags={
            "users": "Buyers and sellers, and their tokens.",
            "products": "What is on sale.",
            "buyer": "Coins in and out, and what they buy.",
        },
        errors=ERRORS,
        error=SCHEMA,
        schemes={"token": {"type": "http", "scheme": "Token"}},
        logins={"needed": [{"token": []}], "none": []},
        tag_part=lambda path: _TAGS[path.removeprefix(API).split("/")[1]],
        takes_api_tokens=False,
        walk=WALK,
    ),
)
