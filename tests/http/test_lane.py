"""Whichever way a request goes, the lane's or the framework's, its answer is the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from tests.api.conftest import Api, serving
from tuckshop.http.fast_path import Lane

ORDER = {"lines": [{"product": 1, "quantity": 1}]}


@pytest.fixture
async def api(sqlite_url: str) -> AsyncIterator[Api]:
    async with serving(sqlite_url) as opened:
        yield opened


def taken(monkeypatch: pytest.MonkeyPatch, *, closed: bool = False) -> list[str]:
    """The paths of requests that take the lane from now on; `closed`: all go the framework's way."""
    paths: list[str] = []
    real = Lane._stop

    def noting(self: Lane, scope: Any) -> Any:
        stop = None if closed else real(self, scope)
        if stop is not None:
            paths.append(scope["path"])
        return stop

    monkeypatch.setattr(Lane, "_stop", noting)
    return paths


async def test_purchases_take_the_lane(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = taken(monkeypatch)
    ada = await api.shop.buyer("ada", cents=500)
    product = (await api.shop.product("cola", price_cents=150, stock=1)).product_id
    bought = await api.post("/v1/orders", {"lines": [{"product": product, "quantity": 1}]}, by=ada)
    assert bought.status_code == 201
    assert paths == ["/v1/orders"]


async def test_what_has_more_to_its_address_does_not(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = taken(monkeypatch)
    ada = await api.shop.buyer("ada")
    for path in ("/v1/orders/1", "/v1/orders?limit=1", "/v1/orders/", "//v1/orders", "/v1/nothing"):
        await api.get(path, by=ada)
    assert paths == []


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("POST", "/v1/orders", {}, ORDER),
        ("POST", "/v1/orders", {"Authorization": "Bearer nonsense"}, ORDER),
        ("POST", "/v1/orders", {"Authorization": "Bearer {}"}, {"lines": []}),
        ("POST", "/v1/orders", {"Authorization": "Bearer {}"}, ORDER),
        ("POST", "/v1/orders", {"Authorization": "Bearer {}", "Idempotency-Key": ""}, ORDER),
        ("POST", "/v1/orders", {"Authorization": "Bearer {}", "Host": "a b"}, ORDER),
        ("POST", "/v1/orders", {"Authorization": "Bearer {}", "Host": "[::1]:80"}, ORDER),
        ("POST", "/v1/orders?a=1", {"Authorization": "Bearer {}"}, ORDER),
        ("POST", "/v1/orders/", {"Authorization": "Bearer {}"}, ORDER),
        ("OPTIONS", "/v1/orders", {}, None),
        ("DELETE", "/v1/orders", {}, None),
        ("GET", "/v1/users/me", {"Authorization": "Bearer {}"}, None),
        ("HEAD", "/v1/users/me", {"Authorization": "Bearer {}"}, None),
        ("POST", "/v1/auth/login", {}, {"username": "ada", "password": "wrong horse"}),
        ("GET", "/openapi.json", {}, None),
    ],
)
async def test_both_ways_answer_alike(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    headers: dict[str, str],
    body: Any,
) -> None:
    token = api.token(await api.shop.buyer("ada", cents=500))
    told = {name: value.format(token) for name, value in headers.items()}
    content = None if body is None else msgspec.json.encode(body)
    if content is not None:
        told["Content-Type"] = "application/json"

    async def asked() -> tuple[int, dict[str, str], bytes]:
        answer = await api.client.request(method, path, headers=told, content=content)
        shown = {
            name: value for name, value in answer.headers.items() if name not in ("date", "x-request-id")
        }
        return answer.status_code, shown, answer.content

    by_lane = await asked()
    with monkeypatch.context() as patch:
        taken(patch, closed=True)
        assert by_lane == await asked()


async def test_a_defect_is_told_as_one(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await api.shop.buyer("ada")

    async def broken(*_: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(type(api.running.till), "settle", broken)
    answer = await api.client.post(
        "/v1/orders", json=ORDER, headers={"Authorization": f"Bearer {api.token(ada)}"}
    )
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:tuckshop:problem:internal-error")
    assert "secret" not in answer.text
