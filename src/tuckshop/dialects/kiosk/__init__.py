"""The dialect `kiosk`: guests without a log-in, whose names a trusted kiosk makes up.

    GET    /api/v1/products                     catalogue.page, of the key's machine or the first
    POST   /api/v1/products/<id>/buy            PlaceOrder of one piece
    POST   /api/v1/products/<id>/refund         RefundNewest
    POST   /api/v1/users/<id>/add_balance       queries.guests.find, or made; Deposit of the fewest coins
    GET    /api/v1/users/<id>?user_name=        queries.guests.find
    GET    /                                    where a person finds the shop

A kiosk is a machine of the shop: `X-Kiosk-Key` is its key, its shelves and its coins are what guests buy from
and pay into, and a new key ends the old one. In a demo the kiosk is open (TUCKSHOP_KIOSK_OPEN): whoever sends
no key speaks for the first machine.

Different from /v1: what a call needs may stand in JSON, in a form or in the query; coins come as an amount;
errors are pages to browsers.
"""

from __future__ import annotations

from tuckshop.dialects.kiosk import home, products, users, users_export
from tuckshop.dialects.kiosk.common import API, ERRORS
from tuckshop.dialects.kiosk.walkthrough import WALK
from tuckshop.dialects.shared.errors import SCHEMA
from tuckshop.dialects.shared.mounting import Dialect
from tuckshop.http.openapi import Contract

_ABOUT = """\
Money is in cents. Paths work with and without a slash at their end. Requests are sent as JSON, as a
form or in the query, each field once. Errors are HTML pages for clients that prefer text/html to JSON.
"""
_KEY: list[dict[str, list[str]]] = [{"machine": []}]

DIALECT = Dialect(
    name="kiosk",
    handlers=(products.products, products.buy, products.refund, users.add_balance, users.user, home.front),
    users=users_export.users,
    contract=Contract(
        title="Tuckshop: kiosk",
        summary="The contract of a kiosk that serves guests, on the same shop",
        about=_ABOUT,
        tags={"products": "What is on sale, and buying it.", "users": "Guests and their money."},
        errors=ERRORS,
        error=SCHEMA,
        schemes={
            "machine": {
                "type": "apiKey",
                "in": "header",
                "name": "X-Kiosk-Key",
                "description": "The key of the kiosk's machine. A demo's kiosk needs none.",
            }
        },
        logins={"attester": _KEY, "optional": [*_KEY, {}], "none": []},
        tag_part=lambda path: path.removeprefix(API).split("/")[1],
        takes_api_tokens=False,
        walk=WALK,
    ),
)
