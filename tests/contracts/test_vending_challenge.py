"""The contract `vending-challenge`, from its document's own text: the vending machine of the exercise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contracts.broken import refuses_what_is_no_body
from tests.contracts.conftest import Client, speaking
from tuckshop.dialects.vending_challenge.wallet import COINS_LISTED_MAX
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.transfers import TopUp

PASSWORD = "a machine for coins"


@pytest.fixture
async def machine(database_url: str, way: tuple[bool, str]) -> AsyncIterator[Client]:
    async with speaking(database_url, "vending-challenge", way) as client:
        yield client


async def entered(client: Client, name: str, role: str = "buyer") -> Client:
    """A new user, logged in."""
    body = {"username": name, "password": PASSWORD, "role": role}
    await client.says("POST", "/api/v1/users/", body, status=201)
    told = await log_in(client, name)
    return client.bearing(Authorization=f"Bearer {told['access']}")


async def log_in(client: Client, name: str) -> dict[str, Any]:
    body = {"username": name, "password": PASSWORD}
    told: dict[str, Any] = await client.says("POST", "/api/v1/auth/login/", body, status=200)
    return told


async def test_a_buyer_buys_and_gets_all_change(machine: Client) -> None:
    sam, ada = await entered(machine, "sam", "seller"), await entered(machine, "ada")
    cola = {"productName": "Cola", "cost": 65, "amountAvailable": 3}
    made = await sam.says("POST", "/api/v1/product/", cola, status=201)
    assert made == {"id": made["id"], **cola, "sellerId": made["sellerId"]}
    assert await ada.says("POST", "/api/v1/wallet/deposit", {"coin": 100}, status=200) == {"deposit": 100}
    assert await ada.says("POST", "/deposit", {"coins": [50, 50]}, status=200) == {"deposit": 200}
    assert await ada.says("GET", "/api/v1/wallet/balance", status=200) == {
        "deposit": 200,
        "change": [100, 100],
    }
    bought = await ada.says("POST", "/buy", {"productId": made["id"], "amount": 2}, status=200)
    assert bought == {
        "total": 130,
        "products": [{"productId": made["id"], "productName": "Cola", "amount": 2, "cost": 65}],
        "change": [50, 20],
        "deposit": 0,
    }
    listed = await machine.says("GET", "/product", status=200)
    assert listed == {"count": 1, "next": None, "previous": None, "results": [{**made, "amountAvailable": 1}]}
    assert await ada.says("POST", "/reset", status=200) == {"deposit": 0, "returned": []}


async def test_whoever_logs_in_twice_is_told_so_and_can_end_all(machine: Client) -> None:
    await entered(machine, "ada")
    again = await log_in(machine, "ada")
    assert again["active_sessions"] == 1
    assert again["message"] == "There is already an active session using your account"
    ada = machine.bearing(Authorization=f"Bearer {again['access']}")
    body = {"username": "ada", "password": PASSWORD}
    assert await machine.says("POST", "/logout/all", body, status=200) == {"ended": 2}
    await ada.says("GET", "/api/v1/wallet/balance", status=401)


@pytest.fixture
async def mounted(database_url: str) -> AsyncIterator[Client]:
    async with speaking(database_url, "vending-challenge") as client:
        yield client


async def cola(sam: Client, cost: int = 65, amount: int = 3) -> int:
    """A product; its id."""
    body = {"productName": "Cola", "cost": cost, "amountAvailable": amount}
    made: dict[str, Any] = await sam.says("POST", "/api/v1/product/", body, status=201)
    return int(made["id"])


async def me(client: Client) -> dict[str, Any]:
    """The client's user, as the list of users shows them."""
    told = await client.says("GET", "/api/v1/users/", status=200)
    found: dict[str, Any] = told["results"][0]
    return found


async def root(client: Client) -> Client:
    """The admin, logged in."""
    hashed = await client.api.running.passwords.hash(PASSWORD)
    await client.api.shop.execute("UPDATE users SET password_hash = :h WHERE username = 'root'", h=hashed)
    return client.bearing(Authorization=f"Bearer {(await log_in(client, 'root'))['access']}")


