"""The dialect `vending-challenge`: coins, products and users of a vending machine.

Paths stand under /api/v1; those of the last column at the root and under /api/v1 too.

    POST   /api/v1/auth/login/        sessions.log_in
    POST   /api/v1/auth/logout/       sessions.log_out
    POST   /api/v1/auth/logout-all/   sessions.log_out_everywhere, by password as well    /logout/all
    POST   /api/v1/auth/refresh/      sessions.refresh
    POST   /api/v1/users/             registration.register                                   /user
    GET    /api/v1/users/             accounts.page                                       /user
    *      /api/v1/users/<id>/        accounts.find, change; CloseUser                    /user/<id>
    POST   /api/v1/wallet/deposit     Deposit                                             /deposit
    GET    /api/v1/wallet/balance     wallet.balance
    POST   /api/v1/wallet/reset       PayOut                                              /reset
    *      /api/v1/product/           catalogue, AddProduct                               /product
    *      /api/v1/product/<id>/      ChangeProduct, RemoveProduct                        /product/<id>
    POST   /api/v1/wallet/buy         PlaceOrder with its change returned                 /buy

Different from /v1: prices are multiples of 5; only the owner changes a product; what is bought at once gives
all change back; a wallet without money is reset to nothing rather than refused.
"""

from __future__ import annotations

from tuckshop.dialects.shared.errors import SCHEMA
from tuckshop.dialects.shared.mounting import Dialect
from tuckshop.dialects.vending_challenge import auth, products, users, wallet
from tuckshop.dialects.vending_challenge.common import API, ERRORS
from tuckshop.dialects.vending_challenge.walkthrough import WALK
from tuckshop.http.openapi import Contract

_TAGS = {
    **dict.fromkeys(("auth", "logout"), "auth"),
    **dict.fromkeys(("users", "user"), "users"),
    **dict.fromkeys(("wallet", "deposit", "reset", "buy"), "wallet"),
    "product": "product",
}

DIALECT = Dialect(
    name="vending-challenge",
    declares_coins=True,
    registers_sellers=True,
    handlers=(
        auth.log_in,
        auth.log_out,
        auth.log_out_everywhere,
        auth.refresh,
        users.register,
        users.users,
        users.user,
        users.replace_user,
        users.change_user,
        users.close_user,
        wallet.deposit,
        wallet.balance,
        wallet.reset,
        wallet.buy,
        products.products,
        products.add_product,
        products.product,
        products.replace_product,
        products.change_product,
        products.remove_product,
    ),
    contract=Contract(
        title="Tuckshop: vending-challenge",
        summary="The contract of a vending machine, on the same shop",
        about="Money is in cents. Paths work with and without a slash at their end.",
        tags={
            "auth": "Logging in and out.",
            "users": "Buyers and sellers.",
            "wallet": "Coins in and out, and what they buy.",
            "product": "What is on sale.",
        },
        errors=ERRORS,
        error=SCHEMA,
        schemes={"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        logins={"needed": [{"bearer": []}], "optional": [{"bearer": []}, {}], "none": []},
        tag_part=lambda path: _TAGS[path.removeprefix(API).split("/")[1]],
        takes_api_tokens=False,
        walk=WALK,
    ),
)
