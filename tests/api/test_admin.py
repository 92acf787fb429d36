"""What admins do with people, what people do with their own account, and what is written down of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, People, serving
from tuckshop.domain.users import Role
from tuckshop.till.callers import SessionCaller

USERS, LOG, ME = "/v1/users", "/v1/admin-log", "/v1/users/me"


def path(caller: SessionCaller) -> str:
    return f"{USERS}/{caller.user_id}"


async def standing(api: Api, caller: SessionCaller) -> dict[str, Any]:
    return next(row for row in await api.shop.rows("users") if row["id"] == caller.user_id)


class TestAnAdmin:
    async def test_sees_everybody_page_by_page(self, api: Api, people: People) -> None:
        head = (await api.get(f"{USERS}?limit=4", by=people.root)).json()
        tail = (await api.get(f"{USERS}?limit=4&cursor={head['next']}", by=people.root)).json()
        names = [user["username"] for user in head["items"] + tail["items"]]
        assert (names, tail["next"]) == (["ada", "bob", "sam", "sue", "cas", "root"], None)
        assert "password" not in str(head)
        assert (await api.get(path(people.ada), by=people.root)).json()["username"] == "ada"

    async def test_lets_in_who_waits(self, api: Api, people: People) -> None:
        await api.shop.execute("UPDATE users SET state = 'pending' WHERE username = 'ada'")
        (waiting,) = (await api.get(f"{USERS}?standing=pending", by=people.root)).json()["items"]
        answer = await api.call("PATCH", f"{USERS}/{waiting['id']}", {"state": "active"}, by=people.root)
        assert (answer.status_code, answer.json()["state"]) == (200, "active")

    async def test_gives_roles_which_ends_the_sessions(self, api: Api, people: People) -> None:
        body = {"roles": ["buyer", "cashier"]}
        answer = await api.call("PATCH", path(people.ada), body, by=people.root)
        assert (answer.status_code, answer.json()["roles"]) == (200, ["buyer", "cashier"])
        assert (await api.get(ME, by=people.ada)).status_code == 401

    async def test_changes_nothing_with_nothing_new(self, api: Api, people: People) -> None:
        before = await api.shop.books()
        for body in ({}, {"roles": ["buyer"]}, {"state": "active"}):
            assert (await api.call("PATCH", path(people.ada), body, by=people.root)).status_code == 200
        assert await api.shop.books() == before
        assert (await api.get(ME, by=people.ada)).status_code == 200

    async def test_stays_if_nobody_else_is_one(self, api: Api, people: People) -> None:
        before = await api.shop.books()
        for answer in (
            await api.call("PATCH", path(people.root), {"roles": ["buyer"]}, by=people.root),
            await api.call("PATCH", path(people.root), {"state": "disabled"}, by=people.root),
            await api.call("DELETE", path(people.root), by=people.root),
            await api.call("DELETE", ME, by=people.root),
        ):
            assert (answer.status_code, answer.json()["type"]) == (409, "urn:tuckshop:problem:last-admin")
        assert await api.shop.books() == before

    async def test_leaves_a_line_for_each_act(self, api: Api, people: People) -> None:
        await api.call("PATCH", path(people.ada), {"roles": ["seller"]}, by=people.root)
        await api.call("PATCH", path(people.ada), {"state": "disabled"}, by=people.root)
        await api.call("DELETE", path(people.bob), by=people.root)
        lines = (await api.get(LOG, by=people.root)).json()["items"]
        ada, bob = f"user:{people.ada.user_id}", f"user:{people.bob.user_id}"
        assert [(line["actor"], line["action"], line["subject"]) for line in lines] == [
            (people.root.user_id, "user.close", bob),
            (people.root.user_id, "user.standing", ada),
            (people.root.user_id, "user.standing", ada),
        ]
        before, after = lines[2]["before"], lines[2]["after"]
        assert (before["roles"], after["roles"]) == (["buyer"], ["seller"])
        head = (await api.get(f"{LOG}?limit=1", by=people.root)).json()
        tail = (await api.get(f"{LOG}?limit=2&cursor={head['next']}", by=people.root)).json()
        assert head["items"] + tail["items"] == lines


@pytest.mark.parametrize("who", ["ada", "sam", "cas"])
async def test_nobody_else_does_what_admins_do(api: Api, people: People, who: str) -> None:
    by: SessionCaller = getattr(people, who)
    before = await api.shop.books()
    for method, where, body in (
        ("GET", USERS, None),
        ("GET", path(by), None),
        ("GET", path(people.root), None),
        ("PATCH", path(by), {"roles": ["admin"]}),
        ("PATCH", path(people.root), {"state": "disabled"}),
        ("DELETE", path(people.bob), None),
        ("GET", LOG, None),
    ):
        answer = await api.call(method, where, body, by=by)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:tuckshop:problem:role-missing")
    assert await api.shop.books() == before


async def test_no_stored_field_can_be_assigned(api: Api, people: People) -> None:
    before = await api.shop.rows("users")
    offered = {"roles", "state"}
    for stored in (set(before[0]) | {"role", "is_active", "password", "username"}) - offered:
        for where, by in ((path(people.ada), people.root), (ME, people.ada)):
            if where == ME and stored in ("username", "email", "password"):
                continue
            answer = await api.call("PATCH", where, {stored: "admin"}, by=by)
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, stored)
    assert await api.shop.rows("users") == before


class TestClosing:
    async def test_frees_the_name_and_keeps_the_row(self, api: Api) -> None:
        here = await api.registered("ada")
        answer = await api.call("DELETE", ME, by=here["access"])
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await api.get(ME, by=here["access"])).status_code == 401
        again = await api.registered("ADA")
        assert again["user"]["id"] != here["user"]["id"]
        assert [row["state"] for row in await api.shop.rows("users")] == ["closed", "active"]

    async def test_waits_for_goods_and_earnings(self, api: Api, people: People) -> None:
        product = await api.shop.product("cola", seller=people.sam, stock=1, price_cents=100)
        answer = await api.call("DELETE", ME, by=people.sam)
        assert (answer.status_code, answer.json()["stock"]) == (409, 1)
        await api.post(
            "/v1/wallet/deposits", {"coins": {"100": 1}, "user": people.ada.user_id}, by=people.cas
        )
        await api.shop.buy(people.ada, (product.product_id, 1))
        answer = await api.call("DELETE", path(people.sam), by=people.root)
        assert answer.json()["type"] == "urn:tuckshop:problem:still-holds-value"
        assert (answer.json()["earned_cents"], answer.json()["stock"]) == (100, 0)
        assert (await standing(api, people.sam))["state"] == "active"
        await api.shop.assert_clean()

    async def test_takes_what_is_sold_out_off_sale(self, api: Api, people: People) -> None:
        await api.shop.product("cola", seller=people.sam, stock=0)
        assert (await api.call("DELETE", ME, by=people.sam)).status_code == 204
        assert (await api.get("/v1/products")).json()["items"] == []
        await api.shop.assert_clean()

    async def test_of_the_closed_finds_nobody(self, api: Api, people: People) -> None:
        for status in (204, 404):
            answer = await api.call("DELETE", path(people.bob), by=people.root)
            assert answer.status_code == status
        for method, body in (("GET", None), ("PATCH", {"state": "active"})):
            assert (await api.call(method, path(people.bob), body, by=people.root)).status_code == 404


async def test_an_export_has_all_of_ones_own_and_nothing_secret(api: Api, people: People) -> None:
    product = await api.shop.product("cola", seller=people.sam, stock=5, price_cents=100)
    for user in (people.ada, people.bob):
        await api.post("/v1/wallet/deposits", {"coins": {"100": 3}, "user": user.user_id}, by=people.cas)
        await api.shop.buy(user, (product.product_id, 2))
    told = (await api.get(f"{ME}/export", by=people.ada)).json()
    assert told["user"]["username"] == "ada"
    assert [order["total"] for order in told["orders"]] == [200]
    assert [(line["name"], line["quantity"]) for line in told["order_lines"]] == [("cola", 2)]
    assert [(one["amount"], bool(one["incoming"])) for one in told["transfers"]] == [
        (300, True),
        (200, False),
    ]
    assert told["accounts"][0]["balance"] == 100
    assert told["user"]["created_at"].endswith("Z")
    assert "hash" not in str(told)
    assert [one["name"] for one in (await api.get(f"{ME}/export", by=people.sam)).json()["products"]] == [
        "cola"
    ]


@pytest.mark.postgres
@pytest.mark.parametrize("how", ["roles", "disable", "password", "logout", "logout-all", "session", "close"])
async def test_what_ends_here_has_ended_there(postgres_url: str, how: str) -> None:
    async with serving(postgres_url) as here, serving(postgres_url, clock=here.clock) as there:
        root = await here.shop.person("root", Role.ADMIN)
        ada = await here.registered("ada")
        token = (
            await here.post("/v1/auth/tokens", {"name": "x", "scopes": ["read", "buy"]}, by=ada["access"])
        ).json()
        order = {"lines": [{"product": 1, "quantity": 1}]}
        for secret in (ada["access"], token["token"]):  # Known to the other's caches now.
            assert (await there.get("/v1/wallet", by=secret)).status_code == 200
            assert (await there.post("/v1/orders", order, by=secret)).status_code == 404
        mine = f"{USERS}/{ada['user']['id']}"
        match how:
            case "roles":
                answer = await here.call("PATCH", mine, {"roles": ["seller"]}, by=root)
            case "disable":
                answer = await here.call("PATCH", mine, {"state": "disabled"}, by=root)
            case "password":
                body = {"password": "battery staple", "current_password": "correct horse"}
                answer = await here.call("PATCH", ME, body, by=ada["access"])
            case "logout" | "logout-all":
                answer = await here.post(f"/v1/auth/{how}", by=ada["access"])
            case "session":
                (session,) = (await here.get("/v1/auth/sessions", by=ada["access"])).json()["items"]
                answer = await here.call("DELETE", f"/v1/auth/sessions/{session['id']}", by=ada["access"])
            case _:
                answer = await here.call("DELETE", ME, by=ada["access"])
        assert answer.is_success, answer.text
        lasts = how in ("logout", "session")  # Of the tokens, each is its own.
        for secret, ended in ((ada["access"], True), (token["token"], not lasts)):
            assert ((await there.get("/v1/wallet", by=secret)).status_code == 401) == ended
            assert ((await there.post("/v1/orders", order, by=secret)).status_code == 401) == ended
        refreshed = await there.post("/v1/auth/refresh", {"refresh": ada["refresh"]})
        assert refreshed.status_code == 401


async def test_lines_of_the_log_that_a_newer_release_wrote_are_listed_by_name(
    api: Api, people: People
) -> None:
    await api.shop.write_log_of_newer_release()
    listed = (await api.get("/v1/admin-log", by=people.root)).json()["items"]
    told = [(line["action"], line["before"], line["after"]) for line in reversed(listed)]
    assert told == [
        ("order.refund/2", {"parts": [{"quantity": 1}]}, None),
        ("robot.dance/1", None, {"steps": 3}),
        ("wallet.topup", {"text": "{"}, {"text": "[1]"}),
        ("wallet.topup/0", None, None),
    ]