async def test_addresses_that_are_none_and_methods_that_are_not_theirs(machine: Client) -> None:
    for path in ("/api/v1/nowhere", "/api/v1/auth", "/api/v1/product/x", "/product/01", "/api/v1/users/1/x"):
        assert (await machine.says("GET", path, status=404))["code"] == "not-found", path
    for method, path, allowed in (
        ("GET", "/api/v1/auth/login/", {"POST", "OPTIONS"}),
        ("PUT", "/api/v1/users/", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("POST", "/product/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}),
        ("GET", "/deposit", {"POST", "OPTIONS"}),
    ):
        refused = await machine.call(method, path)
        assert (refused.status_code, refused.json()["code"]) == (405, "method-not-allowed"), path
        assert set(refused.headers["allow"].split(", ")) == allowed
        told = await machine.call("OPTIONS", path)
        assert (told.status_code, set(told.headers["allow"].split(", "))) == (204, allowed)
    head = await machine.call("HEAD", "/api/v1/product/")
    assert (head.status_code, head.content) == (200, b"")


# Logging in and out.


async def test_a_log_in_that_does_not_fit(mounted: Client) -> None:
    await entered(mounted, "ada")
    for body in (
        {"username": "ada", "password": "wrong one"},
        {"username": "eve", "password": PASSWORD},
        {"username": "", "password": ""},
    ):
        status = 401 if body["username"] else 400
        refused = await mounted.says("POST", "/api/v1/auth/login/", body, status=status)
        assert "active" not in refused["detail"]  # Only to who knows the password.
        if status == 401:
            await mounted.says("POST", "/logout/all", body, status=401)


async def test_a_first_log_in_is_told_of_no_other(mounted: Client) -> None:
    body = {"username": "ada", "password": PASSWORD, "role": "buyer"}
    made = await mounted.says("POST", "/user", body, status=201)
    assert made == {"id": made["id"], "username": "ada", "role": "buyer", "deposit": 0}
    told = await log_in(mounted, "ada")
    assert set(told) == {"access", "refresh", "user", "active_sessions"}
    assert (told["active_sessions"], told["user"]) == (0, made)


async def test_logging_out_ends_one_session(mounted: Client) -> None:
    ada = await entered(mounted, "ada")
    other = mounted.bearing(Authorization=f"Bearer {(await log_in(mounted, 'ada'))['access']}")
    assert await ada.says("POST", "/api/v1/auth/logout/", status=200) == {"ended": 1}
    await ada.says("POST", "/api/v1/auth/logout/", status=401)
    await ada.says("GET", "/api/v1/wallet/balance", status=401)
    await other.says("GET", "/api/v1/wallet/balance", status=200)
    assert await other.says("POST", "/api/v1/auth/logout-all/", status=200) == {"ended": 1}
    await mounted.says("POST", "/api/v1/auth/logout-all/", status=401)


NEEDS_LOGIN: list[tuple[str, str, Any]] = [
    ("POST", "/api/v1/auth/logout/", None),
    ("POST", "/api/v1/auth/logout-all/", None),
    ("GET", "/api/v1/users/", None),
    ("GET", "/api/v1/users/1/", None),
    ("PUT", "/api/v1/users/1/", {"username": "x"}),
    ("PATCH", "/api/v1/users/1/", {"username": "x"}),
    ("DELETE", "/api/v1/users/1/", None),
    ("POST", "/api/v1/product/", {"productName": "Tea", "cost": 5, "amountAvailable": 1}),
    ("PUT", "/api/v1/product/1/", {"cost": 5}),
    ("PATCH", "/api/v1/product/1/", {"cost": 5}),
    ("DELETE", "/api/v1/product/1/", None),
    ("POST", "/api/v1/wallet/deposit", {"coin": 5}),
    ("GET", "/api/v1/wallet/balance", None),
    ("POST", "/api/v1/wallet/reset", None),
    ("POST", "/api/v1/buy", {"productId": 1, "amount": 1}),
]


async def test_every_token_is_dead_at_once_after_logging_out_everywhere(mounted: Client) -> None:
    sam = await entered(mounted, "sam", "seller")
    assert await cola(sam) == 1
    again = await log_in(mounted, "sam")
    other = mounted.bearing(Authorization=f"Bearer {again['access']}")
    assert await sam.says("POST", "/logout/all", status=200) == {"ended": 2}
    before = await mounted.api.shop.books()
    for client in (sam, other, mounted, mounted.bearing(Authorization="Token x")):
        for method, path, body in NEEDS_LOGIN:
            assert (await client.says(method, path, body, status=401))["code"] == "session-ended", path
    await mounted.says("POST", "/api/v1/auth/refresh/", {"refresh": again["refresh"]}, status=401)
    assert await mounted.api.shop.books() == before


async def test_an_access_token_expires_and_the_refresh_token_is_used_up(mounted: Client) -> None:
    ada = await entered(mounted, "ada")
    first = (await log_in(mounted, "ada"))["refresh"]
    mounted.api.clock.forward(301)
    await ada.says("GET", "/api/v1/wallet/balance", status=401)
    renewed = await mounted.says("POST", "/api/v1/auth/refresh/", {"refresh": first}, status=200)
    assert set(renewed) == {"access", "refresh"}
    fresh = mounted.bearing(Authorization=f"Bearer {renewed['access']}")
    await fresh.says("GET", "/api/v1/wallet/balance", status=200)
    # A refresh token is no access token, nor the other way round.
    swapped = mounted.bearing(Authorization=f"Bearer {renewed['refresh']}")
    await swapped.says("GET", "/api/v1/wallet/balance", status=401)
    await mounted.says("POST", "/api/v1/auth/refresh/", {"refresh": renewed["access"]}, status=401)
    reused = await mounted.says("POST", "/api/v1/auth/refresh/", {"refresh": first}, status=401)
    assert reused["code"] == "credential-reused"
    await fresh.says("GET", "/api/v1/wallet/balance", status=401)
    await mounted.says("POST", "/api/v1/auth/refresh/", {"refresh": renewed["refresh"]}, status=401)


# Users.


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"username": "ADA"}, 409),
        ({"role": "admin"}, 400),
        ({"role": "cashier"}, 400),
        ({"role": None}, 400),
        ({"deposit": 5}, 400),
        ({"deposit": -5}, 400),
        ({"deposit": True}, 400),
        ({"deposit": "0"}, 400),
        ({"password": "short"}, 400),
        ({"password": "password"}, 400),
        ({"username": "a/b"}, 400),
        ({"username": "house"}, 400),
        ({"username": "a\u0000b"}, 400),
        ({"email": "nowhere"}, 400),
        ({"is_admin": True}, 400),
        ({"id": 7}, 400),
    ],
)
async def test_users_who_do_not_register(mounted: Client, change: dict[str, Any], status: int) -> None:
    await entered(mounted, "ada")
    before = await mounted.api.shop.books()
    body = {"username": "bob", "password": PASSWORD, "role": "buyer", **change}
    await mounted.says("POST", "/api/v1/users/", body, status=status)
    assert await mounted.api.shop.books() == before
    await mounted.says("POST", "/user", {**body, **dict.fromkeys(change)} | {"role": 1}, status=400)


