"""/health."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api
from tuckshop.store.engine import DatabaseAway


@pytest.mark.parametrize(("path", "status"), [("/health/live", "live"), ("/health/ready", "ready")])
async def test_says_how_it_is(api: Api, path: str, status: str) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    assert answer.headers["cache-control"] == "no-store"


async def test_is_not_ready_without_its_database(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise DatabaseAway

    monkeypatch.setattr("tuckshop.store.engine.check", away)
    answer = await api.get("/health/ready")
    assert (answer.status_code, answer.json()["cause"]) == (503, "database-away")
    assert (await api.get("/health/live")).status_code == 200


async def test_the_address_alone_shows_the_machine(api: Api) -> None:
    answer = await api.client.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Tuckshop" in answer.text
