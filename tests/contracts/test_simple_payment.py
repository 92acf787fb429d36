"""The contract `simple-payment`, from its document's own text: a secure vending machine for two roles."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contracts.broken import refuses_what_is_no_body
from tests.contracts.conftest import Client, speaking
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.domain.users import Role
from tuckshop.identity import access_tokens

PASSWORD = "superSecret"


@pytest.fixture
async def system(database_url: str, way: tuple[bool, str]) -> AsyncIterator[Client]:
    async with speaking(database_url, "simple-payment", way) as client:
        yield client


@pytest.fixture
async def mounted(database_url: str) -> AsyncIterator[Client]:
    async with speaking(database_url, "simple-payment") as client:
        yield client


async def create(client: Client, name: str, role: str = "buyer", **more: Any) -> dict[str, Any]:
    body = {"username": name, "email": f"{name}@test.com", "role": role, "password": PASSWORD, **more}
    made: dict[str, Any] = await client.says("POST", "/api/create_user", body, status=201)
    return made


async def enter(client: Client, name: str, password: str = PASSWORD) -> Client:
    """With a new token."""
    body = {"username": name, "password": password}
    told = await client.says("POST", "/api/get_token", body, status=200)
    assert list(told) == ["token"]
    return client.bearing(Authorization=f"Token {told['token']}")


async def entered(client: Client, name: str, role: str = "buyer", **more: Any) -> Client:
    """A new user with a token."""
    await create(client, name, role, **more)
    return await enter(client, name)


async def root(client: Client) -> Client:
    """The admin, with a password and a token."""
    hashed = await client.api.running.passwords.hash(PASSWORD)
    await client.api.shop.execute("UPDATE users SET password_hash = :h WHERE username = 'root'", h=hashed)
    return await enter(client, "root")


async def cola(sam: Client, cost: int = 65, amount: int = 3) -> dict[str, Any]:
    body = {"name": "Cola", "cost": cost, "amount": amount}
    made: dict[str, Any] = await sam.says("POST", "/api/products", body, status=201)
    return made


# The walk of the document, from the accounts to the purchase.


async def test_the_walk_of_the_document(system: Client) -> None:
    body = {
        "username": "whatever",
        "email": "test@test.com",
        "deposit": 100,
        "role": "buyer",
        "password": "superSecret",
    }
    made = await system.says("POST", "/api/create_user", body, status=201)
    shown = {
        "id": made["id"],
        "username": "whatever",
        "email": "test@test.com",
        "role": "buyer",
        "deposit": 100,
    }
    assert made == shown
    seller = {**body, "username": "seller", "email": "seller@test.com", "role": "seller", "deposit": ""}
    assert (await system.says("POST", "/api/create_user", seller, status=201))["deposit"] == 0
    buyer, sam = await enter(system, "whatever"), await enter(system, "seller")

    assert await system.says("GET", "/api/products", status=200) == []
    product = await cola(sam, cost=65, amount=2)
    assert product == {"id": product["id"], "name": "Cola", "cost": 65, "amount": 2, "seller": "seller"}
    assert await system.says("GET", "/api/products", status=200) == [product]
    changed = await sam.says("PUT", "/api/product/Cola", {"name": "Cola Zero", "cost": 60}, status=200)
    assert changed == {**product, "name": "Cola Zero", "cost": 60}

    assert await buyer.says("GET", "/api/user/whatever", status=200) == shown
    assert await buyer.says("PATCH", "/api/buyer/deposit", {"deposit": 5}, status=200) == {
        "username": "whatever",
        "deposit": 105,
    }
    bought = await buyer.says("POST", "/api/buyer/buy", {"name": "Cola Zero"}, status=200)
    assert bought == {"name": "Cola Zero", "spent": 60, "deposit": 45}
    assert (await system.says("GET", "/api/products", status=200))[0]["amount"] == 1
    assert await buyer.says("POST", "/api/buyer/reset", status=200) == {
        "username": "whatever",
        "deposit": 0,
        "returned": {"20": 2, "5": 1},
    }
    patched = await buyer.says("PATCH", "/api/user/whatever", {"email": "new@test.com"}, status=200)
    assert patched == {**shown, "email": "new@test.com", "deposit": 0}
    assert await sam.says("DELETE", "/api/product/Cola Zero", status=204) is None
    assert await system.says("GET", "/api/products", status=200) == []
    assert await buyer.says("DELETE", "/api/user/whatever", status=204) is None
    await buyer.says("GET", "/api/user/whatever", status=401)
    assert (await create(system, "whatever", email="new@test.com"))["id"] != made["id"]


async def test_addresses_that_are_none_and_methods_that_are_not_theirs(system: Client) -> None:
    for path in ("/api/nowhere", "/api/product", "/api/user/a/b"):
        assert (await system.says("GET", path, status=404))["code"] == "not-found"
    for method, path, allowed in (
        ("GET", "/api/create_user", {"POST", "OPTIONS"}),
        ("DELETE", "/api/products", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("GET", "/api/product/Cola", {"PUT", "DELETE", "OPTIONS"}),
        ("PUT", "/api/user/whatever", {"GET", "HEAD", "PATCH", "DELETE", "OPTIONS"}),
        ("POST", "/api/buyer/deposit", {"PATCH", "OPTIONS"}),
    ):
        refused = await system.call(method, path)
        assert (refused.status_code, refused.json()["code"]) == (405, "method-not-allowed"), path
        assert set(refused.headers["allow"].split(", ")) == allowed
        told = await system.call("OPTIONS", path)
        assert told.status_code == 204
        assert set(told.headers["allow"].split(", ")) == allowed


# Users.


async def test_creating_a_user(mounted: Client) -> None:
    ada = await create(mounted, "ada", deposit=None)
    assert ada == {"id": ada["id"], "username": "ada", "email": "ada@test.com", "role": "buyer", "deposit": 0}
    for name, none in (("zero", 0), ("empty", ""), ("null", None)):
        assert (await create(mounted, name, deposit=none))["deposit"] == 0
    for name, password in (("one", "superSecret"), ("two", "123abc#$%")):
        await create(mounted, name, password=password)
        await enter(mounted, name, password)
    await create(mounted, "sam", "seller")
    await create(mounted, "sue", "seller", deposit=0)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"username": "ADA"}, 409, "name-taken"),
        ({"email": "ADA@test.com"}, 409, "email-taken"),
        ({"role": "admin"}, 400, "invalid-request"),
        ({"role": "cashier"}, 400, "invalid-request"),
        ({"role": "Buyer"}, 400, "invalid-request"),
        ({"role": ["buyer"]}, 400, "invalid-request"),
        ({"role": "seller", "deposit": 5}, 400, "invalid-request"),
        ({"role": "seller", "deposit": -5}, 400, "invalid-request"),
        ({"deposit": -5}, 400, "invalid-request"),
        ({"deposit": 3}, 400, "invalid-field"),
        ({"deposit": 101}, 400, "invalid-field"),
        ({"deposit": 5.5}, 400, "invalid-request"),
        ({"deposit": True}, 400, "invalid-request"),
        ({"deposit": "100"}, 400, "invalid-request"),
        ({"deposit": 2**63}, 400, "invalid-request"),
        ({"deposit": 10**15}, 400, "invalid-field"),
        ({"deposit": 20_005}, 409, "coins-cap-reached"),
        ({"password": "short"}, 400, "invalid-request"),
        ({"password": "password"}, 400, "invalid-field"),
        ({"username": "house"}, 400, "invalid-field"),
        ({"username": "a/b"}, 400, "invalid-field"),
        ({"email": "nowhere"}, 400, "invalid-field"),
        ({"is_admin": True}, 400, "invalid-request"),
        ({"id": 1}, 400, "invalid-request"),
        ({"state": "active"}, 400, "invalid-request"),
    ],
)
async def test_users_who_are_not_created(
    mounted: Client, change: dict[str, Any], status: int, code: str
) -> None:
    await create(mounted, "ada")
    before = await mounted.api.shop.books()
    body = {"username": "bob", "email": "bob@test.com", "role": "buyer", "password": PASSWORD, **change}
    refused = await mounted.says("POST", "/api/create_user", body, status=status)
    assert refused["code"] == code
    assert await mounted.api.shop.books() == before


async def test_a_first_deposit_is_coins_in_the_machine(mounted: Client) -> None:
    ada = await entered(mounted, "ada", deposit=185)
    held = {row["value_cents"]: row["count"] for row in await mounted.api.shop.rows("coin_boxes")}
    assert held == {100: 1, 50: 1, 20: 1, 10: 1, 5: 1}
    # It counts towards what a buyer may declare in a day.
    bob = await entered(mounted, "bob", deposit=20_000)
    refused = await bob.says("PATCH", "/api/buyer/deposit", {"deposit": 5}, status=409)
    assert refused["code"] == "coins-cap-reached"
    await ada.says("PATCH", "/api/buyer/deposit", {"deposit": 5}, status=200)


async def test_a_key_creates_a_user_once_and_keeps_no_hash_of_the_password(mounted: Client) -> None:
    body = {
        "username": "ada",
        "email": "ada@test.com",
        "role": "buyer",
        "password": PASSWORD,
        "deposit": 50,
    }
    key = {"Idempotency-Key": "k"}
    first = await mounted.call("POST", "/api/create_user", body, headers=key)
    again = await mounted.call("POST", "/api/create_user", body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = {**body, "password": "another secret"}
    refused = await mounted.says("POST", "/api/create_user", other, status=422, headers=key)
    assert refused["code"] == "key-reused"
    # Another newcomer's key is another key.
    bob = {**body, "username": "bob", "email": "bob@test.com"}
    await mounted.says("POST", "/api/create_user", bob, status=201, headers=key)
    path = f"{mounted.prefix}/api/create_user".encode()
    guess = hashlib.sha256(b"\0".join((b"POST", path, first.request.content))).digest()
    kept = [bytes(row["fingerprint"]) for row in await mounted.api.shop.rows("idempotency")]
    assert len(kept) == 2
    assert guess not in kept


async def test_twenty_at_once_create_one_user(mounted: Client) -> None:
    body = {"username": "ada", "email": "a@test.com", "role": "buyer", "password": PASSWORD, "deposit": 5}
    answers = await asyncio.gather(*(mounted.call("POST", "/api/create_user", body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_tokens(mounted: Client) -> None:
    ada = await entered(mounted, "ada")
    token = ada.header["Authorization"].removeprefix("Token ")
    assert len(token) >= 43
    kept = str(await mounted.api.shop.books())
    assert token not in kept
    assert PASSWORD not in kept
    again = await enter(mounted, "ADA")
    assert again.header != ada.header
    for client in (ada, again):  # Any number of them, each good by itself.
        await client.says("GET", "/api/user/ada", status=200)
    await mounted.bearing(Authorization=f"token {token}").says("GET", "/api/user/ada", status=200)


@pytest.mark.parametrize(
    "body", [{"username": "ada", "password": "wrong one"}, {"username": "eve", "password": PASSWORD}]
)
async def test_no_token_for_what_does_not_fit(mounted: Client, body: dict[str, str]) -> None:
    await create(mounted, "ada")
    refused = await mounted.call("POST", "/api/get_token", body)
    assert (refused.status_code, refused.json()["code"]) == (401, "bad-credentials")
    assert refused.headers["www-authenticate"] == "Token"


async def test_too_many_tries_have_to_wait(mounted: Client) -> None:
    await create(mounted, "ada")
    body = {"username": "ada", "password": "wrong one"}
    answers = [await mounted.call("POST", "/api/get_token", body) for _ in range(12)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_credentials_that_are_none(mounted: Client) -> None:
    ada = await entered(mounted, "ada")
    token = ada.header["Authorization"].removeprefix("Token ")
    user = await mounted.api.shop.rows("users")
    logged_in = await mounted.api.logged_in("ada", PASSWORD)
    api_token = (
        await mounted.api.post(
            "/v1/auth/tokens",
            {"name": "x", "scopes": ["read", "buy"], "days": 1},
            by=logged_in["access"],
        )
    ).json()
    assert user
    for given in (
        "",
        "Token",
        f"Bearer {token}",
        f"Token {token}x",
        f"Token {token[:-1]}",
        f"Token {token} x",
        f"Basic {token}",
        token,
        "Token \xff",
        f"Token {logged_in['access']}",
        f"Bearer {logged_in['access']}",
        f"Token {api_token['secret'] if 'secret' in api_token else api_token['token']}",
        "Token " + "x" * 10_000,
    ):
        client = mounted.bearing(Authorization=given)
        refused = await client.call(
            "GET", "/api/user/ada", headers={"Authorization": given.encode("latin-1")}
        )
        assert refused.status_code == 401, given
        assert refused.headers["www-authenticate"] == "Token"
    # Nor is it one elsewhere.
    refused = await mounted.api.get("/v1/users/me", by=token)
    assert refused.status_code == 401
    twice = [("Authorization", f"Token {token}"), ("Authorization", f"Token {token}")]
    assert (await mounted.client.get(f"{mounted.prefix}/api/user/ada", headers=twice)).status_code == 401


async def test_a_token_is_good_for_thirty_days(mounted: Client) -> None:
    ada = await entered(mounted, "ada")
    mounted.api.clock.forward(30 * DAY_SECONDS - 1)
    await ada.says("PATCH", "/api/buyer/deposit", {"deposit": 5}, status=200)
    mounted.api.clock.forward(2)
    for method, path, body in NEEDS_TOKEN:
        assert (await ada.says(method, path, body, status=401))["code"] == "session-ended", path


NEEDS_TOKEN: list[tuple[str, str, Any]] = [
    ("GET", "/api/user/ada", None),
    ("PATCH", "/api/user/ada", {"email": "x@test.com"}),
    ("DELETE", "/api/user/ada", None),
    ("POST", "/api/products", {"name": "Tea", "cost": 5, "amount": 1}),
    ("PUT", "/api/product/Cola", {"cost": 5}),
    ("DELETE", "/api/product/Cola", None),
    ("PATCH", "/api/buyer/deposit", {"deposit": 5}),
    ("POST", "/api/buyer/reset", None),
    ("POST", "/api/buyer/buy", {"name": "Cola"}),
]


async def test_a_new_password_ends_every_token(mounted: Client) -> None:
    await cola(await entered(mounted, "sam", "seller"))
    ada, other = await entered(mounted, "ada"), await enter(mounted, "ada")
    await ada.says("PATCH", "/api/user/ada", {"password": "123abc#$%"}, status=200)
    for client in (ada, other):
        for method, path, body in NEEDS_TOKEN:
            assert (await client.says(method, path, body, status=401))["code"] == "session-ended", path
    await enter(mounted, "ada", "123abc#$%")


async def test_logging_out_everywhere_ends_tokens_too(mounted: Client) -> None:
    ada = await entered(mounted, "ada")
    logged_in = await mounted.api.logged_in("ada", PASSWORD)
    assert logged_in["active_sessions"] == 1
    assert (await mounted.api.post("/v1/auth/logout-all", by=logged_in["access"])).status_code == 200
    await ada.says("GET", "/api/user/ada", status=401)


async def test_users_see_and_change_nobody_else(mounted: Client) -> None:
    ada, sam = await entered(mounted, "ada"), await entered(mounted, "sam", "seller")
    await create(mounted, "bob", deposit=50)
    before = await mounted.api.shop.rows("users")
    for client in (ada, sam):
        # Whether there is such a user or not.
        for name in ("bob", "root", "nobody", "house", "%00", "%F0%9F%8D%AB", "a%0Ab", "x" * 64):
            for method, body in (("GET", None), ("PATCH", {"email": "x@test.com"}), ("DELETE", None)):
                refused = await client.says(method, f"/api/user/{name}", body, status=403)
                assert refused["code"] == "not-owner", name
    assert await mounted.api.shop.rows("users") == before
    await ada.says("GET", "/api/user/" + "x" * 65, status=400)


async def test_an_admin_sees_and_changes_everybody(mounted: Client) -> None:
    admin = await root(mounted)
    ada = await entered(mounted, "ada", deposit=50)
    shown = await admin.says("GET", "/api/user/ada", status=200)
    assert shown == await ada.says("GET", "/api/user/ADA", status=200)
    assert (await admin.says("GET", "/api/user/root", status=200))["role"] == "admin"
    changed = {**shown, "username": "lady"}
    assert await admin.says("PATCH", "/api/user/ada", changed, status=200) == changed
    (line,) = [row for row in await mounted.api.shop.rows("admin_log") if row["action"] == "user.change"]
    assert "ada" in line["before"]
    assert "lady" in line["after"]
    for name in ("nobody", "house", "%00", "%F0%9F%8D%AB"):
        assert (await admin.says("GET", f"/api/user/{name}", status=404))["code"] == "unknown-user"
    assert (await admin.says("DELETE", "/api/user/root", status=409))["code"] == "last-admin"
    await admin.says("POST", "/api/buyer/reset", status=403)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"role": "seller"}, 400),
        ({"role": "admin"}, 400),
        ({"deposit": 51}, 400),
        ({"deposit": 0}, 400),
        ({"deposit": "50"}, 400),
        ({"deposit": 50.0}, 400),
        ({"id": 1_000}, 400),
        ({"id": None}, 400),
        ({"username": None}, 400),
        ({"password": None}, 400),
        ({"password": "short"}, 400),
        ({"is_admin": True}, 400),
        ({"balance": 5}, 400),
        ({"username": "BOB"}, 409),
        ({"email": "BOB@test.com"}, 409),
    ],
)
async def test_changes_of_a_user_that_are_refused_whole(
    mounted: Client, change: dict[str, Any], status: int
) -> None:
    await create(mounted, "bob")
    ada = await entered(mounted, "ada", deposit=50)
    before = await mounted.api.shop.books()
    await ada.says("PATCH", "/api/user/ada", {"email": "new@test.com", **change}, status=status)
    assert await mounted.api.shop.books() == before


async def test_a_whole_user_may_be_sent_back(mounted: Client) -> None:
    ada = await entered(mounted, "ada", deposit=50)
    shown = await ada.says("GET", "/api/user/ada", status=200)
    assert await ada.says("PATCH", "/api/user/ada", shown, status=200) == shown
    assert await ada.says("PATCH", "/api/user/ada", {}, status=200) == shown
    renamed = {**shown, "username": "Ada L"}
    assert await ada.says("PATCH", "/api/user/ada", renamed, status=200) == renamed
    assert await ada.says("GET", "/api/user/Ada%20L", status=200) == renamed
    await ada.says("GET", "/api/user/ada", status=403)
    none = await ada.says("PATCH", "/api/user/ada l", {"email": None}, status=200)
    assert none["email"] is None


async def test_closing_a_seller_who_has_stock_is_refused(mounted: Client) -> None:
    sam = await entered(mounted, "sam", "seller")
    await cola(sam, amount=1)
    refused = await sam.says("DELETE", "/api/user/sam", status=409)
    assert refused["code"] == "still-holds-value"
    await sam.says("PUT", "/api/product/Cola", {"amount": 0}, status=200)
    await sam.says("DELETE", "/api/user/sam", status=204)
    assert await mounted.says("GET", "/api/products", status=200) == []


# Products.


async def test_products_are_listed_by_name_a_page_at_a_time(mounted: Client) -> None:
    sam = await entered(mounted, "sam", "seller")
    for name in ("tea", "Cola", "água", "gum"):
        await sam.says("POST", "/api/products", {"name": name, "cost": 1, "amount": 0}, status=201)
    await mounted.api.shop.product("bread")

    async def names(query: str) -> list[str]:
        return [one["name"] for one in await mounted.says("GET", f"/api/products{query}", status=200)]

    assert await names("") == ["bread", "Cola", "gum", "tea", "água"]
    assert await names("?limit=2") == ["bread", "Cola"]
    assert await names("?limit=2&offset=3") == ["tea", "água"]
    assert await names("?offset=9") == []
    (bread, *_) = await mounted.says("GET", "/api/products", status=200)
    assert (bread["seller"], bread["cost"], bread["amount"]) == ("house", 150, 10)
    for query in (
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=1.0",
        "limit=01",
        "limit=1&limit=2",
        "offset=-1",
        "offset=10001",
        "offset=99999999999999999999",
        "page=2",
        "limit=",
    ):
        refused = await mounted.says("GET", f"/api/products?{query}", status=400)
        assert refused["code"] == "invalid-request", query


@pytest.mark.parametrize(
    "change",
    [
        {"cost": 0},
        {"cost": -5},
        {"cost": 1.5},
        {"cost": 1.0},
        {"cost": True},
        {"cost": "65"},
        {"cost": None},
        {"cost": 10**9 + 1},
        {"cost": 2**63},
        {"amount": -1},
        {"amount": 0.5},
        {"amount": True},
        {"amount": "3"},
        {"amount": 10**6 + 1},
        {"amount": 10**30},
        {"name": ""},
        {"name": " Tea"},
        {"name": "a/b"},
        {"name": "T\u200bea"},
        {"name": 5},
        {"name": "x" * 201},
        {"seller": "bob"},
        {"seller_id": 1},
        {"id": 9_999},
        {"price_cents": 1},
    ],
)
async def test_products_outside_the_rules(mounted: Client, change: dict[str, Any]) -> None:
    sam = await entered(mounted, "sam", "seller")
    await cola(sam)
    before = await mounted.api.shop.books()
    tea = {"name": "Tea", "cost": 65, "amount": 3, **change}
    await sam.says("POST", "/api/products", tea, status=400)
    await sam.says("PUT", "/api/product/Cola", change, status=400)
    assert await mounted.api.shop.books() == before


async def test_products_are_added_by_sellers_and_each_name_once(mounted: Client) -> None:
    sam, ada = await entered(mounted, "sam", "seller"), await entered(mounted, "ada")
    await cola(sam)
    body = {"name": "COLA", "cost": 5, "amount": 1}
    assert (await sam.says("POST", "/api/products", body, status=409))["code"] == "name-taken"
    body["name"] = "Tea"
    assert (await ada.says("POST", "/api/products", body, status=403))["code"] == "role-missing"
    await (await root(mounted)).says("POST", "/api/products", body, status=403)
    await mounted.says("POST", "/api/products", body, status=401)
    await sam.says("POST", "/api/products", {"name": "Tea"}, status=400)


async def test_a_product_is_changed_by_its_seller_alone(mounted: Client) -> None:
    sam, sue = await entered(mounted, "sam", "seller"), await entered(mounted, "sue", "seller")
    ada, admin = await entered(mounted, "ada"), await root(mounted)
    made = await cola(sam)
    await mounted.api.shop.product("bread")
    before = await mounted.api.shop.books()
    for client in (sue, ada, admin):
        for name in ("Cola", "bread"):
            refused = await client.says("PUT", f"/api/product/{name}", {"cost": 5}, status=403)
            assert refused["code"] == "not-owner"
            await client.says("DELETE", f"/api/product/{name}", status=403)
    await mounted.says("PUT", "/api/product/Cola", {"cost": 5}, status=401)
    await mounted.says("DELETE", "/api/product/Cola", status=401)
    for name in ("nothing", "%00", "a%0Ab", "%F0%9F%8D%AB", "house"):
        refused = await sam.says("PUT", f"/api/product/{name}", {"cost": 5}, status=404)
        assert refused["code"] == "unknown-product"
        await sam.says("DELETE", f"/api/product/{name}", status=404)
    assert await mounted.api.shop.books() == before
    # The whole object comes back, and what cannot be changed is as it was.
    assert await sam.says("PUT", "/api/product/cola", made, status=200) == made
    await sam.says("PUT", "/api/product/Cola", {**made, "id": made["id"] + 1}, status=400)
    await sam.says("PUT", "/api/product/Cola", {**made, "seller": "sue"}, status=400)
    assert (await sam.says("PUT", "/api/product/Cola", {"amount": 7}, status=200))["amount"] == 7
    (*_, movement) = await mounted.api.shop.rows("stock_movements")
    assert (movement["kind"], movement["quantity"]) == ("correction", 4)
    await sue.says("POST", "/api/products", {"name": "Tea", "cost": 5, "amount": 1}, status=201)
    taken = await sam.says("PUT", "/api/product/Cola", {"name": "tea"}, status=409)
    assert taken["code"] == "name-taken"


async def test_keys_are_good_though_the_name_is_gone(mounted: Client) -> None:
    sam = await entered(mounted, "sam", "seller")
    ada = await entered(mounted, "ada", deposit=100)
    made = await cola(sam)

    async def twice(client: Client, key: str, method: str, path: str, body: Any = None) -> Any:
        headers = {"Idempotency-Key": key}
        first = await client.call(method, path, body, headers=headers)
        again = await client.call(method, path, body, headers=headers)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        assert first.status_code < 300, first.text
        return first.json() if first.content else None

    bought = await twice(ada, "buy", "POST", "/api/buyer/buy", {"name": "Cola"})
    assert bought == {"name": "Cola", "spent": 65, "deposit": 35}
    renamed = await twice(sam, "rename", "PUT", "/api/product/Cola", {"name": "Fizz"})
    assert renamed == {**made, "name": "Fizz", "amount": 2}
    again = await ada.call("POST", "/api/buyer/buy", {"name": "Cola"}, headers={"Idempotency-Key": "buy"})
    assert (again.status_code, again.json()) == (200, bought)
    await twice(sam, "remove", "DELETE", "/api/product/Fizz")
    assert await twice(ada, "in", "PATCH", "/api/buyer/deposit", {"deposit": 5}) == {
        "username": "ada",
        "deposit": 40,
    }
    assert (await twice(ada, "out", "POST", "/api/buyer/reset"))["returned"] == {"20": 2}
    other = await ada.says(
        "POST", "/api/buyer/buy", {"name": "Tea"}, status=422, headers={"Idempotency-Key": "buy"}
    )
    assert other["code"] == "key-reused"
    # Refusals are kept as well: still unknown, though there is a tea by now.
    headers = {"Idempotency-Key": "tea"}
    await ada.says("POST", "/api/buyer/buy", {"name": "Tea"}, status=404, headers=headers)
    await sam.says("POST", "/api/products", {"name": "Tea", "cost": 5, "amount": 1}, status=201)
    await ada.says("POST", "/api/buyer/buy", {"name": "Tea"}, status=404, headers=headers)


# The buyer.


@pytest.mark.parametrize("coin", [5, 10, 20, 50, 100])
async def test_each_coin(mounted: Client, coin: int) -> None:
    ada = await entered(mounted, "ada")
    assert await ada.says("PATCH", "/api/buyer/deposit", {"deposit": coin}, status=200) == {
        "username": "ada",
        "deposit": coin,
    }


@pytest.mark.parametrize(
    "body",
    [
        {"deposit": wrong}
        for wrong in (0, 1, 2, 15, 200, -5, 5.0, 5.5, True, "5", None, [5], {"5": 1}, 2**63, 10**30)
    ]
    + [{}, {"amount": 5}, {"deposit": 5, "coin": 5}],
)
async def test_what_is_no_coin(mounted: Client, body: dict[str, Any]) -> None:
    ada = await entered(mounted, "ada")
    before = await mounted.api.shop.books()
    await ada.says("PATCH", "/api/buyer/deposit", body, status=400)
    assert await mounted.api.shop.books() == before


async def test_sellers_have_no_deposit(mounted: Client) -> None:
    sam = await entered(mounted, "sam", "seller")
    await cola(sam)
    for method, path, body in NEEDS_TOKEN[-3:]:
        assert (await sam.says(method, path, body, status=403))["code"] == "role-missing"


async def test_the_last_can_and_the_last_cent_are_enough(mounted: Client) -> None:
    await cola(await entered(mounted, "sam", "seller"), cost=65, amount=2)
    ada = await entered(mounted, "ada", deposit=130)
    bought = await ada.says("POST", "/api/buyer/buy", {"name": "cola", "amount": 2}, status=200)
    assert bought == {"name": "Cola", "spent": 130, "deposit": 0}
    out = await ada.says("POST", "/api/buyer/buy", {"name": "Cola"}, status=409)
    assert out["code"] == "out-of-stock"
    assert await ada.says("POST", "/api/buyer/reset", status=200) == {
        "username": "ada",
        "deposit": 0,
        "returned": {},
    }


async def test_cents_that_no_coin_can_pay_stay(mounted: Client) -> None:
    await cola(await entered(mounted, "sam", "seller"), cost=97)
    ada = await entered(mounted, "ada", deposit=110)
    await ada.says("POST", "/api/buyer/buy", {"name": "Cola"}, status=200)
    for returned in ({"10": 1}, {}):
        assert await ada.says("POST", "/api/buyer/reset", status=200) == {
            "username": "ada",
            "deposit": 3,
            "returned": returned,
        }


async def test_one_cent_short(mounted: Client) -> None:
    await cola(await entered(mounted, "sam", "seller"), cost=101)
    ada = await entered(mounted, "ada", deposit=100)
    before = await mounted.api.shop.books()
    assert (await ada.says("POST", "/api/buyer/buy", {"name": "Cola"}, status=409))["code"] == (
        "insufficient-funds"
    )
    assert (await ada.says("POST", "/api/buyer/buy", {"name": "Tea"}, status=404))["code"] == (
        "unknown-product"
    )
    for amount in (0, -1, 1.5, 1.0, True, "1", None, 10**6 + 1, 2**63):
        await ada.says("POST", "/api/buyer/buy", {"name": "Cola", "amount": amount}, status=400)
    bodies: list[Any] = [
        {},
        {"product": "Cola"},
        {"name": 1},
        {"name": None},
        {"name": "Cola", "cost": 1},
        [],
    ]
    for body in bodies:
        await ada.says("POST", "/api/buyer/buy", body, status=400)
    assert await mounted.api.shop.books() == before


async def test_of_two_buyers_at_once_one_gets_the_last_can(mounted: Client) -> None:
    await cola(await entered(mounted, "sam", "seller"), cost=100, amount=1)
    buyers = [await entered(mounted, name, deposit=100) for name in ("ada", "bob")]
    answers = await asyncio.gather(*(one.call("POST", "/api/buyer/buy", {"name": "Cola"}) for one in buyers))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert (await mounted.says("GET", "/api/products", status=200))[0]["amount"] == 0


async def test_one_buyer_spends_each_coin_once(mounted: Client) -> None:
    await cola(await entered(mounted, "sam", "seller"), cost=100, amount=10)
    ada = await entered(mounted, "ada", deposit=100)
    answers = await asyncio.gather(
        *(ada.call("POST", "/api/buyer/buy", {"name": "Cola"}) for _ in range(5)),
        *(ada.call("POST", "/api/buyer/reset") for _ in range(5)),
    )
    spent = sum(one.json().get("spent", 0) for one in answers if one.status_code == 200)
    returned = sum(one.json().get("returned", {}).get("100", 0) for one in answers)
    assert spent + 100 * returned == 100


# The same shop through other doors.


async def test_what_is_made_here_is_seen_in_v1_and_the_other_way_round(mounted: Client) -> None:
    sam = await entered(mounted, "sam", "seller")
    made = await cola(sam, cost=65, amount=3)
    ada = await entered(mounted, "ada", deposit=200)
    logged_in = await mounted.api.logged_in("ada", PASSWORD)
    (listed,) = (await mounted.api.get("/v1/products")).json()["items"]
    assert (listed["id"], listed["name"], listed["stock"]) == (made["id"], "Cola", 3)
    body = {"lines": [{"product": made["id"], "quantity": 2}]}
    assert (await mounted.api.post("/v1/orders", body, by=logged_in["access"])).status_code == 201
    assert (await ada.says("GET", "/api/user/ada", status=200))["deposit"] == 70
    assert (await mounted.says("GET", "/api/products", status=200))[0]["amount"] == 1


async def test_a_user_with_all_roles_is_shown_as_admin(mounted: Client) -> None:
    await mounted.api.shop.person("all", Role.BUYER, Role.SELLER, Role.ADMIN)
    hashed = await mounted.api.running.passwords.hash(PASSWORD)
    await mounted.api.shop.execute("UPDATE users SET password_hash = :h WHERE username = 'all'", h=hashed)
    everybody = await enter(mounted, "all")
    shown = await everybody.says("GET", "/api/user/all", status=200)
    assert (shown["role"], shown["email"]) == ("admin", None)
    assert await everybody.says("PATCH", "/api/user/all", shown, status=200) == shown


async def test_a_secret_that_is_not_remembered_is_looked_up(
    mounted: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_tokens, "CACHE_MAX", 1)
    ada, bob = await entered(mounted, "ada"), await entered(mounted, "bob")
    for _ in range(2):
        await ada.says("GET", "/api/user/ada", status=200)
        await bob.says("GET", "/api/user/bob", status=200)


async def test_bodies_that_are_none(mounted: Client) -> None:
    sam = await entered(mounted, "sam", "seller")
    await cola(sam)
    before = await mounted.api.shop.books()
    for method, path in (
        ("POST", "/api/create_user"),
        ("POST", "/api/get_token"),
        ("PATCH", "/api/user/sam"),
        ("POST", "/api/products"),
        ("PUT", "/api/product/Cola"),
        ("PATCH", "/api/buyer/deposit"),
        ("POST", "/api/buyer/buy"),
    ):
        await refuses_what_is_no_body(sam, method, path)
    assert await mounted.api.shop.books() == before
