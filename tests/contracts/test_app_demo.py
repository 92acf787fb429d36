"""The contract `app-demo`, from its document's own text, and the holes that it must not have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contracts.conftest import Client, speaking
from tuckshop.domain.users import RegistrationMode
from tuckshop.till.callers import SessionCaller

PASSWORD = "123abc#$%"
REDBULL = {"name": "RedBull", "price": "2.2", "stock": "100"}
HUGE = 2**63


@pytest.fixture
async def walked(database_url: str, way: tuple[bool, str]) -> AsyncIterator[Client]:
    """The contract in each of its four places."""
    async with speaking(database_url, "app-demo", way, tab_limit_cents=20_000) as client:
        yield client


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Client]:
    async with speaking(database_url, "app-demo") as client:
        yield client


async def tokens(client: Client, name: str) -> dict[str, str]:
    told: dict[str, str] = await client.says(
        "POST", "/api/token/", {"name": name, "password": PASSWORD}, status=200
    )
    return told


async def entered(client: Client, name: str) -> Client:
    """A new user, logged in."""
    await client.says("POST", "/api/register/", {"name": name, "password": PASSWORD}, status=201)
    return client.bearing(Authorization=f"Bearer {(await tokens(client, name))['access']}")


async def made(client: Client, **product: Any) -> dict[str, Any]:
    """A new product of the client's."""
    told: dict[str, Any] = await client.says("POST", "/api/product/", {**REDBULL, **product}, status=201)
    return told


async def stock_of(client: Client, product_id: int) -> int:
    told = await client.says("GET", f"/api/product/{product_id}", status=200)
    stock: int = told["stock"]
    return stock


async def test_the_documents_own_walk(walked: Client) -> None:
    body = {"name": "user1", "password": PASSWORD}
    user = await walked.says("POST", "/api/register/", body, status=201)
    assert user == {"id": user["id"], "name": "user1"}
    told = await walked.says("POST", "/api/token/", body, status=200)
    assert set(told) == {"access", "refresh"}
    user1 = walked.bearing(Authorization=f"Bearer {told['access']}")

    redbull = await user1.says("POST", "/api/product/", REDBULL, status=201)
    assert redbull == {"id": redbull["id"], "name": "RedBull", "price": "2.20", "stock": 100}
    yellow = await user1.says(
        "POST", "/api/product/", {"name": "Yellow tea", "price": 5.3, "stock": 20}, status=201
    )
    assert yellow == {"id": yellow["id"], "name": "Yellow tea", "price": "5.30", "stock": 20}

    listed = await user1.says("GET", "/api/product/", status=200)
    assert listed == {"count": 2, "next": None, "previous": None, "results": [redbull, yellow]}
    for query, found in (
        ("keyword=redbull", [redbull]),
        ("keywords=YELL", [yellow]),
        ("max_price=5.3&keyword=yellow", [yellow]),
        ("max_price=5.29&keyword=yellow", []),
        ("max_price=2.2", [redbull]),
        ("max_price=1.5", []),
        ("limit=5&offset=5", []),
    ):
        some = await user1.says("GET", f"/api/product/?{query}", status=200)
        assert some["results"] == found, query
    paged = await user1.says("GET", "/api/product/?limit=1", status=200)
    assert (paged["count"], paged["results"], paged["previous"]) == (2, [redbull], None)
    following = (await user1.client.get(paged["next"], headers=user1.header)).json()
    assert (following["results"], following["next"]) == ([yellow], None)

    address = f"/api/product/{redbull['id']}"
    assert await user1.says("GET", address, status=200) == redbull
    assert await user1.says("PUT", address, {**redbull, "price": "2.5", "stock": "90"}, status=200) == {
        **redbull,
        "price": "2.50",
        "stock": 90,
    }

    wanted = [{"id": redbull["id"], "quantity": 15}, {"id": yellow["id"], "quantity": 13}]
    order = await user1.says("POST", "/api/order/", {"products": wanted}, status=201)
    assert order == {
        "id": order["id"],
        "status": "placed",
        "total": "106.40",
        "products": [
            {"id": redbull["id"], "name": "RedBull", "quantity": 15, "price": "2.50"},
            {"id": yellow["id"], "name": "Yellow tea", "quantity": 13, "price": "5.30"},
        ],
        "created_at": "2025-10-09T08:53:20Z",
    }
    assert await stock_of(user1, redbull["id"]) == 75
    more = await user1.says("POST", "/api/order/", {"products": wanted[:1]}, status=201)
    assert await user1.says("GET", "/api/order/", status=200) == {
        "count": 2,
        "next": None,
        "previous": None,
        "results": [more, order],
    }
    assert (await user1.says("GET", "/api/order/?limit=1&offset=1", status=200))["results"] == [order]

    assert await user1.says("DELETE", address, status=204) is None
    assert (await user1.says("GET", address, status=404))["code"] == "unknown-product"
    for method, path in (("GET", "/api/nothing/"), ("GET", "/api/product/x"), ("GET", "/")):
        if path != "/" or walked.prefix:
            assert (await user1.says(method, path, status=404))["code"] == "not-found"
    refused = await user1.call("PATCH", "/api/order/", {})
    assert (refused.status_code, refused.json()["code"]) == (405, "method-not-allowed")
    assert set(refused.headers["allow"].split(", ")) >= {"GET", "POST"}


