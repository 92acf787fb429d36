"""A shop that an older release left behind: upgraded, it answers as before, and its books are right.

The fixtures were made by `make_fixture.py` with commit 3366d97, the last one that kept the names of classes.
They stay as they are for ever.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from tests.api.conftest import serving
from tests.conftest import PostgresServer
from tests.limits import HANG_SECONDS
from tests.shop import Clock, Shop
from tests.stored.make_fixture import PASSWORD, SETTINGS, V1, VENDING
from tests.web.browsing import Browser
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.operations import erasing
from tuckshop.operations.audit import audit
from tuckshop.store.engine import open_engine
from tuckshop.store.forms import form_of
from tuckshop.store.migrate import upgrade
from tuckshop.till.state import forms

FIXTURES = Path(__file__).parent / "3366d97"
NEWER = {"product.approved/1", "products.undone/1", "transfer.reversed/1"}  # Than that release.
WITHOUT_KEY = {"products.changed/1", "wallet.closed/1"}
"""Receipts of commands that no request with a key can ask for."""


@dataclass
class OldShop:
    """The shop after its upgrade, and what it answered before."""

    shop: Shop
    client: httpx.AsyncClient
    clock: Clock
    exchanges: list[dict[str, Any]]
    admin_log: list[dict[str, Any]]

    async def again(self, one: dict[str, Any]) -> httpx.Response:
        """The request once more, while its token is good."""
        self.clock.now_us = one["at_us"]
        body = base64.b64decode(one["body"])
        return await self.client.request(one["method"], one["path"], headers=one["headers"], content=body)

    def credential(self, name: str) -> dict[str, str]:
        """What somebody showed last."""
        headers = next(one["headers"] for one in reversed(self.exchanges) if one["by"] == name)
        return {"Authorization": headers["Authorization"]}

    async def told(self, path: str) -> Any:
        """What the admin is told."""
        answer = await self.client.get(path, headers=self.credential("root"))
        assert answer.status_code == 200
        return answer.json()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def left(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    """The fixture of each database, upgraded: its URL, and what the older release answered."""
    if request.param == "sqlite":
        file = tmp_path / "shop.sqlite3"
        file.write_bytes(unzipped("sqlite.sqlite3.gz"))
        url = f"sqlite:///{file}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = await asyncio.to_thread(server.new_database)
        connection = await asyncpg.connect(url)
        await connection.execute(unzipped("postgres.sql.gz").decode())
        await connection.close()
    engine = open_engine(url)
    await upgrade(engine)
    await engine.dispose()
    return url, json.loads(unzipped(f"{request.param}.json.gz"))


@pytest.fixture
async def old(left: tuple[str, dict[str, Any]]) -> AsyncIterator[OldShop]:
    """The upgraded shop, served with the settings that it had."""
    async with opened(*left) as shop:
        yield shop


def unzipped(name: str) -> bytes:
    return gzip.decompress((FIXTURES / name).read_bytes())


@asynccontextmanager
async def opened(url: str, recorded: dict[str, Any], **changed: Any) -> AsyncIterator[OldShop]:
    clock = Clock(now_us=recorded["now_us"])
    settings: dict[str, Any] = {name: value for name, value in SETTINGS.items() if name != "secret"} | changed
    async with serving(url, clock=clock, **settings) as api:
        address = f"http://127.0.0.1:{api.port}"
        async with httpx.AsyncClient(base_url=address, timeout=HANG_SECONDS, verify=False) as client:
            # A server erases who was closed before the upgrade as it starts: here, before anybody looks.
            await erasing.erase_closed(api.running)
            yield OldShop(api.shop, client, clock, recorded["exchanges"], recorded["admin_log"])


async def test_every_key_is_answered_as_it_was(old: OldShop) -> None:
    before = await old.shop.books()
    found, expected = [], []
    for one in old.exchanges:
        answer = await old.again(one)
        text = one["answer"] if one["status"] < 400 else worded_as(one["answer"], answer.text)
        asked = f"{one['method']} {one['path']}"
        expected.append((asked, one["status"], text, "true"))
        found.append((asked, answer.status_code, answer.text, answer.headers.get("idempotent-replayed")))
    assert found == expected
    assert len(found) > 100
    assert await old.shop.books() == before


def worded_as(was: str, now: str) -> str:
    """A refusal as it was, but for its title and sentence: these are in the words of the present release."""
    for name in json.loads(was).keys() & {"title", "detail"}:
        old, new = (msgspec.json.encode(json.loads(one)[name]).decode() for one in (was, now))
        was = was.replace(f'"{name}":{old}', f'"{name}":{new}')
    return was


async def test_what_was_kept_bears_tags_now(old: OldShop) -> None:
    kinds = {row["kind"] for row in await old.shop.rows("idempotency")}
    assert all("/" in kind for kind in kinds)
    receipts = {kind for kind in forms.declared() if not kind.startswith("refusal.")}
    assert {kind for kind in kinds if not kind.startswith("refusal.")} == receipts - WITHOUT_KEY - NEWER
    assert len({form_of(kind).tag for kind in kinds if kind.startswith("refusal.")}) > 20


async def test_its_books_are_right(old: OldShop) -> None:
    assert (await audit(old.shop.engine)).clean


async def test_its_log_is_listed_as_it_was(old: OldShop) -> None:
    lines: list[dict[str, Any]] = []
    path = f"{V1}/admin-log?limit=10"
    answer = await old.told(path)
    lines += answer["items"]
    while answer["next"] is not None:
        answer = await old.told(f"{path}&cursor={answer['next']}")
        lines += answer["items"]
    parts = ("before", "after")
    assert lines == [line | {part: unnamed(line, part) for part in parts} for line in old.admin_log]
    assert len({line["action"] for line in lines}) == 29


def unnamed(line: dict[str, Any], part: str) -> Any:
    """Zoe had closed her account: the upgraded shop names her no more."""
    told = line[part]
    return told | {"username": "closed user 9"} if told and told.get("username") == "zoe" else told


@pytest.mark.parametrize("path", ["/v1/users/me", "/dialects/shop/api/products", f"{VENDING}/product"])
async def test_its_sessions_go_on_at_every_door_until_they_expire(old: OldShop, path: str) -> None:
    asked = next(one for one in reversed(old.exchanges) if one["by"] == "ada")
    old.clock.now_us = asked["at_us"]
    answer = await old.client.get(path, headers=old.credential("ada"))
    assert answer.status_code == 200
    old.clock.forward(301)
    assert (await old.client.get("/v1/users/me", headers=old.credential("ada"))).status_code == 401


async def test_a_machine_with_a_key_keeps_drawing_coins_and_the_cookie_of_its_screen_is_paired(
    left: tuple[str, dict[str, Any]],
) -> None:
    async with opened(*left, coins=CoinsPolicy.ATTESTED) as old:
        rules = {row["name"]: (row["coin_input"], row["fulfil"]) for row in await old.shop.rows("machines")}
        assert rules == {"default": ("none", "either"), "lobby": ("drawn", "either")}
        key = old.credential("hall")["Authorization"].removeprefix("Machine ")
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        async with httpx.AsyncClient(
            base_url=old.client.base_url, headers=headers, follow_redirects=True, timeout=HANG_SECONDS
        ) as client:
            client.cookies.set("tuckshop_machine", key, domain="127.0.0.1")
            screen = Browser(client)
            await screen.open("/")
            assert "tuckshop_machine" not in client.cookies
            assert client.cookies["tuckshop_screen"].startswith("s1-")
            assert [row["paired_us"] for row in await old.shop.rows("screens")] == [old.clock.now_us]
            before = len(await old.shop.rows("transfers"))
            await screen.put_in(50)
            assert screen.credit == "\N{EURO SIGN}0.50"
            assert len(await old.shop.rows("transfers")) == before + 1
        await old.shop.assert_clean()


async def test_whoever_had_a_tab_or_a_limit_is_approved_and_nobody_else(old: OldShop) -> None:
    users = await old.shop.rows("users")
    approved = {row["username"] for row in users if row["tab_approved"]}
    assert approved == {"ada", "bob", "tom", "closed user 9"}
    assert {row["username"]: row["tab_limit_cents"] for row in users if row["tab_limit_cents"]} == {
        "tom": 500
    }


async def test_sellers_are_paid_as_before_and_new_ones_after_the_shops_delay(old: OldShop) -> None:
    body = {"username": "newcomer", "password": PASSWORD, "roles": ["seller"]}
    assert (await old.client.post(f"{V1}/users", json=body)).status_code in (201, 202)
    delays = {row["username"]: row["payout_delay_days"] for row in await old.shop.rows("users")}
    assert {name: delays[name] for name in ("root", "sue", "sam", "sol")} == dict.fromkeys(
        ("root", "sue", "sam", "sol"), 0
    )
    assert [delays[name] for name in ("ada", "newcomer")] == [None, None]


async def test_its_people_and_machines_come_in_as_before(old: OldShop) -> None:
    for name in ("root", "ada"):
        answer = await old.client.post(f"{V1}/auth/login", json={"username": name, "password": PASSWORD})
        assert answer.status_code == 200
    body = {"coins": {"100": 1}, "guest": "door 17"}
    answer = await old.client.post(f"{V1}/wallet/deposits", json=body, headers=old.credential("hall"))
    assert answer.status_code == 201
    await old.shop.assert_clean()


@pytest.mark.parametrize(
    ("kind", "outcome", "form"),
    [("order.placed/2", "{}", ("order.placed", 2)), ("refusal.tired/1", "[]", ("refusal.tired", 1))],
)
async def test_what_a_newer_release_kept_is_named_and_not_done_again(
    old: OldShop, kind: str, outcome: str, form: tuple[str, int]
) -> None:
    for path in ("/v1/orders", "/dialects/shop/api/orders"):
        placed = next(one for one in old.exchanges if (one["path"], one["status"]) == (path, 201))
        key = placed["headers"]["Idempotency-Key"]
        await old.shop.execute(
            "UPDATE idempotency SET kind = :kind, outcome = :outcome WHERE key = :key",
            kind=kind,
            outcome=outcome,
            key=key,
        )
        before = await old.shop.books()
        answer = await old.again(placed)
        assert answer.status_code == 409
        assert "idempotent-replayed" not in answer.headers
        told = answer.json()
        if path.startswith("/v1"):
            assert told["type"] == "urn:tuckshop:problem:record-unreadable"
            assert (told["key"], told["form"], told["form_version"]) == (key, *form)
            assert told["order"] == json.loads(placed["answer"])["id"]
            assert told["recorded_at"] == json.loads(placed["answer"])["created_at"]
        else:
            assert told["code"] == "record-unreadable"
        assert await old.shop.books() == before
    assert (await old.told(f"{V1}/admin-log"))["items"]
