"""A server that ends still answers what it has taken, whether or not anybody waits for the answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.limits import HANG_SECONDS
from tests.server import SECRET
from tests.stored.make_fixture import opened
from tuckshop import app as application
from tuckshop.app import create_app
from tuckshop.settings import Settings


class Slow:
    """An application whose answer is as long under way as a test wants."""

    def __init__(self) -> None:
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """An empty answer, once it may end."""
        self.begun.set()
        await self.may_end.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def test_the_shop_stays_open_for_a_request_whose_client_has_left(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "LAST_SECONDS_MAX", HANG_SECONDS)
    app, slow = create_app(Settings(database_url=sqlite_url, secret=SECRET)), Slow()

    async def life() -> None:
        async with opened(app) as client:
            app.middleware.guard(slow)
            asking.append(asyncio.create_task(client.get("/")))
            await slow.begun.wait()

    asking: list[asyncio.Task[Any]] = []
    living = asyncio.create_task(life())
    await slow.begun.wait()
    ended, _ = await asyncio.wait([living], timeout=0.2)  # Without a wait it ends in a few milliseconds.
    assert not ended
    slow.may_end.set()
    assert (await asking[0]).status_code == 204
    await living