async def test_everything_but_registering_and_tokens_needs_a_token(app: Client) -> None:
    redbull = await made(await entered(app, "sam"))
    for method, path, body in (
        ("GET", "/api/product/", None),
        ("POST", "/api/product/", REDBULL),
        ("GET", f"/api/product/{redbull['id']}", None),
        ("PUT", f"/api/product/{redbull['id']}", REDBULL),
        ("DELETE", f"/api/product/{redbull['id']}", None),
        ("POST", "/api/order/", {"products": [{"id": redbull["id"], "quantity": 1}]}),
        ("GET", "/api/order/", None),
    ):
        for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Token x"}):
            answer = await app.bearing(**header).call(method, path, body)
            assert (answer.status_code, answer.json()["code"]) == (401, "session-ended"), path
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_refresh_token_lasts_its_day_and_ends_at_log_out(app: Client) -> None:
    ada = await entered(app, "ada")
    told = await tokens(app, "ada")
    renewed = told
    for _ in range(2):
        app.api.clock.forward(301)
        renewed = await app.says("POST", "/api/token/refresh/", {"refresh": told["refresh"]}, status=200)
        assert set(renewed) == {"access"}
        await ada.says("GET", "/api/order/", status=401)  # After 5 minutes.
        ada = app.bearing(Authorization=f"Bearer {renewed['access']}")
        await ada.says("GET", "/api/order/", status=200)
    for wrong in (renewed["access"], "x", ""):
        refused = await app.says("POST", "/api/token/refresh/", {"refresh": wrong}, status=401)
        assert refused["code"] == "session-ended"
    answer = await app.api.post("/v1/auth/logout-all", {"username": "ada", "password": PASSWORD})
    assert answer.json() == {"ended": 2}, answer.text
    for method, path in (("GET", "/api/product/"), ("GET", "/api/order/"), ("GET", "/api/product/1")):
        assert (await ada.says(method, path, status=401))["code"] == "session-ended"
    await ada.says("POST", "/api/product/", REDBULL, status=401)
    await app.says("POST", "/api/token/refresh/", {"refresh": told["refresh"]}, status=401)

    told = await tokens(app, "ada")
    app.api.clock.forward(86_400)
    await app.says("POST", "/api/token/refresh/", {"refresh": told["refresh"]}, status=401)