async def test_users_see_and_change_themselves_alone(mounted: Client) -> None:
    ada, sam = await entered(mounted, "ada"), await entered(mounted, "sam", "seller")
    own, other = await me(ada), await me(sam)
    listed = await ada.says("GET", "/user", status=200)
    assert listed == {"count": 1, "next": None, "previous": None, "results": [own]}
    before = await mounted.api.shop.books()
    for path in (f"/api/v1/users/{other['id']}/", f"/user/{other['id']}", "/user/1", "/user/999"):
        for method, body in (("GET", None), ("PUT", {}), ("PATCH", {"username": "x"}), ("DELETE", None)):
            await ada.says(method, path, body, status=404)
    path = f"/user/{own['id']}"
    for change in (
        {"role": "seller"},
        {"role": "admin"},
        {"deposit": 100},
        {"deposit": None},
        {"id": other["id"]},
        {"is_seller": True},
        {"password": "short"},
        {"username": None},
    ):
        for method in ("PUT", "PATCH"):
            await ada.says(method, path, {"email": "new@test.com", **change}, status=400)
    await ada.says("PATCH", path, {"username": "SAM"}, status=409)
    assert await mounted.api.shop.books() == before
    assert await ada.says("PUT", path, {**own, "username": "Ada L"}, status=200) == {
        **own,
        "username": "Ada L",
    }
    await ada.says("PATCH", path, {"password": "another machine"}, status=200)
    await ada.says("GET", path, status=401)
    await mounted.says(
        "POST", "/api/v1/auth/login/", {"username": "ada l", "password": "another machine"}, status=200
    )


