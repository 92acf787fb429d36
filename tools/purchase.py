"""Buys something from a running shop, as a stranger would: python3 tools/purchase.py http://127.0.0.1:8000

The shop needs TUCKSHOP_COINS=self and TUCKSHOP_SELLER_REGISTRATION=open. Standard library only, for computers
on which nothing but an image is.
"""

import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from typing import Any

READY_SECONDS_MAX = 120
ANSWER_SECONDS_MAX = 60


class Failed(Exception):
    """The shop did not sell; the message says what it answered."""


def purchase(shop: str) -> str:
    """Waits until the shop is ready, then registers a seller and a buyer, puts a product on sale, and buys it
    twice with one key: one order. The sentence that says so. Raises: Failed."""
    wait_until_ready(shop)
    mark = secrets.token_hex(4)
    seller, buyer = (register(shop, f"{role}-{mark}", role) for role in ("seller", "buyer"))
    product = send(shop, "/v1/products", {"name": f"Cola {mark}", "price": 150, "stock": 10}, seller)
    send(shop, "/v1/wallet/deposits", {"coins": {"100": 3, "50": 2}}, buyer)
    order = {"lines": [{"product": product["id"], "quantity": 2}], "change": "return"}
    first, again = (send(shop, "/v1/orders", order, buyer, key=mark) for _ in range(2))
    if first != again or (first["total"], first["balance"], first["change"]) != (300, 0, {"100": 1}):
        raise Failed(f"The order is not what was bought: {first} and {again}")
    return f"Bought two of {first['lines'][0]['name']} for 3.00, with 1.00 change: order {first['id']}."


def wait_until_ready(shop: str) -> None:
    """Returns once the shop can sell. Raises: Failed."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while True:
        try:
            with urllib.request.urlopen(f"{shop}/health/ready", timeout=ANSWER_SECONDS_MAX):  # noqa: S310
                return
        except OSError as error:  # urllib's errors are among them.
            if time.monotonic() > deadline:
                raise Failed(f"The shop was not ready in {READY_SECONDS_MAX} s: {error}") from None
        time.sleep(0.5)


def register(shop: str, username: str, role: str) -> str:
    """A new user's token."""
    password = secrets.token_urlsafe(24)
    send(shop, "/v1/users", {"username": username, "password": password, "roles": [role]})
    access: str = send(shop, "/v1/auth/login", {"username": username, "password": password})["access"]
    return access


def send(shop: str, path: str, body: object, token: str = "", *, key: str = "") -> Any:
    """What the shop answers to a POST. Raises: Failed."""
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Idempotency-Key": key} if key else {}
    request = urllib.request.Request(f"{shop}{path}", json.dumps(body).encode(), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Failed(f"POST {path}: {error.code} {error.read().decode(errors='replace')}") from None
    except OSError as error:
        raise Failed(f"POST {path}: {error}") from None


if __name__ == "__main__":
    try:
        print(purchase(sys.argv[1].rstrip("/")))
    except (Failed, IndexError) as failure:
        sys.exit(str(failure) if isinstance(failure, Failed) else __doc__)
