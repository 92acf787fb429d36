"""Quotas and invitations over /v1."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.pictures import painted
from tuckshop.domain.selling import QUOTA_MAX
from tuckshop.domain.users import Role


async def test_an_admin_raises_what_a_seller_may_have(api: Api) -> None:
    sam, boss = await api.shop.person("sam", Role.SELLER), await api.shop.person("boss", Role.ADMIN)
    hall = await api.shop.machine()
    await api.shop.execute("DELETE FROM invitations")
    path = f"/v1/users/{sam.user_id}/selling"
    tea = (await api.post("/v1/products", {"name": "tea", "price": 100, "stock": 9_999}, by=sam)).json()["id"]
    stock = f"/v1/products/{tea}/stock"
    answer = await api.post(stock, {"restock": 2}, by=sam)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:tuckshop:problem:too-many-pieces")
    assert (answer.json()["pieces_max"], answer.json()["pieces"]) == (10_000, 9_999)
    answer = await api.post(stock, {"restock": 1, "machine": hall}, by=sam)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:tuckshop:problem:seller-not-invited")
    changed = await api.call("PATCH", path, {"pieces": 10_001, "machines": [hall]}, by=boss)
    assert changed.json() == {
        "user": sam.user_id,
        "products": {"used": 1, "max": 200},
        "pieces": {"used": 9_999, "max": 10_001},
        "picture_bytes": {"used": 0, "max": 104_857_600},
        "machines": [hall],
    }
    assert (await api.get(path, by=sam)).json() == changed.json()
    assert (await api.post(stock, {"restock": 2, "machine": hall}, by=sam)).status_code == 200
    assert (await api.post(stock, {"restock": 1}, by=sam)).json()["pieces_max"] == 10_001
    await api.call("PATCH", path, {"pieces": None}, by=boss)
    found = (await api.get(path, by=sam)).json()
    assert (found["pieces"], found["machines"]) == ({"used": 10_001, "max": 10_000}, [hall])


async def test_a_picture_beyond_the_quota_is_refused_and_not_kept(api: Api) -> None:
    sam, boss = await api.shop.person("sam", Role.SELLER), await api.shop.person("boss", Role.ADMIN)
    tea = (await api.post("/v1/products", {"name": "tea", "price": 100, "stock": 1}, by=sam)).json()["id"]
    await api.call("PATCH", f"/v1/users/{sam.user_id}/selling", {"picture_bytes": 1}, by=boss)
    answer = await api.call(
        "PUT",
        f"/v1/products/{tea}/image",
        by=sam,
        content=painted("PNG"),
        headers={"Content-Type": "image/png"},
    )
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:tuckshop:problem:pictures-too-large")
    assert await api.shop.rows("images") == []


@pytest.mark.parametrize(
    "body",
    [
        {"pieces": -1},
        {"pieces": QUOTA_MAX + 1},
        {"pieces": 1.5},
        {"pieces": True},
        {"pieces": "5"},
        {"products": 2**80},
        {"machines": [0]},
        {"machines": [77]},
        {"machines": None},
        {"machines": list(range(1, 1_002))},
        {"quota": 5},
        [],
    ],
    ids=str,
)
async def test_what_is_no_quota_changes_nothing(api: Api, body: Any) -> None:
    sam, boss = await api.shop.person("sam", Role.SELLER), await api.shop.person("boss", Role.ADMIN)
    before = await api.shop.books()
    answer = await api.call("PATCH", f"/v1/users/{sam.user_id}/selling", body, by=boss)
    assert answer.status_code in (400, 404, 422)
    assert await api.shop.books() == before
    assert (await api.call("PATCH", "/v1/users/77/selling", {"pieces": 5}, by=boss)).status_code == 404
