"""Registrations are counted by network before they cost anything, and never take the place of log-ins."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api, serving
from tuckshop.dialects import NAMES
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.identity.passwords import AT_A_TIME, NEW_QUEUE_MAX, Overrun, Passwords

HERE: dict[str, Any] = {"trusted_proxies": "127.0.0.1", "registrations_per_hour": 2}


async def registers(api: Api, name: str, address: str, **more: Any) -> Any:
    body = {"username": name, "password": "correct horse", "roles": ["buyer"], **more}
    return await api.post("/v1/users", body, headers={"X-Forwarded-For": address})


async def test_one_network_registers_so_many_an_hour(database_url: str) -> None:
    async with serving(database_url, **HERE) as api:
        assert (await registers(api, "ada", "203.0.113.9")).status_code == 201
        assert (await registers(api, "bob", "203.0.113.200")).status_code == 201
        before = await api.shop.books()
        refused = await registers(api, "cyd", "203.0.113.77")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1800")
        told = refused.json()
        assert told["type"] == "urn:tuckshop:problem:too-many-registrations"
        assert (told["registrations_max"], told["retry_seconds"]) == (2, 1_800)
        assert await api.shop.books() == before
        assert (await registers(api, "cyd", "203.0.114.9")).status_code == 201  # Another network.
        await api.logged_in("ada")  # From wherever: nobody is kept from logging in.
        api.clock.now_us += 1_800 * 1_000_000
        assert (await registers(api, "dan", "203.0.113.77")).status_code == 201
        assert (await registers(api, "eve", "203.0.113.77")).status_code == 429


async def test_an_ipv6_customer_is_one_network(sqlite_url: str) -> None:
    async with serving(sqlite_url, **HERE) as api:
        for name, address, status in (
            ("ada", "2001:db8:1::1", 201),
            ("bob", "2001:db8:1:ffff::1", 201),
            ("cyd", "2001:db8:1:77::", 429),
            ("cyd", "2001:db8:2::1", 201),
            ("dan", "::ffff:203.0.113.9", 201),
            ("eve", "203.0.113.10", 201),
            ("fay", "203.0.113.11", 429),
        ):
            assert (await registers(api, name, address)).status_code == status, (name, address)


async def test_what_is_refused_for_nothing_is_not_counted(sqlite_url: str) -> None:
    async with serving(sqlite_url, **HERE) as api:
        for wrong in ({"password": "short"}, {"roles": ["admin"]}, {"email": "nobody"}, {"username": "a/b"}):
            more: dict[str, Any] = {"name": "ada", **wrong}
            assert (await registers(api, address="127.0.0.1", **more)).status_code in (403, 422)
        for name in ("ada", "ada"):  # Who hits a taken name has cost as much.
            await registers(api, name, "127.0.0.1")
        assert (await registers(api, "bob", "127.0.0.1")).status_code == 429


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/v1/users", {"roles": ["buyer"]}),
        ("/dialects/simple-payment/api/create_user", {"role": "buyer"}),
        ("/dialects/vending-challenge/api/v1/users", {"role": "buyer"}),
        ("/dialects/app-demo/api/register", {}),
    ],
)
async def test_every_door_counts(sqlite_url: str, path: str, names: dict[str, Any]) -> None:
    more: dict[str, Any] = {"dialects": ",".join(NAMES), "coins": CoinsPolicy.SELF, "tab_limit_cents": 500}
    async with serving(sqlite_url, **more, registrations_per_hour=1) as api, httpx.AsyncClient() as client:
        answers = []
        for name in ("ada", "bob"):
            body = {"password": "correct horse", "email": f"{name}@example.org", **names}
            if path.startswith("/dialects/app-demo"):
                body = {"name": name, "password": "correct horse"}
            else:
                body["username"] = name
            answers.append(await client.post(f"{api.client.base_url}".rstrip("/") + path, json=body))
        assert [one.status_code for one in answers] == [201, 429]
        assert answers[1].headers["retry-after"] == "3600"


async def test_many_at_once_are_counted_one_by_one(database_url: str) -> None:
    async with serving(database_url, **HERE) as api:
        answers = await asyncio.gather(*(registers(api, f"u{n}", "203.0.113.9") for n in range(10)))
        assert sorted(one.status_code for one in answers) == [201] * 2 + [429] * 8


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


async def test_log_ins_keep_their_places_beside_registrations(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await passwords.hash("correct horse")
    goes_on, hashed = threading.Event(), []

    class Stuck:
        def hash(self, password: str) -> str:
            goes_on.wait()
            hashed.append(password)
            return password

        verify = passwords._hasher.verify

    assert await passwords.fits("correct horse", kept)
    monkeypatch.setattr(passwords, "_hasher", Stuck())
    crowd = [asyncio.create_task(passwords.hash(str(number))) for number in range(NEW_QUEUE_MAX + 5)]
    await asyncio.sleep(0)
    assert sum(one.done() and isinstance(one.exception(), Overrun) for one in crowd) == 5
    for _ in range(3):
        assert await passwords.fits("correct horse", kept)
    assert not hashed
    gone = crowd[1]
    gone.cancel()
    await asyncio.sleep(0)
    goes_on.set()
    answers = await asyncio.gather(*crowd, return_exceptions=True)
    assert [one for one in answers if isinstance(one, str)] == hashed
    assert len(hashed) == NEW_QUEUE_MAX - 1
    assert (passwords._new.running, len(passwords._new.waiting), passwords._checks.running) == (0, 0, 0)


async def test_log_ins_go_first(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[str] = []
    goes_on = threading.Event()

    def check(_: str, password: str) -> bool:
        goes_on.wait()
        return True

    kept = await passwords.hash("correct horse")
    await passwords.fits("x", kept)
    monkeypatch.setattr(passwords, "_verify", check)
    submit = passwords._threads.submit

    def noted(work: Any, *arguments: Any) -> Any:
        handed.append(arguments[-1])
        return submit(work, *arguments)

    monkeypatch.setattr(passwords._threads, "submit", noted)
    running = [asyncio.create_task(passwords.fits("running", kept)) for _ in range(AT_A_TIME)]
    await asyncio.sleep(0)
    new = asyncio.create_task(passwords.hash("new"))
    await asyncio.sleep(0)
    later = [asyncio.create_task(passwords.fits("later", kept)) for _ in range(4)]
    await asyncio.sleep(0)
    goes_on.set()
    await asyncio.gather(*running, new, *later)
    assert handed == ["running"] * AT_A_TIME + ["later"] * 4 + ["new"]
