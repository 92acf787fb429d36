"""What cashiers and admins look at that is not for others: it leaves a line, as what they change does.

Once an hour for each of them and each address: whoever goes back to a page, or leaves one open that loads
itself anew, does not fill the log. Each process counts for itself, and begins anew when it starts.
"""

from __future__ import annotations

from sqlalchemy import delete, select

from tuckshop.context import Shop
from tuckshop.domain.users import Actor
from tuckshop.store import admin_log, tables
from tuckshop.store.admin_log import READ
from tuckshop.store.engine import writing

AGAIN_SECONDS = 3600
KEPT_DAYS = 90  # Long enough to find out who looked; what staff changed is kept for ever.
REMEMBERED_MAX = 10_000
SUBJECT_LENGTH_MAX = 500
CHUNK = 500  # Rows a transaction: on SQLite, sales wait for each.
_SECOND_US = 1_000_000
_DAY_US = 86_400 * _SECOND_US


async def note(shop: Shop, *, actor: Actor, subject: str) -> None:
    """Leaves a line, unless there is one of this hour. `subject`: the address, as it was asked for."""
    subject = subject[:SUBJECT_LENGTH_MAX]
    now_us, key = shop.clock(), (actor.user_id, subject)
    noted_us = shop.staff_reads.get(key)
    if noted_us is not None and 0 <= now_us - noted_us <= AGAIN_SECONDS * _SECOND_US:
        return
    async with writing(shop.engine) as connection:
        await admin_log.record(
            connection, action=READ, subject=subject, actor_id=actor.user_id, now_us=now_us
        )
    if len(shop.staff_reads) >= REMEMBERED_MAX:
        shop.staff_reads.clear()
    shop.staff_reads[key] = now_us


async def forget_old(shop: Shop) -> None:
    """Deletes the lines of what was looked at more than KEPT_DAYS ago, some at a time."""
    log = tables.admin_log
    before_us = shop.clock() - KEPT_DAYS * _DAY_US
    old = select(log.c.id).where(log.c.action == READ, log.c.created_us < before_us).order_by(log.c.id)
    some = delete(log).where(log.c.id.in_(old.limit(CHUNK)))
    while True:
        async with writing(shop.engine) as connection:
            count = (await connection.execute(some)).rowcount
        if count < CHUNK:
            return
