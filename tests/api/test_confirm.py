"""/v1/auth/confirm, and what takes a fresh log-in: roles, tokens, machine settings, keys, pairing codes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_tokens import made
from tuckshop.domain.users import Role, Scope
from tuckshop.identity import registration

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CONFIRM, TOKENS = "/v1/auth/confirm", "/v1/auth/tokens"
PASSWORD = "correct horse"
MINUTES = 60
TOKEN = {"name": "printer", "scopes": ["read"]}


def code_of(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]


async def admin(api: Api) -> str:
    """The access token of an admin who has just logged in."""
    await registration.add(
        api.running, username="boss", email=None, password=PASSWORD, roles=(Role.ADMIN, Role.BUYER)
    )
    access: str = (await api.logged_in("boss"))["access"]
    return access


async def later(api: Api, access: str, seconds: float) -> str:
    """The same session so much later, with a new access token."""
    caller = api.running.tokens.caller(access)
    api.clock.forward(seconds)
    return api.token(caller)


async def acts(api: Api, by: str) -> list[int]:
    """The statuses of one act of each kind."""
    user_id = await api.shop.buyer(f"ada{api.clock.now_us}")
    answers = [
        await api.call("PATCH", f"/v1/users/{user_id.user_id}", {"roles": ["seller"]}, by=by),
        await api.post(TOKENS, TOKEN, by=by),
        await api.call("PATCH", "/v1/machines/1", {"name": f"hall {api.clock.now_us}"}, by=by),
        await api.post("/v1/machines/1/key", by=by),
        await api.post("/v1/machines/1/screens", {"name": "tablet"}, by=by),
    ]
    return [one.status_code for one in answers]


async def test_a_log_in_is_fresh_for_ten_minutes_and_a_confirmation_for_ten_more(api: Api) -> None:
    access = await later(api, await admin(api), 10 * MINUTES)
    assert await acts(api, access) == [200, 201, 200, 201, 201]
    access = await later(api, access, 0.000_001)
    assert await acts(api, access) == [403] * 5
    assert (await api.post(CONFIRM, {"password": PASSWORD}, by=access)).status_code == 200
    access = await later(api, access, 10 * MINUTES)
    assert await acts(api, access) == [200, 201, 200, 201, 201]
    assert await acts(api, await later(api, access, 1)) == [403] * 5


async def test_says_what_to_do_and_until_when(api: Api) -> None:
    access = await later(api, await admin(api), 11 * MINUTES)
    before = await api.shop.books()
    answer = await api.post(TOKENS, TOKEN, by=access)
    assert (answer.status_code, code_of(answer)) == (403, "confirmation-required")
    assert answer.json()["fresh_seconds"] == 600
    assert await api.shop.books() == before
    confirmed = await api.post(CONFIRM, {"password": PASSWORD}, by=access)
    assert confirmed.json() == {"fresh_until": "2025-10-09T09:14:20Z"}


async def test_new_tokens_of_an_old_session_make_it_no_fresher(api: Api) -> None:
    await admin(api)
    refresh = (await api.logged_in("boss"))["refresh"]
    api.clock.forward(11 * MINUTES)
    access = (await api.post("/v1/auth/refresh", {"refresh": refresh})).json()["access"]
    assert await acts(api, access) == [403] * 5


async def test_a_confirmation_is_of_one_session(api: Api) -> None:
    first = await admin(api)
    other = api.running.tokens.caller((await api.logged_in("boss"))["access"])
    first = await later(api, first, 11 * MINUTES)
    second = api.token(other)
    await api.post(CONFIRM, {"password": PASSWORD}, by=first)
    assert (await api.post(TOKENS, TOKEN, by=first)).status_code == 201
    assert (await api.post(TOKENS, TOKEN, by=second)).status_code == 403


async def test_a_new_email_address_takes_the_current_password_instead(api: Api) -> None:
    access = await later(api, await admin(api), 11 * MINUTES)
    told = []
    for given in (
        {},
        {"current_password": "wrong horse"},
        {"current_password": "wrong horse", "password": "another staple"},
        {"current_password": PASSWORD, "password": "password1"},
    ):
        answer = await api.call("PATCH", "/v1/users/me", {"email": "boss@example.org", **given}, by=access)
        told.append((answer.status_code, code_of(answer)))
        assert (await api.get("/v1/users/me", by=access)).json()["email"] is None
    assert told == [
        (403, "confirmation-required"),
        (401, "bad-credentials"),
        (401, "bad-credentials"),
        (422, "invalid-field"),
    ]
    shown = {"email": "boss@example.org", "current_password": PASSWORD}
    answer = await api.call("PATCH", "/v1/users/me", shown, by=access)
    assert (answer.status_code, answer.json()["email"]) == (200, "boss@example.org")
    # It was shown for this once.
    assert (await api.post(TOKENS, TOKEN, by=access)).status_code == 403


async def test_a_clock_that_is_set_back_makes_nothing_fresh_for_longer(api: Api) -> None:
    access = await later(api, await admin(api), -60)
    assert (await api.post(TOKENS, TOKEN, by=access)).status_code == 403
    assert (await api.post(CONFIRM, {"password": PASSWORD}, by=access)).status_code == 200
    assert (await api.post(TOKENS, TOKEN, by=access)).status_code == 201


class TestConfirming:
    async def test_a_wrong_password_confirms_nothing_and_is_counted(self, api: Api) -> None:
        access = await later(api, await admin(api), 11 * MINUTES)
        for _ in range(10):
            answer = await api.post(CONFIRM, {"password": "wrong horse"}, by=access)
            assert (answer.status_code, code_of(answer)) == (401, "bad-credentials")
        answer = await api.post(CONFIRM, {"password": PASSWORD}, by=access)
        assert (answer.status_code, code_of(answer)) == (429, "too-many-tries")
        assert (await api.post(TOKENS, TOKEN, by=access)).status_code == 403

    @ON_SQLITE
    async def test_many_at_once_are_no_more_than_the_tries(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tuckshop.identity.login_throttle.DELAY_SECONDS", 0)
        access = await admin(api)
        tries = (api.post(CONFIRM, {"password": f"wrong horse {n}"}, by=access) for n in range(20))
        statuses = [one.status_code for one in await asyncio.gather(*tries)]
        assert sorted(set(statuses)) == [401, 429]
        assert statuses.count(401) == 10

    async def test_a_good_one_is_not_counted(self, api: Api) -> None:
        access = await admin(api)
        for _ in range(15):
            assert (await api.post(CONFIRM, {"password": PASSWORD}, by=access)).status_code == 200

    @ON_SQLITE
    @pytest.mark.parametrize(
        "body",
        [
            {}, {"password": None}, {"password": 1}, {"password": ""}, {"password": "x" * 1025},
            {"password": PASSWORD, "roles": ["admin"]}, {"password": [PASSWORD]}, [], "x",
        ],
    )  # fmt: skip
    async def test_bad_input_confirms_nothing(self, api: Api, body: Any) -> None:
        access = await later(api, await admin(api), 11 * MINUTES)
        assert (await api.post(CONFIRM, body, by=access)).status_code in (401, 422)
        assert (await api.post(TOKENS, TOKEN, by=access)).status_code == 403

    async def test_nobody_and_an_ended_session_confirm_nothing(self, api: Api) -> None:
        access = await admin(api)
        assert (await api.post(CONFIRM, {"password": PASSWORD})).status_code == 401
        await api.post("/v1/auth/logout", by=access)
        assert (await api.post(CONFIRM, {"password": PASSWORD}, by=access)).status_code == 401


class TestApiTokens:
    """Whatever their scopes, they change no rights: whoever finds one gets no more than it was made for."""

    async def test_change_no_roles_and_make_no_tokens(self, api: Api) -> None:
        token = (await made(api, await admin(api), *Scope))["token"]
        before = await api.shop.books()
        ada = (await api.shop.rows("users"))[0]["id"]
        for method, path, body in (
            ("PATCH", f"/v1/users/{ada}", {"roles": ["admin"]}),
            ("PATCH", f"/v1/users/{ada}", {"standing": "disabled"}),
            ("POST", TOKENS, {"name": "heir", "scopes": ["admin"], "days": 3650}),
            ("POST", CONFIRM, {"password": PASSWORD}),
            ("PATCH", "/v1/machines/1", {"name": "x"}),
            ("POST", "/v1/machines/1/key", None),
            ("POST", "/v1/machines/1/screens", {"name": "x"}),
        ):
            answer = await api.call(method, path, body, by=token)
            assert (answer.status_code, code_of(answer)) == (403, "log-in-needed"), path
        assert await api.shop.books() == before

    async def test_of_staff_are_in_the_log(self, api: Api) -> None:
        access = await admin(api)
        token = await made(api, access, "admin", days=3650)
        await api.call("DELETE", f"{TOKENS}/{token['id']}", by=access)
        found = [(row["action"], row["subject"]) for row in await api.shop.rows("admin_log")]
        assert found[-2:] == [
            ("token.add", f"token:{token['id']}"),
            ("token.revoke", f"token:{token['id']}"),
        ]
        ada = await api.shop.buyer("ada")
        known = len(await api.shop.rows("admin_log"))
        await made(api, ada)
        assert len(await api.shop.rows("admin_log")) == known
