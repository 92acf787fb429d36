"""API tokens: which scope allows what, each address tried with each scope by somebody with every role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_tokens import made
from tuckshop.api.requests import SCOPES
from tuckshop.app import openapi_document
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Fulfil
from tuckshop.domain.users import Role, Scope
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.wallet import Deposit

TABLE = {
    "PATCH /v1/users/{user_id}": "",
    "DELETE /v1/users/{user_id}": "admin",
    "PATCH /v1/users/{user_id}/selling": "admin",
    "DELETE /v1/users/{user_id}/second-factor": "",
    "POST /v1/products/{product_id}/approval": "admin",
    "POST /v1/products": "sell admin",
    "PUT /v1/products/{product_id}": "sell admin",
    "PATCH /v1/products/{product_id}": "sell admin",
    "DELETE /v1/products/{product_id}": "sell admin",
    "PUT /v1/products/{product_id}/image": "sell admin",
    "DELETE /v1/products/{product_id}/image": "sell admin",
    "POST /v1/products/{product_id}/stock": "sell admin",
    "POST /v1/wallet/deposits": "buy admin",
    "POST /v1/wallet/payout": "buy admin",
    "POST /v1/wallet/transfers": "buy",
    "POST /v1/orders": "buy admin",
    "PATCH /v1/orders/{order_id}": "buy sell admin",
    "POST /v1/orders/{order_id}/refunds": "buy sell admin",
    "POST /v1/tabs/{user_id}/settlements": "admin",
    "POST /v1/earnings/{seller_id}/payouts": "admin",
    "POST /v1/topups": "admin",
    "POST /v1/transfers/{transfer_id}/reversal": "admin",
    "POST /v1/guests/refunds": "admin",
    "POST /v1/guests/unclaimed": "admin",
    "POST /v1/machines": "admin",
    "PATCH /v1/machines/{machine_id}": "",
    "POST /v1/machines/{machine_id}/key": "",
    "POST /v1/machines/{machine_id}/screens": "",
    "DELETE /v1/machines/{machine_id}/screens/{screen_id}": "admin",
    "PUT /v1/machines/{machine_id}/shelves": "admin",
    "POST /v1/machines/{machine_id}/moves": "sell admin",
    "POST /v1/machines/{machine_id}/coins/fill": "admin",
    "POST /v1/machines/{machine_id}/coins/collect": "admin",
    "POST /v1/machines/{machine_id}/coins/count": "admin",
    "PATCH /v1/users/me": "",
    "DELETE /v1/users/me": "",
    "POST /v1/auth/confirm": "",
    "POST /v1/auth/second-factor": "",
    "POST /v1/auth/second-factor/enable": "",
    "POST /v1/auth/second-factor/recovery-codes": "",
    "DELETE /v1/auth/second-factor": "",
    "POST /v1/auth/logout": "",
    "POST /v1/auth/tokens": "",
    "DELETE /v1/auth/tokens/{token_id}": "",
    "DELETE /v1/auth/sessions/{session_id}": "",
}
"""What changes anything, and the scopes that allow it; none: it takes a log-in."""

OPEN = {"POST /v1/users", "POST /v1/auth/login", "POST /v1/auth/refresh", "POST /v1/auth/logout-all"}
"""What takes no token at all, or a name and a password instead."""


def addresses() -> Iterator[tuple[str, str]]:
    for path, methods in openapi_document()["paths"].items():
        for method in methods.keys() & {"get", "post", "put", "patch", "delete"}:
            yield method.upper(), path


def test_the_table_is_about_every_address() -> None:
    changing = {f"{method} {path}" for method, path in addresses() if method != "GET"}
    assert changing == TABLE.keys() | OPEN


def test_no_scope_is_told_of_what_is_not_there() -> None:
    assert {f"{method} {path}" for method, path in SCOPES} <= TABLE.keys()


async def test_each_address_takes_the_scopes_of_those_who_may(api: Api) -> None:
    root = await api.shop.person("root", *Role)
    tokens = {scope: (await made(api, root, scope))["token"] for scope in Scope}
    for address, allowed in TABLE.items():
        method, path = address.split()
        for scope, token in tokens.items():
            answer = await api.call(method, re.sub(r"\{\w+\}", "999", path), {}, by=token)
            kind = answer.json()["type"].rpartition(":")[2] if answer.content else ""
            if not allowed:
                assert kind == "log-in-needed", (address, scope)
            elif scope in allowed.split():
                assert kind not in ("scope-missing", "log-in-needed"), (address, scope)
            else:
                assert (answer.status_code, kind) == (403, "scope-missing"), (address, scope)
                assert answer.json()["scopes"] == allowed.split()


async def test_each_role_does_what_is_its_own_with_its_scope(api: Api) -> None:
    root = await api.shop.person("root", *Role)
    ada, sam = await api.shop.person("ada", Role.BUYER), await api.shop.person("sam", Role.SELLER)
    cas = await api.shop.person("cas", Role.CASHIER)
    wallet = wallet_of(ada.user_id)
    await api.shop.do(Deposit(OPERATOR, wallet, {100: 20}))
    cola = (await api.shop.product("cola", price_cents=100, stock=30, seller=sam)).product_id
    hall = await api.shop.machine()
    buys, sells, minds, runs = [
        (await made(api, who, scope))["token"]
        for who, scope in ((ada, "buy"), (sam, "sell"), (cas, "admin"), (root, "admin"))
    ]

    async def sold(fulfil: Fulfil) -> str:
        order = await api.shop.do(PlaceOrder(ada, wallet, ((cola, 1),), fulfil=fulfil))
        assert isinstance(order, OrderPlaced)
        return f"/v1/orders/{order.order_id}"

    for token in (buys, sells, minds, runs):
        answer = await api.post(f"{await sold(Fulfil.NOW)}/refunds", {}, by=token)
        assert answer.status_code == 201, answer.text
    off: dict[str, Any] = {"status": "cancelled"}
    out: dict[str, Any] = {"status": "dispensed"}
    for token, statuses in ((buys, (200, 403)), (sells, (403, 200)), (minds, (200, 200)), (runs, (200, 200))):
        for body, status in zip((off, out), statuses, strict=True):
            answer = await api.call("PATCH", await sold(Fulfil.LATER), body, by=token)
            assert answer.status_code == status, answer.text
    body = {"product": cola, "quantity": 1, "to": hall}
    for token, status in ((sells, 200), (runs, 200), (buys, 403), (minds, 403)):
        answer = await api.post("/v1/machines/1/moves", body, by=token)
        assert answer.status_code == status, answer.text
    await api.shop.assert_clean()


@pytest.mark.parametrize("scope", list(Scope))
async def test_reading_takes_the_scope_to_read(api: Api, scope: Scope) -> None:
    root = await api.shop.person("root", *Role)
    token = (await made(api, root, scope))["token"]
    answer = await api.get("/v1/orders", by=token)
    assert answer.status_code == (200 if scope is Scope.READ else 403)