async def test_an_admin_sees_everybody_a_page_at_a_time(mounted: Client) -> None:
    admin = await root(mounted)
    ada = await entered(mounted, "ada")
    await entered(mounted, "sam", "seller")
    whole = await admin.says("GET", "/api/v1/users/", status=200)
    assert [one["username"] for one in whole["results"]] == ["root", "ada", "sam"]
    assert [one["role"] for one in whole["results"]] == ["admin", "buyer", "seller"]
    page = await admin.says("GET", "/api/v1/users/?limit=1&offset=1", status=200)
    assert (page["count"], page["results"]) == (3, whole["results"][1:2])
    assert page["next"].endswith("limit=1&offset=2")
    assert page["previous"].endswith("limit=1&offset=0")
    path = f"/user/{(await me(ada))['id']}"
    assert (await admin.says("PATCH", path, {"username": "lady"}, status=200))["username"] == "lady"
    (line,) = [row for row in await mounted.api.shop.rows("admin_log") if row["action"] == "user.change"]
    assert "lady" in line["after"]
    await admin.says("DELETE", path, status=204)
    await ada.says("GET", path, status=401)
    for query in ("limit=0", "limit=1001", "offset=-1", "limit=x", "page=1", "limit=1&limit=1"):
        await admin.says("GET", f"/api/v1/users/?{query}", status=400)


# Products.


@pytest.mark.parametrize(
    "change",
    [{"cost": wrong} for wrong in (0, -5, 1, 3, 64, 5.0, 7.5, True, "65", None, 10**9 + 5, 2**63, 10**30)]
    + [{"amountAvailable": wrong} for wrong in (-1, 0.5, 1.0, True, "3", None, 10**6 + 1, 2**63)]
    + [{"productName": wrong} for wrong in ("", " x", "a/b", "a\u200bb", "a\u0000b", 5, None, "x" * 500)]
    + [{"sellerId": 99}, {"id": 99}, {"price": 5}, {"cost": 5, "seller_id": 1}],
)
async def test_products_outside_the_rules(mounted: Client, change: dict[str, Any]) -> None:
    sam = await entered(mounted, "sam", "seller")
    path = f"/product/{await cola(sam)}"
    before = await mounted.api.shop.books()
    tea = {"productName": "Tea", "cost": 65, "amountAvailable": 3, **change}
    await sam.says("POST", "/product", tea, status=400)
    for method in ("PUT", "PATCH"):
        await sam.says(method, path, change, status=400)
    assert await mounted.api.shop.books() == before


