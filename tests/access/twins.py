"""What each call of the older contracts is in /v1: no dialect does what /v1 would refuse to the same person.

By path inside the dialect; what a vending machine has at its root and under /api/v1 stands here once. A route
that is not here fails, and so does a twin that /v1 does not have.
"""

from __future__ import annotations

from typing import NamedTuple


class Twin(NamedTuple):
    """Rows of the table of /v1: for everybody, for who asks for what is their own, and for admins."""

    row: str
    own: str = ""
    admin: str = ""


_LOGIN, _REFRESH = Twin("POST /v1/auth/login"), Twin("POST /v1/auth/refresh")
_LOGOUT, _LOGOUT_ALL = Twin("POST /v1/auth/logout"), Twin("POST /v1/auth/logout-all")
_REGISTER = Twin("POST /v1/users")
_USER = Twin("GET /v1/users/{user_id}", own="GET /v1/users/me")
_USERS = Twin("GET /v1/users/me", admin="GET /v1/users")
_CHANGE_NAME = Twin("PATCH /v1/users/{user_id}", own="PATCH /v1/users/me (name)")
NOBODY_ELSES = ""  # No row of /v1: nobody but the owner does this at all.
_CHANGE_EMAIL = Twin(NOBODY_ELSES, own="PATCH /v1/users/me (email)")
_CHANGE_PASSWORD = Twin(NOBODY_ELSES, own="PATCH /v1/users/me (password)")
_KNOWN_PASSWORD = Twin(NOBODY_ELSES, own="PATCH /v1/users/me (password, with the current one)")
_CLOSE = Twin("DELETE /v1/users/{user_id}", own="DELETE /v1/users/me")
_PRODUCTS, _PRODUCT = Twin("GET /v1/products"), Twin("GET /v1/products/{product_id}")
_ADD, _PUT = Twin("POST /v1/products"), Twin("PUT /v1/products/{product_id}")
_PATCH, _REMOVE = Twin("PATCH /v1/products/{product_id}"), Twin("DELETE /v1/products/{product_id}")
_BALANCE, _DEPOSIT = Twin("GET /v1/wallet"), Twin("POST /v1/wallet/deposits")
_PAY_OUT, _BUY = Twin("POST /v1/wallet/payout"), Twin("POST /v1/orders")
_ON_TAB, _ORDERS = Twin("POST /v1/orders (on the tab)"), Twin("GET /v1/orders")
_ORDER, _CHANGE_ORDER = (
    Twin("GET /v1/orders/{order_id} (bought)"),
    Twin("PATCH /v1/orders/{order_id} (bought, cancelled)"),
)
_DOCUMENT = Twin("GET /openapi.json")

TWINS: dict[str, dict[str, Twin]] = {
    "simple-payment": {
        "POST /api/create_user": _REGISTER,
        "POST /api/get_token": _LOGIN,
        "GET /api/user/{username}": _USER,
        "PATCH /api/user/{username} (name)": _CHANGE_NAME,
        "PATCH /api/user/{username} (email)": _CHANGE_EMAIL,
        "PATCH /api/user/{username} (email, with the password)": _CHANGE_EMAIL,
        "PATCH /api/user/{username} (password)": _CHANGE_PASSWORD,
        "PATCH /api/user/{username} (password, with the current one)": _KNOWN_PASSWORD,
        "DELETE /api/user/{username}": _CLOSE,
        "GET /api/products": _PRODUCTS,
        "POST /api/products": _ADD,
        "PUT /api/product/{name}": _PATCH,
        "DELETE /api/product/{name}": _REMOVE,
        "PATCH /api/buyer/deposit": _DEPOSIT,
        "POST /api/buyer/reset": _PAY_OUT,
        "POST /api/buyer/buy": _BUY,
        "GET /openapi.json": _DOCUMENT,
    },
    "vending-challenge": {
        "POST /auth/login": _LOGIN,
        "POST /auth/logout": _LOGOUT,
        "POST /auth/logout-all": _LOGOUT_ALL,
        "POST /logout/all": _LOGOUT_ALL,
        "POST /auth/refresh": _REFRESH,
        **{
            f"{call}": twin
            for users in ("users", "user")
            for call, twin in {
                f"GET /{users}": _USERS,
                f"POST /{users}": _REGISTER,
                f"GET /{users}/{{user_id}}": _USER,
                f"DELETE /{users}/{{user_id}}": _CLOSE,
                **{
                    f"{method} /{users}/{{user_id}} ({what})": change
                    for method in ("PUT", "PATCH")
                    for what, change in {
                        "name": _CHANGE_NAME,
                        "email": _CHANGE_EMAIL,
                        "email, with the password": _CHANGE_EMAIL,
                        "password": _CHANGE_PASSWORD,
                        "password, with the current one": _KNOWN_PASSWORD,
                    }.items()
                },
            }.items()
        },
        "POST /wallet/deposit": _DEPOSIT,
        "POST /deposit": _DEPOSIT,
        "GET /wallet/balance": _BALANCE,
        "POST /wallet/reset": _PAY_OUT,
        "POST /reset": _PAY_OUT,
        "POST /wallet/buy": _BUY,
        "POST /buy": _BUY,
        "GET /product": _PRODUCTS,
        "POST /product": _ADD,
        "GET /product/{product_id}": _PRODUCT,
        "PUT /product/{product_id}": _PUT,
        "PATCH /product/{product_id}": _PATCH,
        "DELETE /product/{product_id}": _REMOVE,
        "GET /openapi.json": _DOCUMENT,
    },
    "kiosk": {
        "GET ": Twin("GET /docs"),
        "GET /api/v1/products": _PRODUCTS,
        "POST /api/v1/products/{path_id}/buy": Twin("POST /v1/orders (for a guest)"),
        "POST /api/v1/products/{path_id}/refund": Twin("POST /v1/guests/refunds"),
        "GET /api/v1/users/{user_id}": Twin("GET /v1/wallet (of a guest)"),
        "POST /api/v1/users/{user_id}/add_balance": Twin("POST /v1/wallet/deposits (to a guest)"),
        "GET /openapi.json": _DOCUMENT,
    },
    "app-demo": {
        "POST /api/register": _REGISTER,
        "POST /api/token": _LOGIN,
        "POST /api/token/refresh": _REFRESH,
        "GET /api/product": _PRODUCTS,
        "POST /api/product": _ADD,
        "GET /api/product/{product_id}": _PRODUCT,
        "PUT /api/product/{product_id}": _PATCH,
        "DELETE /api/product/{product_id}": _REMOVE,
        "POST /api/order": _ON_TAB,
        "GET /api/order": _ORDERS,
        "GET /openapi.json": _DOCUMENT,
    },
    "shop": {
        "POST /api/token": _LOGIN,
        "POST /api/token/refresh": _REFRESH,
        "GET /api/products": _PRODUCTS,
        "GET /api/products/{product_id}": _PRODUCT,
        "POST /api/orders": _ON_TAB,
        "GET /api/orders": _ORDERS,
        "POST /api/orders/{order_id}": _ON_TAB,
        "GET /api/orders/{order_id} (by number)": _ORDER,
        "GET /api/orders/{order_id} (by name)": _ORDER,
        "PATCH /api/orders/{order_id} (by number)": _CHANGE_ORDER,
        "PATCH /api/orders/{order_id} (by name)": _CHANGE_ORDER,
        "GET /openapi.json": _DOCUMENT,
    },
}
