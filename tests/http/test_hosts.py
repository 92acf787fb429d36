"""Who is let through: the shop's own names, and proxies that the settings name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, serving
from tuckshop.settings import Settings, SettingsInvalid, read

PROBLEM = "urn:tuckshop:problem:bad-request"


async def asked(api: Api, **headers: str) -> int:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await api.get("/v1/products", headers=given)
    if answer.status_code != 200:
        assert (answer.status_code, answer.json()["type"]) == (400, PROBLEM)
    return answer.status_code


async def test_any_name_will_do_where_somebody_says_so(sqlite_url: str) -> None:
    async with serving(sqlite_url, allowed_hosts="*") as api:
        assert await asked(api, Host="anything.example", X_Forwarded_For="1.2.3.4") == 200


async def test_names_that_others_may_own_are_refused_unless_given(sqlite_url: str) -> None:
    async with serving(
        sqlite_url, public_url="https://shop.example.org:8443", host="kiosk.example.net"
    ) as api:
        for good in (
            "shop.example.org",
            "SHOP.example.org:8443",
            "kiosk.example.net",
            "localhost:8000",
            "127.0.0.1",
            "192.0.2.7:8000",
            "[2001:db8::1]:8000",
            "[::ffff:192.0.2.7]",
            "tuckshop",
            "fridge.local:8000",
            "shop.lan",
        ):
            assert await asked(api, Host=good, X_Forwarded_For="1.2.3.4") == 200, good
        for wrong in (
            "evil.example",
            "local.evil.example",
            "127.0.0.1.evil.example",
            "xlocal.example",
            "1.2.3.4x",
            "[::1].evil.example",
            "[::1]evil.example",
            "evil.example:80:80",
            "shop.example.org.",
            "evil.example/shop.lan",
            "evil.example#.local",
            "evil.example\\.local",
        ):
            assert await asked(api, Host=wrong) == 400, wrong
        assert (await api.get("/health/live", headers={"Host": "evil.example"})).status_code == 200
        answer = await api.raw(
            b"GET /v1/products HTTP/1.1\r\nHost: a\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        assert answer.startswith(b"HTTP/1.1 400 "), answer


async def test_who_asks_for_a_foreign_name_is_told_of_once_a_second(
    sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(sqlite_url) as api:
        for number in range(50):
            assert await asked(api, Host=f"evil{number}.example") == 400
    told = [line for line in capsys.readouterr().err.splitlines() if "hosts.refused" in line]
    assert "evil0.example" in told[0]
    assert "TUCKSHOP_ALLOWED_HOSTS" in told[0]


async def test_foreign_names_are_refused(sqlite_url: str) -> None:
    async with serving(sqlite_url, allowed_hosts="Shop.example.org, [::1]") as api:
        for good in ("shop.example.org", "SHOP.example.org:8000", "[::1]:8000", "[::1]"):
            assert await asked(api, Host=good) == 200, good
        for wrong in (
            "evil.example",
            "shop.example.org.evil.example",
            "127.0.0.1",
            "",
            "[::2]",
            "shop.example.org:x",
        ):
            assert await asked(api, Host=wrong) == 400, wrong
        assert (await api.get("/health/live")).status_code == 200
        for hosts in (b"Host: shop.example.org\r\nHost: evil.example\r\n", b""):
            answer = await api.raw(b"GET /v1/products HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 400 "), answer


async def test_a_demo_is_for_this_computer_alone(sqlite_url: str) -> None:
    async with serving(sqlite_url) as api:
        await api.shop.execute("UPDATE shop SET is_demo = :yes", yes=True)
    async with serving(sqlite_url) as api:
        for own in ("localhost:8000", "127.0.0.1", "[::1]"):
            assert await asked(api, Host=own) == 200
        assert await asked(api, Host="shop.example.org") == 400
        for name in ("X_Forwarded_For", "Forwarded", "X_Real_IP", "X_Forwarded_Host", "X_Forwarded_Proto"):
            assert await asked(api, **{name: "127.0.0.1"}) == 400


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        ("", "203.0.113.9", "127.0.0.1"),
        ("10.0.0.0/8", "203.0.113.9", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.0/8", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1,10.0.0.0/8", "6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9, nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
async def test_a_proxy_is_believed_if_it_is_named(
    sqlite_url: str, proxies: str, forwarded: str, address: str
) -> None:
    async with serving(sqlite_url, trusted_proxies=proxies) as api:
        await api.registered("ada")
        body = {"username": "ada", "password": "correct horse"}
        headers = {"X-Forwarded-For": forwarded}
        here: dict[str, Any] = (await api.post("/v1/auth/login", body, headers=headers)).json()
        told = (await api.get("/v1/auth/sessions", by=here["access"])).json()
        assert told["items"][0]["address"] == address


def test_proxies_are_networks() -> None:
    assert read({"TUCKSHOP_TRUSTED_PROXIES": " 10.0.0.0/8 ,::1,"}).proxies
    assert Settings().proxies == ()
    for wrong in ("proxy.example.org", "10.0.0.1/8", "*"):
        with pytest.raises(SettingsInvalid, match="TUCKSHOP_TRUSTED_PROXIES"):
            read({"TUCKSHOP_TRUSTED_PROXIES": wrong})