async def test_a_product_is_changed_by_its_seller_alone(mounted: Client) -> None:
    sam, sue = await entered(mounted, "sam", "seller"), await entered(mounted, "sue", "seller")
    ada, admin = await entered(mounted, "ada"), await root(mounted)
    path = f"/product/{await cola(sam)}"
    bread = f"/product/{(await mounted.api.shop.product('bread', price_cents=83)).product_id}"
    shown = await mounted.says("GET", path, status=200)
    assert (await mounted.says("GET", bread, status=200))["sellerId"] is None
    tea = {"productName": "Tea", "cost": 5, "amountAvailable": 1}
    before = await mounted.api.shop.books()
    for client in (sue, ada, admin):
        for product in (path, bread):
            for method, body in (("PUT", {"cost": 5}), ("PATCH", {"cost": 5}), ("DELETE", None)):
                refused = await client.says(method, product, body, status=403)
                assert refused["code"] == "not-owner"
    for client in (ada, admin):
        assert (await client.says("POST", "/product", tea, status=403))["code"] == "role-missing"
    for method, body in (("GET", None), ("PUT", {"cost": 5}), ("PATCH", {"cost": 5}), ("DELETE", None)):
        assert (await sam.says(method, "/product/999", body, status=404))["code"] == "unknown-product"
    assert (await sam.says("POST", "/product", {**tea, "productName": "COLA"}, status=409))["code"] == (
        "name-taken"
    )
    assert await mounted.api.shop.books() == before
    assert await sam.says("PUT", path, shown, status=200) == shown
    changed = {**shown, "cost": 70, "amountAvailable": 9}
    assert await sam.says("PUT", path, changed, status=200) == changed
    (*_, movement) = await mounted.api.shop.rows("stock_movements")
    assert (movement["kind"], movement["quantity"]) == ("correction", 6)


async def test_an_old_price_may_stay_what_it_is(mounted: Client) -> None:
    sam = await entered(mounted, "sam", "seller")
    path = f"/product/{await cola(sam)}"
    await mounted.api.shop.execute("UPDATE products SET price_cents = 83")
    shown = await mounted.says("GET", path, status=200)
    renamed = {**shown, "productName": "Fizz"}
    assert await sam.says("PUT", path, renamed, status=200) == renamed
    await sam.says("PUT", path, {**shown, "cost": 84}, status=400)


async def test_a_key_is_good_though_the_product_is_gone(mounted: Client) -> None:
    sam, ada = await entered(mounted, "sam", "seller"), await entered(mounted, "ada")
    product_id = await cola(sam)
    await ada.says("POST", "/deposit", {"coins": [100, 50]}, status=200, headers={"Idempotency-Key": "in"})
    calls: list[tuple[Client, str, str, Any]] = [
        (ada, "POST", "/buy", {"productId": product_id, "amount": 1}),
        (sam, "PATCH", f"/product/{product_id}", {"cost": 70}),
        (sam, "DELETE", f"/product/{product_id}", None),
    ]
    first = [
        await client.call(method, path, body, headers={"Idempotency-Key": f"key {n}".replace(" ", "-")})
        for n, (client, method, path, body) in enumerate(calls)
    ]
    assert [answer.status_code for answer in first] == [200, 200, 204]
    for n, (client, method, path, body) in enumerate(calls):
        again = await client.call(method, path, body, headers={"Idempotency-Key": f"key-{n}"})
        assert (again.status_code, again.content) == (first[n].status_code, first[n].content)
        assert again.headers["idempotent-replayed"] == "true"
    other = await ada.says("POST", "/deposit", {"coin": 5}, status=422, headers={"Idempotency-Key": "in"})
    assert other["code"] == "key-reused"
    for key in ("", "a b", "x" * 256, "\u00e9"):
        headers = {"Idempotency-Key": key.encode("latin-1")}
        await ada.says("POST", "/deposit", {"coin": 5}, status=400, headers=headers)


# The wallet.


@pytest.mark.parametrize("field", ["coin", "amount", "deposit"])
async def test_a_coin_under_each_of_its_names(mounted: Client, field: str) -> None:
    ada, sam = await entered(mounted, "ada"), await entered(mounted, "sam", "seller")
    for coin, deposit in ((5, 5), (10, 15), (20, 35), (50, 85), (100, 185)):
        assert await ada.says("POST", "/deposit", {field: coin}, status=200) == {"deposit": deposit}
    before = await mounted.api.shop.books()
    wrongs: list[Any] = [0, 1, 2, 15, 200, -5, 5.0, True, "5", None, [5], {}, 2**63, 10**30]
    for wrong in wrongs:
        await ada.says("POST", "/api/v1/wallet/deposit", {field: wrong}, status=400)
    assert (await sam.says("POST", "/deposit", {field: 5}, status=403))["code"] == "role-missing"
    assert await mounted.api.shop.books() == before


