"""A long scene with every kind of secret, failures of the shop's own included: none of them is in the log."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from tests.api.conftest import SECRET, serving
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.users import Role
from tuckshop.store.engine import reading

PASSWORD, LATER, WRONG = "correct horse battery", "another staple 41", "a guess of somebody else"
COOKIE, SCRAPER = "cookie-of-a-browser-8821", "scraper-token-5519"


async def test_no_log_line_tells_a_secret(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {SECRET, PASSWORD, LATER, WRONG, COOKIE, SCRAPER}
    async with serving(database_url, access_log=True, metrics_token=SCRAPER) as api:
        api.client.headers["Cookie"] = f"session={COOKIE}"
        told = await api.registered("ada", PASSWORD)
        secrets |= {told["access"], told["refresh"]}
        wrong = {"username": "ada", "password": WRONG}
        assert (await api.post("/v1/auth/login", wrong)).status_code == 401
        assert (await api.post("/v1/auth/login", wrong | {"hint": PASSWORD})).status_code == 422
        assert (await api.post("/v1/auth/login", [PASSWORD])).status_code == 422
        assert (await api.post("/v1/users", {"username": "ada", "password": PASSWORD})).status_code in (
            409,
            422,
        )
        again = (await api.post("/v1/auth/refresh", {"refresh": told["refresh"]})).json()
        secrets |= {again["access"], again["refresh"]}
        named = {"name": "till in the hall", "scopes": ["read", "buy"]}
        made = await api.post("/v1/auth/tokens", named, by=again["access"])
        assert made.status_code == 201, made.text
        secrets.add(made.json()["token"])
        assert (await api.get("/v1/wallet", by=made.json()["token"])).status_code == 200
        assert (await api.get("/v1/wallet", by=made.json()["token"] + "x")).status_code == 401
        # Used twice: the session ends.
        assert (await api.post("/v1/auth/refresh", {"refresh": told["refresh"]})).status_code == 401

        root = await api.shop.person("root", Role.ADMIN)
        secrets.add(api.token(root))
        hall = await api.shop.machine("hall")
        key = (await api.post(f"/v1/machines/{hall}/key", by=root)).json()["key"]
        secrets.add(key)
        for given in (key, key[::-1]):
            headers = {"Authorization": f"Machine {given}"}
            await api.post("/v1/wallet/deposits", {"guest": "gus", "coins": {"50": 1}}, headers=headers)
        assert (await api.get("/metrics", by=SCRAPER)).status_code == 200
        assert (await api.get(f"/v1/nowhere?token={again['access']}", by=root)).status_code == 404

        monkeypatch.setattr("tuckshop.identity.sessions.log_in", _fails_with_all_it_knows)
        body = {"username": "ada", "password": PASSWORD}
        assert (await api.post("/v1/auth/login", body)).status_code == 500
    said = capsys.readouterr()
    log = said.out + said.err
    assert log.count("http.answered") > 10  # It is all there to be looked through.
    assert "api.defect" in log
    assert "nowhere = " in log
    for secret in secrets:
        assert secret not in log


async def _fails_with_all_it_knows(shop: RunningShop, *, password: str, **_: Any) -> None:
    async with reading(shop.engine) as connection:
        await connection.execute(text("SELECT 1 FROM users WHERE nowhere = :it"), {"it": password})
