"""The first admin: by the server's code, once, and never again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.api.conftest import Api, serving
from tests.web.browsing import Browser
from tests.web.conftest import PASSWORD, browsers, joined
from tuckshop.domain.users import Role
from tuckshop.identity import first_admin, login_throttle

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CODE, HASH = first_admin.new_code()
WHO = {"code": CODE, "username": "boss", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture
async def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """A shop that nobody runs."""
    monkeypatch.setattr(login_throttle, "DELAY_SECONDS", 0.0)
    async with serving(database_url, first_code_hash=HASH) as served:
        yield served


async def test_the_code_makes_one_admin_who_is_in(api: Api, guest: Browser) -> None:
    page = await guest.open("/office/first")
    await guest.press("begin", **WHO | {"code": f" {CODE.upper().replace('-', '')} "})
    assert (guest.status, guest.path) == (200, "/office")
    (row,) = await api.shop.rows("users")
    assert (row["username"], row["is_admin"], row["state"]) == ("boss", True, "active")
    assert [line["action"] for line in await api.shop.rows("admin_log")] == ["user.add", "staff.read"]
    await guest.open("/office/first")
    assert guest.status == 404
    await guest.press("begin", page, **WHO)
    assert guest.status in (400, 404)
    assert len(await api.shop.rows("users")) == 1
    assert CODE not in str(await api.shop.books())


async def test_of_many_at_once_one_becomes_it(api: Api) -> None:
    async with browsers(api) as make:
        those = [make() for _ in range(4)]
        for one in those:
            await one.open("/office/first")
        await asyncio.gather(
            *(one.press("begin", **WHO | {"username": f"boss{n}"}) for n, one in enumerate(those))
        )
        assert sorted(one.path for one in those) == ["/office"] + ["/office/first"] * 3
        assert {one.status for one in those} <= {200, 403, 404, 422}
    assert [row["is_admin"] for row in await api.shop.rows("users")] == [True]


@ON_SQLITE
@pytest.mark.parametrize(
    ("filled", "beside"),
    [
        ({"code": ""}, "code"),
        ({"code": "0" * 20}, "code"),
        ({"code": "<script>"}, "code"),
        ({"code": "x" * 101}, "code"),
        ({"username": ""}, "username"),
        ({"username": "a/b"}, "username"),
        ({"username": "ada"}, "username"),
        ({"password": "short", "again": "short"}, "password"),
        ({"password": "password", "again": "password"}, "password"),
        ({"again": "another"}, "again"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(
    api: Api, guest: Browser, filled: dict[str, str], beside: str
) -> None:
    await joined(api, "ada")
    before = await api.shop.rows("users")
    await guest.open("/office/first")
    await guest.press("begin", **WHO | filled)
    assert guest.status == 422
    assert f"{beside}-wrong" in guest.page.texts
    assert "<script>" not in guest.page.content
    assert guest.field("username")["value"] == (WHO | filled)["username"]
    assert PASSWORD not in guest.page.content
    assert await api.shop.rows("users") == before


async def test_nobody_tries_codes_until_one_fits(api: Api, guest: Browser) -> None:
    await guest.open("/office/first")
    told = []
    for number in range(12):
        await guest.press("begin", **WHO | {"code": f"{number:020}"})
        told.append(guest.status)
    assert told == [422] * 10 + [429] * 2
    await guest.press("begin", **WHO)  # The right one waits like any other.
    assert guest.status == 429
    assert await api.shop.rows("users") == []


@ON_SQLITE
async def test_there_is_no_page_where_somebody_runs_the_shop(api: Api, guest: Browser) -> None:
    await joined(api, "boss", Role.ADMIN)
    await guest.open("/office/first")
    assert guest.status == 404
    await guest.open("/login")
    assert (await guest.post("/office/first", WHO)).status_code == 404
    assert len(await api.shop.rows("users")) == 1


@ON_SQLITE
async def test_without_a_code_there_is_no_page(database_url: str) -> None:
    async with serving(database_url) as api, browsers(api) as make:
        guest = make()
        await guest.open("/office/first")
        assert guest.status == 404