async def test_coins_that_are_refused_together(mounted: Client) -> None:
    ada = await entered(mounted, "ada")
    before = await mounted.api.shop.books()
    bodies: list[Any] = [
        {"coins": []},
        {"coins": [5, 3]},
        {"coins": [5, "5"]},
        {"coins": [5, True]},
        {"coins": [[5]]},
        {"coins": 5},
        {"coins": [5] * 1_001},
        {"coin": 5, "amount": 5},
        {"coin": 5, "coins": [5]},
        {},
        [],
        5,
    ]
    for body in bodies:
        await ada.says("POST", "/deposit", body, status=400)
    refused = await ada.says("POST", "/deposit", {"coins": [100] * 201}, status=409)
    assert refused["code"] == "coins-cap-reached"
    assert await mounted.api.shop.books() == before


async def test_the_last_can_and_the_last_cent_are_enough(mounted: Client) -> None:
    sam, ada = await entered(mounted, "sam", "seller"), await entered(mounted, "ada")
    product_id = await cola(sam, cost=65, amount=2)
    await ada.says("POST", "/deposit", {"coins": [100, 20, 10]}, status=200)
    bought = await ada.says("POST", "/api/v1/wallet/buy", {"productId": product_id, "amount": 2}, status=200)
    assert (bought["total"], bought["change"], bought["deposit"]) == (130, [], 0)
    out = await ada.says("POST", "/buy", {"productId": product_id, "amount": 1}, status=409)
    assert out["code"] == "out-of-stock"


async def test_what_cannot_be_bought(mounted: Client) -> None:
    sam, ada = await entered(mounted, "sam", "seller"), await entered(mounted, "ada")
    product_id = await cola(sam, cost=105)
    await ada.says("POST", "/deposit", {"coin": 100}, status=200)
    before = await mounted.api.shop.books()
    dear = await ada.says("POST", "/buy", {"productId": product_id, "amount": 1}, status=409)
    assert dear["code"] == "insufficient-funds"
    unknown = await ada.says("POST", "/buy", {"productId": 999, "amount": 1}, status=404)
    assert unknown["code"] == "unknown-product"
    for wrong in (0, -1, 1.0, 1.5, True, "1", None, 10**6 + 1, 2**63, 10**30):
        await ada.says("POST", "/buy", {"productId": product_id, "amount": wrong}, status=400)
    for wrong in (0, -1, 1.5, True, "1", None, 2**63):
        await ada.says("POST", "/buy", {"productId": wrong, "amount": 1}, status=400)
    named = {"productId": product_id}
    bodies: list[Any] = [{}, named, {**named, "amount": 1, "cost": 5}, []]
    for body in bodies:
        await ada.says("POST", "/buy", body, status=400)
    for method, path, sent in NEEDS_LOGIN[-4:]:
        assert (await sam.says(method, path, sent, status=403))["code"] == "role-missing"
    assert await mounted.api.shop.books() == before


async def test_cents_that_no_coin_can_pay_stay(mounted: Client) -> None:
    ada = await entered(mounted, "ada")
    bread = (await mounted.api.shop.product("bread", price_cents=83)).product_id
    await ada.says("POST", "/deposit", {"coin": 100}, status=200)
    bought = await ada.says("POST", "/buy", {"productId": bread, "amount": 1}, status=200)
    assert (bought["change"], bought["deposit"]) == ([10, 5], 2)
    assert await ada.says("GET", "/api/v1/wallet/balance", status=200) == {"deposit": 2, "change": []}
    assert await ada.says("POST", "/reset", status=200) == {"deposit": 2, "returned": []}


