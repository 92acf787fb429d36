"""TUCKSHOP_REDIS_URL: addresses, the package that it needs, and its password."""

from __future__ import annotations

import pytest

from tuckshop.settings import SettingsInvalid, read
from tuckshop.store import redis_server


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis://127.0.0.1",
        "redis://:secret@[::1]:6379/3",
        "rediss://cache.example.org",
        "unix:///run/r.sock",
    ],
)
def test_addresses_that_can_be_used(url: str) -> None:
    redis_server.require_usable(url)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:6379", "http://127.0.0.1", "redis://h:port", "redis://[::1", "nothing"]
)
def test_addresses_that_cannot(url: str) -> None:
    with pytest.raises(
        SettingsInvalid, match=r"^TUCKSHOP_REDIS_URL is not valid\. Set an address such as redis:"
    ):
        redis_server.require_usable(url)


def test_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_server, "find_spec", lambda _: None)
    redis_server.require_usable("")
    with pytest.raises(SettingsInvalid, match=r"needs the package redis\. Install it with"):
        redis_server.require_usable("redis://127.0.0.1")


def test_shows_no_password() -> None:
    told = read({"TUCKSHOP_REDIS_URL": "rediss://shop:hush@cache.example.org:6379/1"}).redacted()
    assert told["TUCKSHOP_REDIS_URL"] == "rediss://shop:***@cache.example.org:6379/1"
    told = read({"TUCKSHOP_REDIS_URL": "redis://:hush@cache.example.org"}).redacted()
    assert "hush" not in told["TUCKSHOP_REDIS_URL"]
