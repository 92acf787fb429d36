"""The contract `shop`, from its document's own text, and the holes that it must not have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contracts.conftest import Client, speaking
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Payment
from tuckshop.domain.users import Role
from tuckshop.identity import users
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.orders import Dispense, PlaceOrder
from tuckshop.till.commands.products import ChangeProduct, RemoveProduct
from tuckshop.till.commands.users import CloseUser

PASSWORD = "correct horse"
HUGE = 2**63


@pytest.fixture
async def walked(database_url: str, way: tuple[bool, str]) -> AsyncIterator[Client]:
    """The contract in each of its four places."""
    async with speaking(database_url, "shop", way) as client:
        yield client


@pytest.fixture
async def web(database_url: str) -> AsyncIterator[Client]:
    async with speaking(database_url, "shop") as client:
        yield client


async def tokens(client: Client, name: str) -> dict[str, str]:
    told: dict[str, str] = await client.says(
        "POST", "/api/token/", {"username": name, "password": PASSWORD}, status=200
    )
    return told


async def entered(client: Client, name: str, *roles: str) -> Client:
    """A user made by /v1, logged in here."""
    await client.api.registered(name, PASSWORD, roles or ("buyer",))
    return client.bearing(Authorization=f"Bearer {(await tokens(client, name))['access']}")


async def product(client: Client, name: str = "Cola", *, price_cents: int = 150, stock: int = 10) -> int:
    made = await client.api.shop.product(name, price_cents=price_cents, stock=stock)
    return made.product_id


async def stock_of(client: Client, product_id: int) -> int:
    told = await client.says("GET", f"/api/products/{product_id}/", status=200)
    quantity: int = told["quantity"]
    return quantity


async def owed_by(client: Client, name: str) -> int:
    """What the user owes on the tab, by /v1."""
    token = (await client.api.logged_in(name, PASSWORD))["access"]
    wallet = await client.api.get("/v1/wallet", by=token)
    assert wallet.status_code == 200, wallet.text
    owed: int = wallet.json()["owed"]
    return owed


def of(*lines: tuple[Any, Any]) -> dict[str, Any]:
    """The body that asks for (product, quantity)."""
    return {"products": [{"id": product_id, "quantity": quantity} for product_id, quantity in lines]}


async def test_the_documents_own_walk(walked: Client) -> None:
    await walked.api.registered("ada", PASSWORD)
    cola, tea = await product(walked), await product(walked, "Tea", price_cents=80, stock=3)
    told = await tokens(walked, "ada")
    assert set(told) == {"refresh", "access"}
    renewed = await walked.says("POST", "/api/token/refresh/", {"refresh": told["refresh"]}, status=200)
    assert set(renewed) == {"access"}
    ada = walked.bearing(Authorization=f"Bearer {renewed['access']}")

    shown = [
        {"id": cola, "name": "Cola", "price": "1.50", "quantity": 10},
        {"id": tea, "name": "Tea", "price": "0.80", "quantity": 3},
    ]
    listed = await ada.says("GET", "/api/products/", status=200)
    assert listed == {"count": 2, "next": None, "previous": None, "results": shown}
    paged = await ada.says("GET", "/api/products/?limit=1&offset=1", status=200)
    assert (paged["count"], paged["results"], paged["next"]) == (2, shown[1:], None)
    before = (await ada.client.get(paged["previous"], headers=ada.header)).json()
    assert before["results"] == shown[:1]
    assert await ada.says("GET", f"/api/products/{tea}/", status=200) == shown[1]

    order = await ada.says("POST", "/api/orders/basket-1/", of((cola, 2), (tea, 1)), status=201)
    assert order == {
        "id": "basket-1",
        "status": "placed",
        "total": "3.80",
        "products": [
            {"id": cola, "name": "Cola", "quantity": 2, "price": "1.50"},
            {"id": tea, "name": "Tea", "quantity": 1, "price": "0.80"},
        ],
        "created_at": "2025-10-09T08:53:20Z",
    }
    assert [await stock_of(ada, one) for one in (cola, tea)] == [8, 2]
    assert await ada.says("POST", "/api/orders/basket-1/", of((cola, 2), (tea, 1)), status=200) == order
    taken = await ada.says("POST", "/api/orders/basket-1/", of((cola, 1)), status=409)
    assert taken["code"] == "client-ref-taken"
    assert [await stock_of(ada, one) for one in (cola, tea)] == [8, 2]
    assert await ada.says("GET", "/api/orders/basket-1/", status=200) == order

    numbered = await ada.says("POST", "/api/orders/", of((tea, 1)), status=201)
    assert isinstance(numbered["id"], int)
    assert await ada.says("GET", f"/api/orders/{numbered['id']}/", status=200) == numbered
    assert await ada.says("GET", "/api/orders/", status=200) == {
        "count": 2,
        "next": None,
        "previous": None,
        "results": [numbered, order],
    }
    assert (await ada.says("GET", "/api/orders/?limit=1&offset=1", status=200))["results"] == [order]

    smaller = await ada.says("PATCH", "/api/orders/basket-1/", of((cola, 1)), status=200)
    assert smaller == {**order, "total": "1.50", "products": [{**order["products"][0], "quantity": 1}]}
    assert [await stock_of(ada, one) for one in (cola, tea)] == [9, 2]
    assert await owed_by(ada, "ada") == 150 + 80
    gone = await ada.says("PATCH", f"/api/orders/{numbered['id']}/", {"status": "cancelled"}, status=200)
    assert gone == {**numbered, "status": "cancelled"}
    assert await stock_of(ada, tea) == 3
    assert await owed_by(ada, "ada") == 150

    assert (await ada.says("GET", "/api/orders/nothing/", status=404))["code"] == "unknown-order"
    assert (await ada.says("GET", "/api/products/999/", status=404))["code"] == "unknown-product"
    assert (await ada.says("GET", "/api/nothing/", status=404))["code"] == "not-found"
    for method, path in (
        ("PUT", "/api/orders/basket-1/"),
        ("POST", "/api/products/"),
        ("GET", "/api/token/"),
    ):
        refused = await ada.call(method, path, {} if method != "GET" else None)
        assert (refused.status_code, refused.json()["code"]) == (405, "method-not-allowed")
        assert refused.headers["allow"]


async def test_everything_but_tokens_needs_a_token(web: Client) -> None:
    cola = await product(web)
    for method, path, body in (
        ("GET", "/api/products/", None),
        ("GET", f"/api/products/{cola}/", None),
        ("GET", "/api/orders/", None),
        ("POST", "/api/orders/", of((cola, 1))),
        ("POST", "/api/orders/basket/", of((cola, 1))),
        ("GET", "/api/orders/basket/", None),
        ("PATCH", "/api/orders/basket/", {"status": "cancelled"}),
    ):
        for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Token x"}):
            answer = await web.bearing(**header).call(method, path, body)
            assert (answer.status_code, answer.json()["code"]) == (401, "session-ended"), path
            assert answer.headers["www-authenticate"] == "Bearer"
    assert await web.api.shop.rows("orders") == []


async def test_access_lives_5_minutes_and_refresh_a_day(web: Client) -> None:
    ada = await entered(web, "ada")
    told = await tokens(web, "ada")
    web.api.clock.forward(299)
    await ada.says("GET", "/api/products/", status=200)
    web.api.clock.forward(2)
    assert (await ada.says("GET", "/api/products/", status=401))["code"] == "session-ended"
    renewed = told
    for _ in range(2):
        renewed = await web.says("POST", "/api/token/refresh/", {"refresh": told["refresh"]}, status=200)
        ada = web.bearing(Authorization=f"Bearer {renewed['access']}")
        await ada.says("GET", "/api/products/", status=200)
    for wrong in (renewed["access"], "", "x", told["refresh"][:-3] + "abc"):
        await web.says("POST", "/api/token/refresh/", {"refresh": wrong}, status=401)
    web.api.clock.forward(DAY_SECONDS)
    refused = await web.says("POST", "/api/token/refresh/", {"refresh": told["refresh"]}, status=401)
    assert refused["code"] == "session-ended"


async def test_log_out_ends_both_tokens_everywhere(web: Client) -> None:
    await entered(web, "ada")
    many = [await tokens(web, "ada") for _ in range(2)]
    answer = await web.api.post("/v1/auth/logout-all", {"username": "ada", "password": PASSWORD})
    assert answer.status_code < 300, answer.text
    for told in many:
        ada = web.bearing(Authorization=f"Bearer {told['access']}")
        for method, path in (("GET", "/api/products/"), ("GET", "/api/orders/"), ("GET", "/api/orders/x/")):
            assert (await ada.says(method, path, status=401))["code"] == "session-ended"
        await web.says("POST", "/api/token/refresh/", {"refresh": told["refresh"]}, status=401)


async def test_wrong_log_ins(web: Client) -> None:
    await entered(web, "ada")
    for body, status in (
        ({"username": "ada", "password": "wrong"}, 401),
        ({"username": "nobody", "password": PASSWORD}, 401),
        ({"name": "ada", "password": PASSWORD}, 400),
        ({"username": "ada", "password": None}, 400),
        ({"username": "ada"}, 400),
        ({"username": "ada", "password": "x" * 2_000}, 400),
    ):
        await web.says("POST", "/api/token/", body, status=status)
    user = await users.find_by_name(web.api.running, username="ada")
    await web.api.running.till.execute(Envelope(CloseUser(OPERATOR, user.id)))
    await web.says("POST", "/api/token/", {"username": "ada", "password": PASSWORD}, status=401)


async def test_a_named_order_is_made_once_for_ever(web: Client) -> None:
    ada = await entered(web, "ada")
    cola, tea = await product(web, stock=5), await product(web, "Tea", stock=5)
    address, body = "/api/orders/a_B-9/", of((cola, 3), (tea, 1), (cola, 2))
    order = await ada.says("POST", address, body, status=201)
    assert [(line["id"], line["quantity"]) for line in order["products"]] == [(cola, 5), (tea, 1)]
    # Sold out, dearer, renamed, off sale, long ago: it is still the same order.
    assert await ada.says("POST", address, of((tea, 1), (cola, 5)), status=200) == order
    await web.api.shop.do(ChangeProduct(OPERATOR, cola, price_cents=999, name="Cola 2"))
    await web.api.shop.do(RemoveProduct(OPERATOR, tea))
    web.api.clock.forward(400 * DAY_SECONDS)
    ada = web.bearing(Authorization=f"Bearer {(await tokens(web, 'ada'))['access']}")
    assert await ada.says("POST", address, body, status=200) == order
    smaller = await ada.says("PATCH", address, of((cola, 1)), status=200)
    assert await ada.says("POST", address, body, status=200) == smaller
    assert (await ada.says("POST", address, of((cola, 1)), status=409))["code"] == "client-ref-taken"
    for other in (of((cola, 5)), of((cola, 5), (tea, 2)), of((cola, 6), (tea, 1)), of((999, 1))):
        assert (await ada.says("POST", address, other, status=409))["code"] == "client-ref-taken"
    gone = await ada.says("PATCH", address, of(), status=200)
    assert gone["status"] == "cancelled"
    assert await ada.says("POST", address, body, status=200) == gone
    assert len(await web.api.shop.rows("orders")) == 1
    assert await owed_by(web, "ada") == 0


async def test_what_was_refused_may_be_tried_again_under_its_name(web: Client) -> None:
    ada = await entered(web, "ada")
    cola = await product(web, stock=1)
    for body, status in ((of((cola, 2)), 409), (of((999, 1)), 404), (of((cola, 0)), 400)):
        await ada.says("POST", "/api/orders/basket/", body, status=status)
        await ada.says("GET", "/api/orders/basket/", status=404)
    await ada.says("POST", "/api/orders/basket/", of((cola, 1)), status=201)


async def test_ten_at_once_under_one_name_are_one_order(web: Client) -> None:
    ada = await entered(web, "ada")
    cola = await product(web)
    calls = [ada.call("POST", "/api/orders/basket/", of((cola, 1))) for _ in range(10)]
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.text for answer in answers}) == 1
    assert await stock_of(ada, cola) == 9


async def test_names_are_everybodys_own(web: Client) -> None:
    ada, bob = await entered(web, "ada"), await entered(web, "bob")
    cola = await product(web)
    hers = await ada.says("POST", "/api/orders/basket/", of((cola, 1)), status=201)
    number = (await web.api.shop.rows("orders"))[0]["id"]
    root = web.bearing(Authorization=f"Bearer {await _admin(web)}")
    for stranger in (bob, root):
        for name in ("basket", str(number)):
            for method, body in (("GET", None), ("PATCH", {"status": "cancelled"}), ("PATCH", of((cola, 1)))):
                told = await stranger.says(method, f"/api/orders/{name}/", body, status=404)
                assert told["code"] == "unknown-order"
    assert (await bob.says("GET", "/api/orders/", status=200))["count"] == 0
    his = await bob.says("POST", "/api/orders/basket/", of((cola, 2)), status=201)
    assert await ada.says("GET", "/api/orders/basket/", status=200) == hers
    assert await bob.says("GET", "/api/orders/basket/", status=200) == his
    # A name that is another order's number: the name comes first, for its maker alone.
    named = await bob.says("POST", f"/api/orders/{number}/", of((cola, 3)), status=201)
    assert named["id"] == str(number)
    assert await bob.says("GET", f"/api/orders/{number}/", status=200) == named
    assert await ada.says("GET", f"/api/orders/{number}/", status=200) == hers


async def _admin(client: Client) -> str:
    return client.api.token(await client.api.shop.person("boss", Role.ADMIN, Role.BUYER))


async def test_an_order_from_a_wallet_is_another_order(web: Client) -> None:
    await web.api.registered("ada", PASSWORD)
    cola = await product(web)
    told = await tokens(web, "ada")
    caller = web.api.running.tokens.caller(told["access"], audience="shop")
    ada = web.bearing(Authorization=f"Bearer {told['access']}")
    await web.api.post("/v1/wallet/deposits", {"coins": {"100": 2, "50": 2}}, by=caller)
    await web.api.shop.do(PlaceOrder(caller, wallet_of(caller.user_id), ((cola, 2),), client_ref="basket"))
    shown = await ada.says("GET", "/api/orders/basket/", status=200)
    assert (shown["status"], shown["total"]) == ("dispensed", "3.00")
    await ada.says("POST", "/api/orders/basket/", of((cola, 2)), status=409)
    assert (await ada.says("PATCH", "/api/orders/basket/", of((cola, 1)), status=409))[
        "code"
    ] == "wrong-status"
    assert [order["payment"] for order in await web.api.shop.rows("orders")] == [Payment.WALLET]


NAMES = ["a.b", "a b", "ä", "x" * 65, "a%00b", "a%0A", "%F0%9F%98%80", "a+b", "a:b", "..%2f", "%2e%2e"]


async def test_wrong_names(web: Client) -> None:
    ada = await entered(web, "ada")
    cola = await product(web)
    for name in NAMES:
        for method, body in (("POST", of((cola, 1))), ("GET", None), ("PATCH", {"status": "cancelled"})):
            answer = await ada.call(method, f"/api/orders/{name}", body)
            assert answer.status_code in (400, 404), answer.text
    assert await web.api.shop.rows("orders") == []


async def test_names_at_their_limits(web: Client) -> None:
    ada = await entered(web, "ada")
    cola = await product(web)
    for name in ("x" * 64, "0", "-", "_", "007", "9" * 64, str(HUGE)):
        assert (await ada.says("POST", f"/api/orders/{name}/", of((cola, 1)), status=201))["id"] == name
        assert (await ada.says("GET", f"/api/orders/{name}/", status=200))["id"] == name


async def test_changing_an_order(web: Client) -> None:
    ada = await entered(web, "ada")
    cola, tea, nuts = [await product(web, name) for name in ("Cola", "Tea", "Nuts")]
    address = "/api/orders/basket/"
    order = await ada.says("POST", address, of((cola, 4), (tea, 2)), status=201)

    wrong: list[Any] = [
        of((cola, 5), (tea, 2)),
        of((cola, 2), (cola, 3)),
        of((cola, 4), (nuts, 1)),
        of((cola, 4), (999, 1)),
        of((cola, -1)),
        of((cola, 1.5)),
        of((cola, True)),
        of((cola, "1")),
        of((cola, None)),
        of((cola, HUGE)),
        of((True, 1)),
        of((0, 1)),
        of((HUGE, 1)),
        of(*[(cola, 0)] * 101),
        {},
        {"status": "cancelled", "products": []},
        {"status": "dispensed"},
        {"status": "placed"},
        {"status": None},
        {"status": ["cancelled"]},
        {"products": None},
        {"products": {}},
        {"products": [{"id": cola}]},
        {"products": [{"id": cola, "quantity": 1, "price": "0.01"}]},
        {"total": "0.01"},
        {"id": "other"},
        [],
    ]
    for body in wrong:
        await ada.says("PATCH", address, body, status=400)
    assert await ada.says("GET", address, status=200) == order
    assert await owed_by(web, "ada") == 900

    same = await ada.says("PATCH", address, of((tea, 2), (cola, 4)), status=200)
    assert same == order
    less = await ada.says("PATCH", address, of((cola, 1), (cola, 2), (tea, 0)), status=200)
    assert (less["total"], [line["quantity"] for line in less["products"]]) == ("4.50", [3])
    # Nothing grows again.
    for body in (of((cola, 4)), of((cola, 3), (tea, 1))):
        assert (await ada.says("PATCH", address, body, status=400))["code"] == "invalid-field"
    gone = await ada.says("PATCH", address, of((cola, 0)), status=200)
    assert gone == {**order, "status": "cancelled"}
    for body in ({"status": "cancelled"}, of((cola, 0)), of((cola, 1))):
        assert (await ada.says("PATCH", address, body, status=409))["code"] == "wrong-status"
    assert [await stock_of(ada, one) for one in (cola, tea)] == [10, 10]
    assert await owed_by(web, "ada") == 0


async def test_what_was_handed_out_is_not_changed_any_more(web: Client) -> None:
    ada = await entered(web, "ada")
    cola = await product(web)
    await ada.says("POST", "/api/orders/basket/", of((cola, 2)), status=201)
    await web.api.shop.do(Dispense(OPERATOR, (await web.api.shop.rows("orders"))[0]["id"]))
    for body in ({"status": "cancelled"}, of((cola, 1))):
        assert (await ada.says("PATCH", "/api/orders/basket/", body, status=409))["code"] == "wrong-status"
    assert (await ada.says("GET", "/api/orders/basket/", status=200))["status"] == "dispensed"


async def test_cancelled_by_many_at_once_it_comes_back_once(web: Client) -> None:
    ada = await entered(web, "ada")
    cola = await product(web)
    await ada.says("POST", "/api/orders/basket/", of((cola, 2)), status=201)
    body = {"status": "cancelled"}
    answers = await asyncio.gather(*(ada.call("PATCH", "/api/orders/basket/", body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert await stock_of(ada, cola) == 10
    assert await owed_by(web, "ada") == 0


async def test_orders_are_all_or_nothing_and_end_with_the_tab(web: Client) -> None:
    ada, sue = await entered(web, "ada"), await entered(web, "sue", "seller")
    cola, dear = await product(web, stock=2), await product(web, "Watch", price_cents=9_700, stock=9)
    for path in ("/api/orders/", "/api/orders/basket/"):
        for body, status, code in (
            (of((cola, 3)), 409, "out-of-stock"),
            (of((cola, 1), (cola, 2)), 409, "out-of-stock"),
            (of((dear, 1), (cola, 3)), 409, "out-of-stock"),
            (of((dear, 2)), 409, "tab-limit-exceeded"),
            (of((cola, 1), (999, 1)), 404, "unknown-product"),
            (of(), 400, "invalid-request"),
            (of(*[(cola, 1)] * 101), 400, "invalid-request"),
            *((of((cola, wrong)), 400, "invalid-request") for wrong in (0, -1, 1.5, True, "1", None, HUGE)),
            *((of((wrong, 1)), 400, "invalid-request") for wrong in (0, -1, 1.5, True, "1", None, HUGE)),
            ({**of((cola, 1)), "status": "dispensed"}, 400, "invalid-request"),
            ({**of((cola, 1)), "total": "0.01"}, 400, "invalid-request"),
        ):
            assert (await ada.says("POST", path, body, status=status))["code"] == code, body
        assert (await sue.says("POST", path, of((cola, 1)), status=403))["code"] == "role-missing"
    assert await web.api.shop.rows("orders") == []
    # The exact last ones, up to the limit of 100.00 to the cent.
    whole = await ada.says("POST", "/api/orders/", of((dear, 1), (cola, 2)), status=201)
    assert whole["total"] == "100.00"
    assert await stock_of(ada, cola) == 0


async def test_two_never_get_the_last_one(web: Client) -> None:
    people = [await entered(web, name) for name in ("ada", "bob", "cleo")]
    for number in range(3):
        last = await product(web, f"Last {number}", stock=1)
        calls = [one.call("POST", f"/api/orders/last-{number}/", of((last, 1))) for one in people]
        assert sorted(answer.status_code for answer in await asyncio.gather(*calls)) == [201, 409, 409]


async def test_keys_beside_names(web: Client) -> None:
    ada = await entered(web, "ada")
    cola = await product(web)
    for path in ("/api/orders/", "/api/orders/basket/"):
        key = {"Idempotency-Key": path}
        made = await ada.says("POST", path, of((cola, 1)), headers=key, status=201)
        again = await ada.call("POST", path, of((cola, 1)), headers=key)
        assert (again.status_code, again.json()) == (201, made)
        assert again.headers["idempotent-replayed"] == "true"
        refused = await ada.call("POST", path, of((cola, 2)), headers=key)
        assert (refused.status_code, refused.json()["code"]) == (422, "key-reused")
    basket = await ada.says("GET", "/api/orders/basket/", status=200)
    later = {"Idempotency-Key": "later"}
    for _ in range(2):
        found = await ada.call("POST", "/api/orders/basket/", of((cola, 1)), headers=later)
        assert (found.status_code, found.json()) == (200, basket)
    for _ in range(2):
        gone = await ada.call(
            "PATCH", "/api/orders/basket/", {"status": "cancelled"}, headers={"Idempotency-Key": "x"}
        )
        assert (gone.status_code, gone.json()["status"]) == (200, "cancelled")
    assert await stock_of(ada, cola) == 9


async def test_wrong_queries(web: Client) -> None:
    ada = await entered(web, "ada")
    for path in ("/api/products/", "/api/orders/"):
        for wrong in ("limit=0", "limit=1001", "limit=x", "limit=1.0", "limit=1&limit=2", "limit=%00"):
            await ada.says("GET", f"{path}?{wrong}", status=400)
        for wrong in ("offset=-1", "offset=10001", "page=2", "keyword=cola"):
            await ada.says("GET", f"{path}?{wrong}", status=400)


async def test_bodies_that_are_none(web: Client) -> None:
    ada = await entered(web, "ada")
    json = {"content-type": "application/json"}
    for method, path in (
        ("POST", "/api/token/"),
        ("POST", "/api/token/refresh/"),
        ("POST", "/api/orders/"),
        ("POST", "/api/orders/basket/"),
        ("PATCH", "/api/orders/basket/"),
    ):
        for content in (b"", b"{", b"nonsense", b"\xff\xfe", b"[" * 30_000, b'{"a":' * 6_000, b"{}{}"):
            await ada.says(method, path, content=content, headers=json, status=400)
        for content in (b'{"x":"\\u0000"}', b'{"x":"\\ud800"}', b'{"x":1,"x":1}', b"null", b"1", b"NaN"):
            await ada.says(method, path, content=content, headers=json, status=400)
        too_large = b'{"x":"' + b"x" * 70_000 + b'"}'
        await ada.says(method, path, content=too_large, headers=json, status=413)
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            await ada.says(method, path, content=b"{}", headers={"content-type": kind}, status=415)
    assert await web.api.shop.rows("orders") == []


async def test_head_and_options(web: Client) -> None:
    ada = await entered(web, "ada")
    for path, allowed in (
        ("/api/products/", "GET, HEAD, OPTIONS"),
        ("/api/orders/", "GET, HEAD, OPTIONS, POST"),
        ("/api/orders/basket/", "GET, HEAD, OPTIONS, PATCH, POST"),
    ):
        options = await web.call("OPTIONS", path)
        assert (options.status_code, options.headers["allow"]) == (204, allowed)
        assert (await ada.call("HEAD", path)).content == b""