async def test_of_two_buyers_at_once_one_gets_the_last_can(mounted: Client) -> None:
    product_id = await cola(await entered(mounted, "sam", "seller"), cost=100, amount=1)
    buyers = [await entered(mounted, name) for name in ("ada", "bob")]
    for buyer in buyers:
        await buyer.says("POST", "/deposit", {"coin": 100}, status=200)
    body = {"productId": product_id, "amount": 1}
    answers = await asyncio.gather(*(buyer.call("POST", "/buy", body) for buyer in buyers))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_coins_come_out_once(mounted: Client) -> None:
    ada = await entered(mounted, "ada")
    await ada.says("POST", "/deposit", {"coin": 100}, status=200)
    answers = await asyncio.gather(*(ada.says("POST", "/reset", status=200) for _ in range(8)))
    assert sorted(answer["returned"] for answer in answers) == [[]] * 7 + [[100]]


# Whatever a body may hold.


async def test_bodies_that_are_none(mounted: Client) -> None:
    ada = await entered(mounted, "ada")
    before = await mounted.api.shop.books()
    for path in ("/deposit", "/buy", "/api/v1/product/", "/user", "/api/v1/auth/login/"):
        await refuses_what_is_no_body(ada, "POST", path)
    for method in ("PUT", "PATCH"):
        await refuses_what_is_no_body(ada, method, f"/user/{(await me(ada))['id']}")
    assert await mounted.api.shop.books() == before


async def test_change_is_listed_coin_by_coin_up_to_ten_thousand(mounted: Client) -> None:
    """A wallet of 10,000.00 pays as many coins as are ever listed; one of a coin more pays none here."""
    sam, ada = await entered(mounted, "sam", "seller"), await entered(mounted, "ada")
    cola = {"productName": "Cola", "cost": 105, "amountAvailable": 3}
    made = await sam.says("POST", "/product", cola, status=201)
    wallet = wallet_of((await me(ada))["id"])
    await mounted.api.shop.do(TopUp(OPERATOR, wallet, COINS_LISTED_MAX * 100 + 5, "bank 1"))
    before = await mounted.api.shop.books()
    told = await ada.says("GET", "/api/v1/wallet/balance", status=200)
    assert told == {"deposit": 1_000_005, "change": []}
    refused = await ada.says("POST", "/reset", status=409)
    assert (refused["code"], "10000 coins" in refused["detail"]) == ("change-unpayable", True)
    assert await mounted.api.shop.books() == before
    one = {"productId": made["id"], "amount": 1}
    assert (await ada.says("POST", "/buy", one, status=200))["deposit"] == 0  # It is 9,999.00 by then.

    await mounted.api.shop.do(TopUp(OPERATOR, wallet, COINS_LISTED_MAX * 100, "bank 2"))
    told = await ada.says("GET", "/api/v1/wallet/balance", status=200)
    assert told["change"] == [100] * COINS_LISTED_MAX
    assert (await ada.says("POST", "/reset", status=200))["returned"] == [100] * COINS_LISTED_MAX


async def test_an_enormous_wallet_is_not_written_out_coin_by_coin(mounted: Client) -> None:
    """Ten million million coins: as many numbers as no computer has room for."""
    sam, ada = await entered(mounted, "sam", "seller"), await entered(mounted, "ada")
    cola = {"productName": "Cola", "cost": 65, "amountAvailable": 3}
    made = await sam.says("POST", "/product", cola, status=201)
    wallet = wallet_of((await me(ada))["id"])
    await mounted.api.shop.do(TopUp(OPERATOR, wallet, BALANCE_CENTS_MAX, "bank 1"))
    before = await mounted.api.shop.books()
    told = await ada.says("GET", "/api/v1/wallet/balance", status=200)
    assert told == {"deposit": BALANCE_CENTS_MAX, "change": []}
    for path, body in (("/reset", None), ("/buy", {"productId": made["id"], "amount": 1})):
        for _ in range(2):
            assert (await ada.says("POST", path, body, status=409))["code"] == "change-unpayable"
    answers = await asyncio.gather(*(ada.call("POST", "/reset") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {409}
    assert await mounted.api.shop.books() == before
