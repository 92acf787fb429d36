"""Erasing what is kept of closed users beside the books: in the admin log, and what came too late.

The till erases the user itself with the act (`till/sql/closing.py`). This does the rest within the hour, and
all of it for users whom an earlier release has closed. Nodes that do it at once do the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS
from tuckshop.domain.users import UserState, closed_name
from tuckshop.identity.closed_users import KEPT_DAYS, address_hash
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import reading, writing
from tuckshop.store.erased import GONE, LABELS, erased

CHUNK = 200  # Rows a transaction: on SQLite, sales wait for each.

log, sessions, users = tables.admin_log, tables.sessions, tables.users


async def erase_closed(shop: Shop) -> int:
    """Erases what is left of users who are closed; how many they were."""
    pending = (
        select(users.c.id)
        .where(users.c.state == UserState.CLOSED.value, users.c.erased_us.is_(None))
        .order_by(users.c.id)
        .limit(CHUNK)
    )
    done = 0
    while True:
        async with reading(shop.engine) as connection:
            ids = (await connection.scalars(pending)).all()
        if not ids:
            return done
        await _erase_log(shop, ids)
        for user_id in ids:
            async with writing(shop.engine) as connection:
                await _erase_user(shop, connection, user_id)
            await asyncio.sleep(0)
        done += len(ids)


async def forget_addresses(shop: Shop) -> int:
    """Drops the hashes of addresses of users who were closed more than KEPT_DAYS ago; how many."""
    before_us = shop.clock() - KEPT_DAYS * DAY_SECONDS * MICROSECONDS
    old = users.c.email_hash.is_not(None), users.c.closed_us < before_us
    async with writing(shop.engine) as connection:
        return (await connection.execute(update(users).where(*old).values(email_hash=None))).rowcount


async def _erase_user(shop: Shop, connection: AsyncConnection, user_id: int) -> None:
    """One user whom nothing but this still changes."""
    this = users.c.id == user_id
    query = select(users.c.email_key, users.c.email_hash, users.c.erased_us).where(this)
    row = (await connection.execute(query.with_for_update())).one()
    if row.erased_us is not None:
        return  # Another node has.
    digest = row.email_hash
    if row.email_key is not None:
        digest = address_hash(shop.tokens, row.email_key)
    values = {**erased(user_id), "email_hash": digest, "erased_us": shop.clock()}
    await connection.execute(update(users).where(this).values(values))
    own = select(sessions.c.id).where(sessions.c.user_id == user_id)
    nothing = dict.fromkeys(LABELS)
    await connection.execute(update(sessions).where(sessions.c.user_id == user_id).values(nothing))
    for table in (tables.api_tokens, tables.uploads):
        await connection.execute(delete(table).where(table.c.session_id.in_(own)))
    for table in GONE:
        await connection.execute(delete(table).where(table.c.user_id == user_id))


async def _erase_log(shop: Shop, ids: Sequence[int]) -> None:
    """The lines about these users, and about their API tokens, without what names them."""
    tokens = select(sessions.c.id, sessions.c.user_id).where(
        sessions.c.user_id.in_(ids), sessions.c.scopes.is_not(None)
    )
    async with reading(shop.engine) as connection:
        names = {f"user:{user_id}": closed_name(user_id) for user_id in ids}
        for session_id, user_id in await connection.execute(tokens):
            names[f"token:{session_id}"] = closed_name(user_id)
        subjects = sorted(names)
        lines = [
            row
            for first in range(0, len(subjects), CHUNK)
            for row in await connection.execute(
                select(log.c.id, log.c.subject, log.c.before, log.c.after)
                .where(log.c.subject.in_(subjects[first : first + CHUNK]))
                .order_by(log.c.id)
            )
        ]
    changed = []
    for line in lines:
        told = {
            side: admin_log.without_name(getattr(line, side), name=names[line.subject])
            for side in ("before", "after")
        }
        if told != {"before": line.before, "after": line.after}:
            changed.append((line.id, told))
    for first in range(0, len(changed), CHUNK):
        async with writing(shop.engine) as connection:
            for line_id, told in changed[first : first + CHUNK]:
                await connection.execute(update(log).where(log.c.id == line_id).values(told))
        await asyncio.sleep(0)
