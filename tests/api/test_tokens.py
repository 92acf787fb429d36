"""/v1/auth/sessions and /v1/auth/tokens: what of mine is open, and closing it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.api.conftest import Api, People
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Fulfil
from tuckshop.domain.users import Role
from tuckshop.identity.api_tokens import TOKENS_MAX
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.wallet import Deposit

SESSIONS, TOKENS = "/v1/auth/sessions", "/v1/auth/tokens"
ME = "/v1/users/me"


async def made(api: Api, by: SessionCaller | str, *scopes: str, **more: Any) -> dict[str, Any]:
    answer = await api.post(TOKENS, {"name": "printer", "scopes": scopes or ("read",), **more}, by=by)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


class TestSessions:
    async def test_are_listed_with_device_and_address(self, api: Api) -> None:
        first = await api.registered("ada")
        await api.registered("bob")
        body = {"username": "ada", "password": "correct horse"}
        await api.post("/v1/auth/login", body, headers={"User-Agent": "fridge"})
        await made(api, first["access"])
        told = (await api.get(SESSIONS, by=first["access"])).json()
        assert told["next"] is None
        assert [(one["device"], one["address"], one["current"]) for one in told["items"]] == [
            ("fridge", "127.0.0.1", False),
            (api.client.headers["user-agent"], "127.0.0.1", True),
        ]

    async def test_are_listed_page_by_page(self, api: Api) -> None:
        first = await api.registered("ada")
        for _ in range(2):
            await api.logged_in("ada")
        head = (await api.get(f"{SESSIONS}?limit=2", by=first["access"])).json()
        tail = (await api.get(f"{SESSIONS}?limit=2&cursor={head['next']}", by=first["access"])).json()
        ids = [one["id"] for one in head["items"] + tail["items"]]
        assert (len(ids), ids, tail["next"]) == (3, sorted(ids, reverse=True), None)

    async def test_are_ended_one_by_one_and_at_once(self, api: Api) -> None:
        first = await api.registered("ada")
        second = await api.logged_in("ada")
        assert (await api.get(ME, by=second["access"])).status_code == 200
        newest = (await api.get(SESSIONS, by=first["access"])).json()["items"][0]["id"]
        answer = await api.call("DELETE", f"{SESSIONS}/{newest}", by=first["access"])
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await api.get(ME, by=second["access"])).status_code == 401
        assert (await api.get(ME, by=first["access"])).status_code == 200
        again = await api.call("DELETE", f"{SESSIONS}/{newest}", by=first["access"])
        assert (again.status_code, again.json()["type"]) == (404, "urn:tuckshop:problem:unknown-session")

    async def test_of_others_are_not_there(self, api: Api, people: People) -> None:
        answer = await api.call("DELETE", f"{SESSIONS}/{people.bob.session_id}", by=people.root)
        assert answer.status_code == 404
        assert (await api.get(ME, by=people.bob)).status_code == 200


class TestTokens:
    async def test_are_shown_once_and_kept_as_a_hash(self, api: Api, people: People) -> None:
        token = await made(api, people.ada, "read", "buy", days=30)
        assert re.fullmatch(r"tsk_[\w-]{43}", token["token"])
        (shown,) = (await api.get(TOKENS, by=people.ada)).json()["items"]
        assert shown == {name: value for name, value in token.items() if name != "token"}
        assert shown["scopes"] == ["read", "buy"]
        assert token["token"] not in str(await api.shop.books())
        assert len({(await made(api, people.ada))["token"] for _ in range(20)}) == 20

    async def test_read_or_act_as_far_as_their_scopes_go(self, api: Api, people: People) -> None:
        await api.shop.product("cola", price_cents=100)
        coins = {"coins": {"100": 3}, "user": people.ada.user_id}
        assert (await api.post("/v1/wallet/deposits", coins, by=people.cas)).status_code == 201
        order = {"lines": [{"product": 1, "quantity": 1}]}
        reads, buys = [(await made(api, people.ada, scope))["token"] for scope in ("read", "buy")]
        assert (await api.get("/v1/wallet", by=reads)).json()["balance"] == 300
        assert (await api.get("/v1/wallet", by=buys)).json()["scopes"] == ["read"]
        refused = await api.post("/v1/orders", order, by=reads)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:tuckshop:problem:scope-missing")
        assert (await api.post("/v1/orders", order, by=buys)).status_code == 201
        await api.shop.assert_clean()

    async def test_lend_no_role_beyond_their_scopes(self, api: Api) -> None:
        root = await api.shop.person("root", *Role)
        await api.shop.product("cola", seller=root)
        coins = {"coins": {"100": 3}, "user": (await api.shop.person("ada", Role.BUYER)).user_id}
        for scopes, deposits, sells, audits in (
            (("read", "buy", "sell"), 403, 201, 403),
            (("read", "admin"), 201, 403, 200),
            (("admin",), 201, 403, 403),
            (("read", "buy"), 403, 403, 403),
        ):
            token = (await made(api, root, *scopes))["token"]
            name = f"can {'-'.join(scopes)}"
            new = {"name": name, "price": 100, "stock": 1}
            answers = [
                await api.post("/v1/wallet/deposits", coins, by=token),
                await api.post("/v1/products", new, by=token),
                await api.get("/v1/audit", by=token),
            ]
            expected = [
                deposits,
                403 if scopes == ("read", "admin") or scopes == ("admin",) else sells,
                audits,
            ]
            assert [answer.status_code for answer in answers] == expected, (scopes, answers)

    async def test_take_nothing_back_that_they_could_not_buy(self, api: Api) -> None:
        ida, sue = (
            await api.shop.person("ida", Role.BUYER, Role.SELLER),
            await api.shop.person("sue", Role.SELLER),
        )
        cola = (await api.shop.product("cola", price_cents=100, seller=sue)).product_id
        await api.shop.do(Deposit(OPERATOR, wallet_of(ida.user_id), {100: 2}))
        bought = await api.shop.buy(ida, (cola, 1))
        waiting = await api.shop.do(
            PlaceOrder(ida, wallet_of(ida.user_id), ((cola, 1),), fulfil=Fulfil.LATER)
        )
        assert isinstance(waiting, OrderPlaced)
        back, off = f"/v1/orders/{bought.order_id}/refunds", f"/v1/orders/{waiting.order_id}"
        sells, buys = [(await made(api, ida, scope))["token"] for scope in ("sell", "buy")]
        for token, statuses in ((sells, [403, 403]), (buys, [201, 200])):
            answers = [
                await api.post(back, {}, by=token),
                await api.call("PATCH", off, {"status": "cancelled"}, by=token),
            ]
            assert [answer.status_code for answer in answers] == statuses
        await api.shop.assert_clean()

    async def test_manage_no_account(self, api: Api, people: People) -> None:
        token = (await made(api, people.root, "read", "buy", "sell", "admin"))["token"]
        for method, path, body in (
            ("GET", SESSIONS, None),
            ("DELETE", f"{SESSIONS}/1", None),
            ("GET", TOKENS, None),
            ("POST", TOKENS, {"name": "more", "scopes": ["admin"]}),
            ("DELETE", f"{TOKENS}/1", None),
            ("POST", "/v1/auth/logout", None),
            ("POST", "/v1/auth/logout-all", None),
            ("PATCH", ME, {"username": "toor"}),
        ):
            answer = await api.call(method, path, body, by=token)
            assert answer.status_code == 403, (method, path)
            assert answer.json()["type"] == "urn:tuckshop:problem:log-in-needed"
        assert (await api.get(ME, by=token)).json()["username"] == "root"

    @pytest.mark.parametrize("how", ["revoke", "logout-all", "expire", "disable"])
    async def test_end_at_once(self, api: Api, how: str) -> None:
        here = await api.registered("ada")
        token = await made(api, here["access"], "read", "buy", days=1)
        order = {"lines": [{"product": 1, "quantity": 1}]}
        assert (await api.get(ME, by=token["token"])).status_code == 200
        match how:
            case "revoke":
                path = f"{TOKENS}/{token['id']}"
                assert (await api.call("DELETE", path, by=here["access"])).status_code == 204
                assert (await api.call("DELETE", path, by=here["access"])).status_code == 404
            case "logout-all":
                await api.post("/v1/auth/logout-all", by=here["access"])
            case "expire":
                api.clock.forward(86_400)
            case _:
                await api.shop.execute("UPDATE users SET state = 'disabled'")
        for answer in (
            await api.get(ME, by=token["token"]),
            await api.post("/v1/orders", order, by=token["token"]),
        ):
            assert (answer.status_code, answer.json()["type"]) == (401, "urn:tuckshop:problem:session-ended")

    async def test_of_others_are_not_there(self, api: Api, people: People) -> None:
        token = await made(api, people.bob)
        assert (await api.get(TOKENS, by=people.root)).json()["items"] == []
        for known in (token["id"], people.bob.session_id, people.root.session_id):
            answer = await api.call("DELETE", f"{TOKENS}/{known}", by=people.root)
            assert (answer.status_code, answer.json()["type"]) == (404, "urn:tuckshop:problem:unknown-token")
        assert (await api.get(ME, by=token["token"])).status_code == 200

    async def test_are_taken_whole_and_as_they_were_given(self, api: Api, people: People) -> None:
        token = (await made(api, people.ada))["token"]
        for wrong in (token[:-1], token + "A", token.swapcase(), "tsk_", token + "\u00e9"):
            by = {"headers": [(b"Authorization", f"Bearer {wrong}".encode())]}
            assert (await api.get(ME, **by)).status_code == 401, wrong
        twice = [(b"Authorization", f"Bearer {token}".encode())] * 2
        assert (await api.client.get(ME, headers=twice)).status_code == 401

    async def test_are_not_without_number(
        self, api: Api, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert TOKENS_MAX == 100
        monkeypatch.setattr("tuckshop.identity.api_tokens.TOKENS_MAX", 2)
        one = await made(api, people.ada)
        await made(api, people.ada)
        body = {"name": "printer", "scopes": ["read"]}
        answer = await api.post(TOKENS, body, by=people.ada)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:tuckshop:problem:too-many-tokens")
        await api.call("DELETE", f"{TOKENS}/{one['id']}", by=people.ada)
        await made(api, people.ada)

    async def test_count_as_no_active_session(self, api: Api) -> None:
        here = await api.registered("ada")
        await made(api, here["access"])
        assert (await api.logged_in("ada"))["active_sessions"] == 1


async def test_a_copy_of_the_database_is_no_credential(api: Api, people: People) -> None:
    await made(api, people.ada)
    rows = [value for table in (await api.shop.books()).values() for row in table for value in row.values()]
    for value in rows:
        text = value.hex() if isinstance(value, bytes) else str(value)
        if text.isascii() and text.isprintable():
            assert (await api.get(ME, by=f"tsk_{text}")).status_code == 401
