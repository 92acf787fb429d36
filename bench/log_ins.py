"""Browsers' log-ins in a shop from `bench.history`: an admin, and the seller and the buyer of most orders."""

import asyncio
import secrets
import time
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.seed import numbers
from tuckshop.domain.users import Role, UserState
from tuckshop.identity import users as shop_users
from tuckshop.identity.api_tokens import SECRET_BYTES, hashed
from tuckshop.identity.browser_sessions import PREFIX
from tuckshop.store import tables
from tuckshop.store.engine import open_engine, writing

_LOG_LINES = 10_000
_DAY_US = 86_400_000_000

users, sessions, api_tokens = tables.users, tables.sessions, tables.api_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIns:
    """The secrets of their cookies, and who they are."""

    admin: str
    seller: str
    buyer: str
    seller_id: int
    buyer_id: int


def make(url: str) -> LogIns:
    """Log everybody in, and have the admin have done a lot."""
    return asyncio.run(_make(url))


async def _make(url: str) -> LogIns:
    engine = open_engine(url)
    now_us = time.time_ns() // 1_000
    try:
        async with writing(engine) as connection:
            admin_id = await _admin(connection, now_us=now_us)
            await connection.exec_driver_sql(f"""
                INSERT INTO admin_log (actor_id, action, subject, before, after, created_us)
                SELECT {admin_id}, 'user.tab_limit', 'user:1', '{{"tab_limit_cents": null}}',
                       '{{"tab_limit_cents": 500}}', {now_us} FROM {numbers(_LOG_LINES)}
            """)
            seller_id, buyer_id = await _named(connection, "seller"), await _named(connection, "buyer")
            return LogIns(
                admin=await _log_in(connection, admin_id, now_us=now_us),
                seller=await _log_in(connection, seller_id, now_us=now_us),
                buyer=await _log_in(connection, buyer_id, now_us=now_us),
                seller_id=seller_id,
                buyer_id=buyer_id,
            )
    finally:
        await engine.dispose()


async def _admin(connection: AsyncConnection, *, now_us: int) -> int:
    name = {"username": "bench-admin", "username_key": "bench-admin", "password_hash": "none"}
    standing = {"state": UserState.ACTIVE.value, "created_us": now_us}
    flags = shop_users.flags_of(frozenset({Role.ADMIN}))
    made = insert(users).values(name | standing | flags).returning(users.c.id)
    return int((await connection.execute(made)).scalar_one())


async def _named(connection: AsyncConnection, role: str) -> int:
    query = select(users.c.id).where(users.c.username_key == f"bench-{role}-1")
    return int((await connection.execute(query)).scalar_one())


async def _log_in(connection: AsyncConnection, user_id: int, *, now_us: int) -> str:
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    times = {"created_us": now_us, "expires_us": now_us + _DAY_US}
    made = insert(sessions).values(user_id=user_id, generation=1, device="a browser", **times)
    session_id = (await connection.execute(made.returning(sessions.c.id))).scalar_one()
    token = {"session_id": session_id, "name": "browser", "secret_hash": hashed(secret)}
    await connection.execute(insert(api_tokens).values(token))
    return secret
