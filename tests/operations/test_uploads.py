"""Uploaded files are kept for the session that sent them: few of them, and for an hour."""

from __future__ import annotations

import asyncio
import os
import zlib
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from tests.shop import Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.imports.csv_files import BYTES_MAX
from tuckshop.operations import retention, uploads
from tuckshop.operations.uploads import UploadKind
from tuckshop.store import tables
from tuckshop.store.engine import writing
from tuckshop.till.callers import SessionCaller

TABLE = b"name,price\ncola,1.50\n"
HOUR_SECONDS = 3_600


async def keep(running: RunningShop, caller: SessionCaller, content: bytes = TABLE) -> str:
    return await uploads.keep(running, caller=caller, kind=UploadKind.PRODUCTS, content=content)


async def find(running: RunningShop, caller: SessionCaller, key: str) -> bytes | None:
    return await uploads.find(running, caller=caller, kind=UploadKind.PRODUCTS, key=key)


async def session_of(shop: Shop, caller: SessionCaller) -> SessionCaller:
    """Another session of the same user."""
    row = {"user_id": caller.user_id, "generation": 1, "created_us": 1, "expires_us": 2**53}
    async with writing(shop.engine) as connection:
        session_id = await connection.scalar(
            insert(tables.sessions).values(row).returning(tables.sessions.c.id)
        )
    return SessionCaller(session_id, caller.user_id)


async def test_a_file_is_found_by_the_session_that_sent_it_alone(shop: Shop, running: RunningShop) -> None:
    ada, ben = await shop.buyer("ada"), await shop.buyer("ben")
    key = await keep(running, ada)
    assert await find(running, ada, key) == TABLE
    assert await find(running, ada, key) == TABLE
    for caller in (ben, await session_of(shop, ada)):
        assert await find(running, caller, key) is None
    for wrong in ("", "x", key[:-1], "' OR 1=1 --"):
        assert await find(running, ada, wrong) is None


async def test_it_is_not_found_as_a_file_about_something_else(shop: Shop, running: RunningShop) -> None:
    ada = await shop.buyer("ada")
    key = await keep(running, ada)
    async with writing(shop.engine) as connection:
        await connection.execute(tables.uploads.update().values(kind="users"))
    assert await find(running, ada, key) is None


async def test_it_is_kept_for_an_hour(shop: Shop, running: RunningShop) -> None:
    ada = await shop.buyer("ada")
    key = await keep(running, ada)
    shop.clock.forward(HOUR_SECONDS)
    later = await keep(running, ada, b"later")
    await uploads.forget_old(running)
    assert await find(running, ada, key) == TABLE
    shop.clock.forward(1)
    assert await find(running, ada, key) is None
    await uploads.forget_old(running)
    assert [row["key"] for row in await shop.rows("uploads")] == [later]
    await shop.assert_clean()


async def test_an_open_shop_forgets_old_ones_by_itself(
    shop: Shop, running: RunningShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(running, await shop.buyer("ada"))
    shop.clock.forward(HOUR_SECONDS + 1)
    sleep = asyncio.sleep

    async def once(seconds: float) -> None:
        if seconds == retention.PAUSE_SECONDS:
            raise asyncio.CancelledError
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", once)
    with pytest.raises(asyncio.CancelledError):
        await retention.keep_forgetting(running, retention.Kept())
    assert await shop.rows("uploads") == []


async def test_a_users_newest_two_are_kept_in_whatever_sessions(shop: Shop, running: RunningShop) -> None:
    ada, ben = await shop.buyer("ada"), await shop.buyer("ben")
    elsewhere = await session_of(shop, ada)
    bens = await keep(running, ben)
    sent = []
    for caller in (ada, elsewhere, ada):
        shop.clock.forward(1)
        sent.append((caller, await keep(running, caller)))
    assert [await find(running, *one) for one in sent] == [None, TABLE, TABLE]
    assert await find(running, ben, bens) == TABLE


async def test_the_newest_of_everybody_are_kept(
    shop: Shop, running: RunningShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "OF_ALL_MAX", 3)
    sent = []
    for name in ("ada", "ben", "cleo", "dan"):
        shop.clock.forward(1)
        caller = await shop.buyer(name)
        sent.append((caller, await keep(running, caller)))
    assert [await find(running, *one) for one in sent] == [None, TABLE, TABLE, TABLE]


async def test_the_largest_file_is_kept_and_the_database_takes_none_larger(
    shop: Shop, running: RunningShop
) -> None:
    ada = await shop.buyer("ada")
    noise = os.urandom(BYTES_MAX)
    assert await find(running, ada, await keep(running, ada, noise)) == noise
    too_large: dict[str, Any] = {
        "key": "x",
        "session_id": ada.session_id,
        "kind": "products",
        "created_us": 1,
    }
    with pytest.raises(DBAPIError):
        async with writing(shop.engine) as connection:
            await connection.execute(
                insert(tables.uploads).values(too_large | {"content": os.urandom(BYTES_MAX + 300_000)})
            )
    (row,) = await shop.rows("uploads")
    assert len(row["content"]) >= BYTES_MAX


async def test_a_table_takes_less_room_than_it_has(shop: Shop, running: RunningShop) -> None:
    ada = await shop.buyer("ada")
    await keep(running, ada, TABLE * 10_000)
    (row,) = await shop.rows("uploads")
    assert len(row["content"]) < len(TABLE) * 1_000
    assert zlib.decompress(row["content"]) == TABLE * 10_000


async def test_many_at_once_all_come_to_an_end_and_few_are_kept(
    shop: Shop, running: RunningShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "OF_ALL_MAX", 5)
    callers = [await shop.buyer(name) for name in ("ada", "ben", "cleo", "dan")]
    ids = await asyncio.gather(*(keep(running, caller) for caller in callers for _ in range(6)))
    assert len(set(ids)) == 24
    for caller in callers:
        shop.clock.forward(1)
        key = await keep(running, caller)
        assert await find(running, caller, key) == TABLE
    rows = await shop.rows("uploads")
    assert len(rows) <= 5
    for caller in callers:
        assert sum(row["session_id"] == caller.session_id for row in rows) <= 2