async def test_who_may_register_and_log_in(app: Client) -> None:
    await entered(app, "ada")
    for name in ("ada", "ADA"):
        taken = {"name": name, "password": PASSWORD}
        assert (await app.says("POST", "/api/register/", taken, status=409))["code"] == "name-taken"
    wrong: list[dict[str, Any]] = [
        {"name": "bob", "password": "short"},
        {"name": "bob", "password": "password"},
        {"name": "bob", "password": None},
        {"name": "bob"},
        {"name": "a/b", "password": PASSWORD},
        {"name": "house", "password": PASSWORD},
        {"name": "x" * 1_000, "password": PASSWORD},
        {"name": "b\u200bob", "password": PASSWORD},
        {"name": "bob", "password": PASSWORD, "role": "admin"},
        {"name": "bob", "password": PASSWORD, "roles": ["admin"]},
        {"name": "bob", "password": PASSWORD, "is_superuser": True},
    ]
    for body in wrong:
        await app.says("POST", "/api/register/", body, status=400)
    for name, password in (("ada", "123abc#$"), ("bob", PASSWORD)):
        refused = await app.says("POST", "/api/token/", {"name": name, "password": password}, status=401)
        assert refused["code"] == "bad-credentials"
    await app.says("POST", "/api/token/", {"username": "ada", "password": PASSWORD}, status=400)
    assert {user["username"] for user in await app.api.shop.rows("users")} == {"root", "ada"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_registration_follows_the_settings(database_url: str) -> None:
    closed = RegistrationMode.CLOSED
    async with speaking(database_url, "app-demo", seller_registration=closed) as app:
        body = {"name": "ada", "password": PASSWORD}
        refused = await app.says("POST", "/api/register/", body, status=403)
        assert refused["code"] == "registration-closed"


async def test_a_product_is_changed_by_its_creator_or_an_admin(app: Client) -> None:
    sam, eve = await entered(app, "sam"), await entered(app, "eve")
    redbull = await made(sam)
    address = f"/api/product/{redbull['id']}"
    for body in ({"price": "0.01"}, {"stock": 0}, REDBULL):
        assert (await eve.says("PUT", address, body, status=403))["code"] == "not-owner"
    assert (await eve.says("DELETE", address, status=403))["code"] == "not-owner"
    assert await eve.says("GET", address, status=200) == redbull

    (admin,) = [user for user in await app.api.shop.rows("users") if user["username"] == "root"]
    (session,) = [one for one in await app.api.shop.rows("sessions") if one["user_id"] == admin["id"]]
    root = app.bearing(Authorization=f"Bearer {app.api.token(SessionCaller(session['id'], admin['id']))}")
    assert (await root.says("PUT", address, {"price": 3}, status=200))["price"] == "3.00"
    await root.says("DELETE", address, status=204)
    for method in ("GET", "PUT", "DELETE"):
        change = {"stock": 1} if method == "PUT" else None
        assert (await sam.says(method, address, change, status=404))["code"] == "unknown-product"
    for wrong in ("0", "-1", str(HUGE), "9" * 40):
        await sam.says("GET", f"/api/product/{wrong}", status=400)
    for unknown in ("01", "x", "1.0", "999", "%D9%A1"):
        await sam.says("GET", f"/api/product/{unknown}", status=404)
    await sam.says("PUT", "/api/product/999", {"stock": 1}, status=404)


async def test_sellers_sell_and_buyers_order(app: Client) -> None:
    redbull = await made(await entered(app, "sam"))
    clients = []
    for name, role in (("ben", "buyer"), ("sue", "seller")):
        await app.api.registered(name, PASSWORD, (role,))
        clients.append(app.bearing(Authorization=f"Bearer {(await tokens(app, name))['access']}"))
    ben, sue = clients
    assert (await ben.says("POST", "/api/product/", REDBULL, status=403))["code"] == "role-missing"
    order = {"products": [{"id": redbull["id"], "quantity": 1}]}
    assert (await sue.says("POST", "/api/order/", order, status=403))["code"] == "role-missing"
    await ben.says("POST", "/api/order/", order, status=201)
    mine = await app.api.get("/v1/orders", by=(await app.api.logged_in("ben", PASSWORD))["access"])
    assert [one["payment"] for one in mine.json()["items"]] == ["tab"]
    assert (await sue.says("GET", "/api/order/", status=200))["count"] == 0


async def test_prices_are_read_to_the_cent(app: Client) -> None:
    sam = await entered(app, "sam")
    for number, (written, shown) in enumerate(
        (
            ('"2.2"', "2.20"),
            ("2.2", "2.20"),
            ("2.20", "2.20"),
            ("2", "2.00"),
            ('"2"', "2.00"),
            ("0.01", "0.01"),
            ("0.29", "0.29"),
            ("10000000.00", "10000000.00"),
            ('"\\u0032.5"', "2.50"),
        )
    ):
        body = f'{{"name": "RedBull {number}", "stock": 1, "price": {written}}}'
        headers = {"content-type": "application/json"}
        told = await sam.says("POST", "/api/product/", content=body, headers=headers, status=201)
        assert told["price"] == shown, written


async def test_wrong_prices_and_stock_change_nothing(app: Client) -> None:
    sam = await entered(app, "sam")
    redbull = await made(sam)
    address, headers = f"/api/product/{redbull['id']}", {"content-type": "application/json"}
    prices = [
        *("2.225", "2.200", "0", "-1", "0.001", "1e2", "2.2e0", "NaN", "Infinity", "10000000.01", "1e400"),
        *("true", "null", "[]", "{}", "9" * 5_000, "2.20000000000000001", "9007199254740993.1"),
        *('""', '"0"', '"-1"', '"2.225"', '"2,20"', '" 2"', '"1e2"', '"NaN"', '"\u0663"', '"2.2\\u0000"'),
        *('"\\ud800"', f'"{"9" * 400}"'),
    ]
    stocks = [
        "-1",
        "1.5",
        "1.0",
        "1e2",
        "true",
        "null",
        "[]",
        '""',
        '"-1"',
        '"1.5"',
        '"x"',
        "1000001",
        "9" * 40,
    ]
    stocks += ['"1000001"', '"01"', '"\u0663"', '" 1"']
    wrong = [f'"price": {price}' for price in prices] + [f'"stock": {stock}' for stock in stocks]
    for member in wrong:
        other = '"stock": 1' if member.startswith('"price"') else '"price": 1'
        new = f'{{"name": "Tea", {other}, {member}}}'
        await sam.says("POST", "/api/product/", content=new, headers=headers, status=400)
        await sam.says("PUT", address, content=f"{{{member}}}", headers=headers, status=400)
    for body in (
        {"id": 99},
        {"id": None},
        {"seller": "sam"},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a/b"},
    ):
        await sam.says("PUT", address, body, status=400)
    assert (await sam.says("GET", "/api/product/", status=200))["results"] == [redbull]
    await made(sam, name="Tea")
    assert (await sam.says("PUT", address, {"name": "TEA"}, status=409))["code"] == "name-taken"
    assert await sam.says("PUT", address, {}, status=200) == redbull


QUERIES = [
    *("max_price=x", "max_price=-1", "max_price=1.234", "max_price=", "max_price=1e3", "max_price=NaN"),
    *("max_price=1&max_price=2", "keyword=a&keyword=b", "keyword=a&keywords=b", "keyword=%00"),
    *(f"keyword={'x' * 101}", "limit=0", "limit=1001", "limit=x", "offset=-1", "offset=10001", "page=2"),
    *("limit=1.0", "limit=٣", f"max_price={'9' * 400}", "limit=true"),
]


async def test_wrong_queries(app: Client) -> None:
    ada = await entered(app, "ada")
    for query in QUERIES:
        await ada.says("GET", f"/api/product/?{query}", status=400)


async def test_signs_in_a_keyword_mean_themselves(app: Client) -> None:
    sam = await entered(app, "sam")
    await made(sam, name="100% juice")
    await made(sam, name="1000 juices")
    for keyword, count in (("100%25", 1), ("_", 0), ("JUICE", 2), ("%27%20OR%201=1", 0), ("", 2)):
        told = await sam.says("GET", f"/api/product/?keyword={keyword}", status=200)
        assert told["count"] == len(told["results"]) == count, keyword


async def test_an_order_is_all_or_nothing(app: Client) -> None:
    sam, ada = await entered(app, "sam"), await entered(app, "ada")
    redbull, tea = await made(sam, stock=2), await made(sam, name="Tea", stock=5)

    async def refused(*lines: tuple[int, int], status: int) -> Any:
        body = {"products": [{"id": product, "quantity": quantity} for product, quantity in lines]}
        told = await ada.says("POST", "/api/order/", body, status=status)
        assert (await ada.says("GET", "/api/order/", status=200))["count"] == 0
        assert [await stock_of(ada, one["id"]) for one in (redbull, tea)] == [2, 5]
        return told

    short = await refused((tea["id"], 1), (redbull["id"], 3), status=409)
    assert short["code"] == "out-of-stock"
    # Two lines of one product are one: each fits, both do not.
    assert (await refused((redbull["id"], 1), (redbull["id"], 2), status=409))["code"] == "out-of-stock"
    assert (await refused((tea["id"], 1), (999, 1), status=404))["code"] == "unknown-product"
    assert (await refused((HUGE - 1, 1), status=404))["code"] == "unknown-product"
    for quantity in (0, -1, 1.5, True, "1", None, 1_000_001, HUGE, 10**30):
        await refused((tea["id"], quantity), status=400)  # type: ignore[arg-type]
    for product in (0, -1, 1.5, True, str(tea["id"]), None, HUGE):
        await refused((product, 1), status=400)  # type: ignore[arg-type]
    wrong: list[Any] = [
        {},
        {"products": []},
        {"products": None},
        {"products": {}},
        {"products": [{"id": tea["id"]}]},
        {"products": [{"quantity": 1}]},
        {"products": [[tea["id"], 1]]},
        {"products": [{"id": tea["id"], "quantity": 1, "price": "0.01"}]},
        {"products": [{"id": tea["id"], "quantity": 1}], "user": 1},
        {"products": [{"id": tea["id"], "quantity": 1}], "total": "0.00"},
        {"products": [{"id": tea["id"], "quantity": 1}] * 101},
        [],
        "x",
    ]
    for one in wrong:
        await ada.says("POST", "/api/order/", one, status=400)
    # The exact last ones are enough; then there are none.
    body = {"products": [{"id": redbull["id"], "quantity": 1}, {"id": redbull["id"], "quantity": 1}]}
    order = await ada.says("POST", "/api/order/", body, status=201)
    assert [(line["quantity"], line["price"]) for line in order["products"]] == [(2, "2.20")]
    assert order["total"] == "4.40"
    assert (await ada.says("POST", "/api/order/", body, status=409))["code"] == "out-of-stock"


async def test_the_tab_ends_at_its_limit_to_the_cent(app: Client) -> None:
    sam, ada = await entered(app, "sam"), await entered(app, "ada")
    dear = await made(sam, price="99.99")
    cheap = await made(sam, name="Sweet", price="0.01", stock=200)

    async def order(product: dict[str, Any], quantity: int, status: int) -> Any:
        body = {"products": [{"id": product["id"], "quantity": quantity}]}
        return await ada.says("POST", "/api/order/", body, status=status)

    assert (await order(cheap, 2, 201))["total"] == "0.02"
    assert await order(dear, 1, 409) == {
        "detail": "This is more than may still go on the tab.",
        "code": "tab-limit-exceeded",
    }
    assert (await order(cheap, 98, 201))["total"] == "0.98"
    assert (await order(dear, 1, 409))["code"] == "tab-limit-exceeded"
    await ada.says("PUT", f"/api/product/{dear['id']}", {"price": 99}, status=403)
    await sam.says("PUT", f"/api/product/{dear['id']}", {"price": 99}, status=200)
    assert (await order(dear, 1, 201))["total"] == "99.00"
    assert (await order(cheap, 1, 409))["code"] == "tab-limit-exceeded"


async def test_two_never_get_the_last_one(app: Client) -> None:
    sam = await entered(app, "sam")
    people = [await entered(app, name) for name in ("ada", "bob", "cleo")]
    for round_ in range(3):
        last = await made(sam, name=f"Last {round_}", stock=1)
        body = {"products": [{"id": last["id"], "quantity": 1}]}
        answers = await asyncio.gather(*(one.call("POST", "/api/order/", body) for one in people))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
        assert await stock_of(sam, last["id"]) == 0


async def test_nobody_sees_anothers_orders(app: Client) -> None:
    sam, ada = await entered(app, "sam"), await entered(app, "ada")
    redbull = await made(sam)
    body = {"products": [{"id": redbull["id"], "quantity": 1}]}
    await ada.says("POST", "/api/order/", body, status=201)
    assert (await sam.says("GET", "/api/order/", status=200))["results"] == []


async def test_a_key_makes_things_happen_once(app: Client) -> None:
    sam, ada = await entered(app, "sam"), await entered(app, "ada")
    redbull = await made(sam)
    body = {"products": [{"id": redbull["id"], "quantity": 1}]}
    key = {"Idempotency-Key": "one"}
    first = await ada.call("POST", "/api/order/", body, headers=key)
    again = await ada.call("POST", "/api/order/", body, headers=key)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    body["products"][0]["quantity"] = 2
    refused = await ada.call("POST", "/api/order/", body, headers=key)
    assert refused.json()["code"] == "key-reused"
    assert refused.status_code == 422
    assert await stock_of(sam, redbull["id"]) == 99
    made_twice = [
        await sam.call("POST", "/api/product/", {**REDBULL, "name": "Tea"}, headers=key) for _ in "12"
    ]
    assert [answer.status_code for answer in made_twice] == [201, 201]


async def test_bodies_that_are_none(app: Client) -> None:
    sam = await entered(app, "sam")
    json = {"content-type": "application/json"}
    for path in ("/api/register/", "/api/token/", "/api/token/refresh/", "/api/product/", "/api/order/"):
        for content in (b"", b"{", b"nonsense", b"\xff\xfe", b"[" * 30_000, b'{"a":' * 6_000, b"{}{}"):
            await sam.says("POST", path, content=content, headers=json, status=400)
        for content in (b'{"name":"\\u0000"}', b'{"name":"\\ud800"}', b'{"name":1,"name":1}', b"null", b"1"):
            await sam.says("POST", path, content=content, headers=json, status=400)
        too_large = b'{"name":"' + b"x" * 70_000 + b'"}'
        await sam.says("POST", path, content=too_large, headers=json, status=413)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
            await sam.says("POST", path, content=b"{}", headers={"content-type": kind}, status=415)
    assert await app.api.shop.rows("products") == []


async def test_head_and_options(app: Client) -> None:
    sam = await entered(app, "sam")
    options = await app.call("OPTIONS", "/api/product/")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    head = await sam.call("HEAD", "/api/product/")
    assert head.content == b""
