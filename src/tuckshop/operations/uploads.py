"""Uploaded files kept between showing what they would do and doing it.

They lie in the database, since another of the shop's processes may answer the next request. A file belongs to
the session that sent it. Few are kept, and not for long: whoever comes too late chooses the file again.
"""

from __future__ import annotations

import asyncio
import secrets
import zlib
from enum import StrEnum

from sqlalchemy import ColumnElement, Delete, delete, insert, select, true

from tuckshop.context import Shop
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.till.callers import SessionCaller

KEPT_SECONDS = 3_600  # Somebody reads what the file would do, and asks a colleague.
OF_USER_MAX = 2  # In two tabs, say.
OF_ALL_MAX = 50  # So many of the largest file take 400 MiB, if nothing in them can be compressed.
COMPRESSION = 1  # The fastest: tables become a fifth, so that on SQLite sales wait less for the write.

sessions, uploads = tables.sessions, tables.uploads


class UploadKind(StrEnum):
    """What the file is about; one kind is never found as another."""

    PRODUCTS = "products"


async def keep(shop: Shop, *, caller: SessionCaller, kind: UploadKind, content: bytes) -> str:
    """Keeps a file for the caller's session; the key by which `find` knows it.

    The user's oldest file goes when there are more than OF_USER_MAX, and the oldest of all beyond OF_ALL_MAX.
    """
    key = secrets.token_urlsafe(16)
    new = {
        "key": key,
        "session_id": caller.session_id,
        "kind": kind.value,
        "content": await asyncio.to_thread(zlib.compress, content, COMPRESSION),
        "created_us": shop.clock(),
    }
    of_user = uploads.c.session_id.in_(select(sessions.c.id).where(sessions.c.user_id == caller.user_id))
    async with writing(shop.engine) as connection:
        await connection.execute(insert(uploads).values(new))
        for most, among in ((OF_USER_MAX, of_user), (OF_ALL_MAX, true())):
            await connection.execute(_beyond(most, among, but=key))
    return key


async def find(shop: Shop, *, caller: SessionCaller, kind: UploadKind, key: str) -> bytes | None:
    """The content of a file that the caller's session has sent; None if it is not kept, or not any more."""
    query = select(uploads.c.content).where(
        uploads.c.key == key,
        uploads.c.session_id == caller.session_id,
        uploads.c.kind == kind.value,
        uploads.c.created_us >= _oldest_us(shop),
    )
    async with reading(shop.engine) as connection:
        packed: bytes | None = await connection.scalar(query)
    return None if packed is None else await asyncio.to_thread(zlib.decompress, packed)


async def forget_old(shop: Shop) -> None:
    """Deletes the files that are older than KEPT_SECONDS."""
    async with writing(shop.engine) as connection:
        await connection.execute(delete(uploads).where(uploads.c.created_us < _oldest_us(shop)))


def _oldest_us(shop: Shop) -> int:
    return shop.clock() - KEPT_SECONDS * 1_000_000


def _beyond(most: int, among: ColumnElement[bool], *, but: str) -> Delete:
    """Deletes the oldest of these files, so that at most so many are left with the one just kept."""
    oldest = (
        select(uploads.c.key)
        .where(among, uploads.c.key != but)
        .order_by(uploads.c.created_us.desc(), uploads.c.key)
        .offset(most - 1)
        # Two that keep files at once must not wait for each other in a circle; the next one deletes the rest.
        .with_for_update(skip_locked=True)
    )
    return delete(uploads).where(uploads.c.key.in_(oldest))
