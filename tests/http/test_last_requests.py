"""A server that ends still answers what it has taken, whether or not anybody waits for the answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.server import SECRET
from tests.stored.make_fixture import opened
from tuckshop.app import create_app
from tuckshop.http.middleware import Middleware
from tuckshop.settings import Settings
from tuckshop.till.engine.queue import Till


async def test_nothing_is_finished_while_one_of_two_is_being_answered() -> None:
    may_end = {"/first": asyncio.Event(), "/second": asyncio.Event()}

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await may_end[scope["path"]].wait()

    async def nothing(*_: Any) -> Any:
        return None

    middleware = Middleware(slow)
    await middleware.finish()
    scopes = [{"type": "http", "method": "GET", "headers": [], "path": path} for path in may_end]
    asking = [asyncio.create_task(middleware(scope, nothing, nothing)) for scope in scopes]
    await asyncio.sleep(0)
    finishing = asyncio.create_task(middleware.finish())
    may_end["/first"].set()
    await asking[0]
    await asyncio.sleep(0)
    assert not finishing.done()
    may_end["/second"].set()
    await finishing
    assert asking[1].done()


async def test_the_shop_stays_open_until_all_is_answered(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    close = Till.__aexit__

    async def finish(_: Middleware) -> None:
        seen.append("all is answered")

    async def closing(till: Till, *why: Any) -> None:
        seen.append("the till closes")
        await close(till, *why)

    monkeypatch.setattr(Middleware, "finish", finish)
    monkeypatch.setattr(Till, "__aexit__", closing)
    async with opened(create_app(Settings(database_url=sqlite_url, secret=SECRET))) as client:
        assert (await client.get("/health/ready")).status_code == 200
        assert seen == []
    assert seen == ["all is answered", "the till closes"]
