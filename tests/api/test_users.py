"""/v1/users: registering, and one's own account."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api, People, serving
from tuckshop.domain.users import RegistrationMode


async def test_registers_a_buyer_who_can_then_log_in(api: Api) -> None:
    body = {"username": "ada", "email": "ada@example.org", "password": "correct horse", "roles": ["buyer"]}
    answer = await api.post("/v1/users", body)
    assert answer.status_code == 201
    assert answer.json() == {
        "id": answer.json()["id"],
        "username": "ada",
        "email": "ada@example.org",
        "roles": ["buyer"],
        "state": "active",
    }
    logged_in = await api.logged_in("ada")
    me = await api.get("/v1/users/me", by=logged_in["access"])
    assert me.json() == answer.json()


@pytest.mark.usefixtures("slow_hashes")
async def test_keeps_no_password_but_its_hash(api: Api) -> None:
    await api.registered("ada", "correct horse")
    (row,) = await api.shop.rows("users")
    assert row["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "correct horse" not in str(await api.shop.books())


@pytest.mark.parametrize("taken", ["ada", "ADA", "A\u0064a"])
async def test_refuses_a_name_that_is_taken_however_it_is_written(api: Api, taken: str) -> None:
    await api.registered("Ada")
    books = await api.shop.books()
    body = {"username": taken, "password": "correct horse", "roles": ["buyer"]}
    answer = await api.post("/v1/users", body)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:tuckshop:problem:name-taken")
    assert await api.shop.books() == books


async def test_refuses_an_address_that_is_taken(api: Api) -> None:
    body = {"username": "ada", "email": "x@example.org", "password": "correct horse", "roles": ["buyer"]}
    assert (await api.post("/v1/users", body)).status_code == 201
    answer = await api.post("/v1/users", body | {"username": "bob", "email": "X@example.org"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:tuckshop:problem:email-taken")


@pytest.mark.parametrize("role", ["admin", "cashier"])
async def test_nobody_makes_themselves_admin_or_cashier(api: Api, role: str) -> None:
    body = {"username": "eve", "password": "correct horse", "roles": ["buyer", role]}
    answer = await api.post("/v1/users", body)
    assert (answer.status_code, answer.json()["role"]) == (403, role)
    assert await api.shop.rows("users") == []


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("username", "", "at least 1"),
        ("username", "a/b", "slashes"),
        ("username", " ada", "space"),
        ("username", "a\tb", "invisible"),
        ("username", "x" * 65, "at most 64"),
        ("password", "short", "at least 8"),
        ("password", "Password1", "common"),
        ("password", "x" * 1025, "at most 1024"),
        ("email", "nobody", "name@example.org"),
        ("email", "x" * 250 + "@b.de", "at most 254"),
        ("roles", [], "at least 1"),
        ("roles", ["king"], "not one of"),
        ("roles", ["buyer", "buyer"], "include each role only once"),
    ],
)
async def test_names_the_field_that_is_wrong(api: Api, field: str, value: object, reason: str) -> None:
    body = {"username": "ada", "password": "correct horse", "roles": ["buyer"], field: value}
    answer = await api.post("/v1/users", body)
    assert answer.status_code == 422
    assert field in answer.json()["detail"]
    assert reason in answer.json()["detail"]
    assert await api.shop.rows("users") == []


@pytest.mark.parametrize("mode", [None, RegistrationMode.APPROVE, RegistrationMode.CLOSED])
async def test_registration_follows_the_settings(database_url: str, mode: RegistrationMode | None) -> None:
    body = {"username": "sam", "password": "correct horse", "roles": ["seller"]}
    async with serving(database_url, seller_registration=mode) as api:
        answer = await api.post("/v1/users", body)
        buyer = await api.post("/v1/users", body | {"username": "ada", "roles": ["buyer"]})
        login = await api.post("/v1/auth/login", {"username": "sam", "password": "correct horse"})
    assert buyer.json()["state"] == "active"
    assert login.status_code == 401  # Not yet, or not at all.
    if mode is not RegistrationMode.CLOSED:  # Unless anything is said, an admin approves sellers.
        assert (answer.status_code, answer.json()["state"]) == (201, "pending")
    else:
        assert (answer.status_code, answer.json()["role"]) == (403, "seller")


async def test_changes_only_what_was_said(api: Api) -> None:
    token = (await api.registered("ada"))["access"]
    answer = await api.call("PATCH", "/v1/users/me", {"email": "a@example.org"}, by=token)
    assert (answer.json()["username"], answer.json()["email"]) == ("ada", "a@example.org")
    answer = await api.call("PATCH", "/v1/users/me", {"username": "Ada L."}, by=token)
    assert (answer.json()["username"], answer.json()["email"]) == ("Ada L.", "a@example.org")
    answer = await api.call("PATCH", "/v1/users/me", {"email": None}, by=token)
    assert answer.json()["email"] is None
    assert (await api.call("PATCH", "/v1/users/me", {}, by=token)).status_code == 200


async def test_cannot_take_a_name_or_address_of_another(api: Api, people: People) -> None:
    token = api.token(people.ada)
    await api.call("PATCH", "/v1/users/me", {"email": "bob@example.org"}, by=people.bob)
    answer = await api.call("PATCH", "/v1/users/me", {"username": "BOB"}, by=token)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:tuckshop:problem:name-taken")
    answer = await api.call("PATCH", "/v1/users/me", {"email": "Bob@Example.org"}, by=token)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:tuckshop:problem:email-taken")


@pytest.mark.parametrize(
    "stored", ["state", "is_admin", "roles", "password_hash", "id", "tab_limit_cents", "created_us"]
)
async def test_assigns_no_field_that_is_not_offered(api: Api, people: People, stored: str) -> None:
    before = await api.shop.rows("users")
    answer = await api.call("PATCH", "/v1/users/me", {stored: 1}, by=people.ada)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, stored)
    assert await api.shop.rows("users") == before


class TestAPassword:
    async def test_is_changed_with_the_present_one_and_ends_every_session(self, api: Api) -> None:
        here = await api.registered("ada", "correct horse")
        there = await api.logged_in("ada", "correct horse")
        body = {"password": "battery staple", "current_password": "correct horse"}
        assert (await api.call("PATCH", "/v1/users/me", body, by=here["access"])).status_code == 200
        for session in (here, there):
            assert (await api.get("/v1/users/me", by=session["access"])).status_code == 401
            assert (await api.post("/v1/auth/refresh", {"refresh": session["refresh"]})).status_code == 401
            order = {"lines": [{"product": 1, "quantity": 1}]}
            assert (await api.post("/v1/orders", order, by=session["access"])).status_code == 401
        old = await api.post("/v1/auth/login", {"username": "ada", "password": "correct horse"})
        assert old.status_code == 401
        await api.logged_in("ada", "battery staple")

    @pytest.mark.parametrize("present", [{}, {"current_password": "wrong horse"}])
    async def test_stays_without_the_present_one(self, api: Api, present: dict[str, str]) -> None:
        token = (await api.registered("ada", "correct horse"))["access"]
        before = await api.shop.books()
        body = {"password": "battery staple", **present}
        answer = await api.call("PATCH", "/v1/users/me", body, by=token)
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:tuckshop:problem:bad-credentials")
        assert await api.shop.books() == before

    async def test_that_is_common_is_refused(self, api: Api) -> None:
        token = (await api.registered("ada", "correct horse"))["access"]
        body = {"password": "PASSWORD123", "current_password": "correct horse"}
        assert (await api.call("PATCH", "/v1/users/me", body, by=token)).status_code == 422
