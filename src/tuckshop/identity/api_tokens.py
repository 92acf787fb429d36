"""API tokens: for programs that act for a user, within scopes, until they are revoked.

A token is 256 random bits, shown once. Its SHA-256 alone is kept: so much chance needs no slow hash. Each
belongs to a session row of its own, so that all which ends sessions ends tokens too.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import KnownToken, Shop
from tuckshop.domain.field_problems import NoScopes, OutOfRange
from tuckshop.domain.refusals import InvalidField, SessionEnded, TooManyTokens, UnknownToken
from tuckshop.domain.users import Scope, check_name, read_scopes, write_scopes
from tuckshop.identity.audiences import V1
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import reading, writing
from tuckshop.till.callers import SessionCaller

PREFIX = "tsk_"  # Told apart from a log-in's token at a glance, and found by those who scan for secrets.
SECRET_BYTES = 32
NAME_LENGTH_MAX = 100
DAYS_MAX = 3_650
TOKENS_MAX = 100  # Of one user, at a time.
_DAY_US = 86_400 * 1_000_000

sessions, api_tokens = tables.sessions, tables.api_tokens


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as its owner may see it; never the secret."""

    id: int
    name: str
    scopes: frozenset[Scope]
    created_us: int
    expires_us: int


async def make(
    shop: Shop, *, user_id: int, name: str, scopes: Iterable[Scope], days: int
) -> tuple[ApiToken, str]:
    """A new token and its secret, which nobody can find out again. Of staff the admin log has it.

    Raises:
        InvalidField: the name breaks the rules of names, no scope, or days outside 1..DAYS_MAX.
        TooManyTokens: the user has TOKENS_MAX that are good.
    """
    name = check_name(name, field="name", length_max=NAME_LENGTH_MAX)
    held = frozenset(scopes)
    if not held:
        raise InvalidField(field="scopes", problem=NoScopes())
    if not 1 <= days <= DAYS_MAX:
        raise InvalidField(field="days", problem=OutOfRange(1, DAYS_MAX))
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    now_us = shop.clock()
    expires_us = now_us + days * _DAY_US
    async with writing(shop.engine) as connection:
        # Held until the token is there: of two made at once, one might be too many.
        is_staff = await _is_staff(connection, user_id, locked=True)
        good = select(func.count()).where(
            sessions.c.user_id == user_id,
            sessions.c.scopes.is_not(None),
            sessions.c.ended_us.is_(None),
            sessions.c.expires_us > now_us,
        )
        if (await connection.scalar(good) or 0) >= TOKENS_MAX:
            raise TooManyTokens(count_max=TOKENS_MAX)
        session = insert(sessions).values(
            user_id=user_id,
            generation=1,
            created_us=now_us,
            expires_us=expires_us,
            scopes=write_scopes(held),
            audience=V1,
        )
        session_id = (await connection.execute(session.returning(sessions.c.id))).scalar_one()
        await connection.execute(
            insert(api_tokens).values(session_id=session_id, name=name, secret_hash=hashed(secret))
        )
        if is_staff:
            await admin_log.record(
                connection,
                action="token.add",
                subject=f"token:{session_id}",
                after={"name": name, "scopes": write_scopes(held), "days": days},
                actor_id=user_id,
                now_us=now_us,
            )
    return ApiToken(session_id, name, held, now_us, expires_us), secret


async def page(shop: Shop, *, user_id: int, before_id: int | None, limit: int) -> list[ApiToken]:
    """The user's good tokens, newest first, those before `before_id`."""
    query = (
        select(
            sessions.c.id, api_tokens.c.name, sessions.c.scopes, sessions.c.created_us, sessions.c.expires_us
        )
        .join(api_tokens, api_tokens.c.session_id == sessions.c.id)
        .where(
            sessions.c.user_id == user_id,
            sessions.c.scopes.is_not(None),
            sessions.c.ended_us.is_(None),
            sessions.c.expires_us > shop.clock(),
        )
        .order_by(sessions.c.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(sessions.c.id < before_id)
    async with reading(shop.engine) as connection:
        return [
            ApiToken(row.id, row.name, read_scopes(row.scopes), row.created_us, row.expires_us)
            for row in await connection.execute(query)
        ]


async def revoke(shop: Shop, *, user_id: int, token_id: int) -> None:
    """Ends one token at once. Raises UnknownToken."""
    query = update(sessions).where(
        sessions.c.id == token_id,
        sessions.c.user_id == user_id,
        sessions.c.scopes.is_not(None),
        sessions.c.ended_us.is_(None),
    )
    async with writing(shop.engine) as connection:
        now_us = shop.clock()
        if not (await connection.execute(query.values(ended_us=now_us))).rowcount:
            raise UnknownToken(token=token_id)
        if await _is_staff(connection, user_id):
            await admin_log.record(
                connection,
                action="token.revoke",
                subject=f"token:{token_id}",
                actor_id=user_id,
                now_us=now_us,
            )


async def known(shop: Shop, *, secret: str) -> KnownToken:
    """Whose token it is and what it may do; whether it still is good is asked at every use.

    Raises:
        SessionEnded: there never was such a token.
    """
    digest = hashed(secret)
    remembered = shop.known_tokens.get(digest)
    if remembered is not None:
        return remembered
    query = (
        select(sessions.c.id, sessions.c.user_id, sessions.c.scopes)
        .join(api_tokens, api_tokens.c.session_id == sessions.c.id)
        .where(api_tokens.c.secret_hash == digest, sessions.c.scopes.is_not(None))
    )
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise SessionEnded
    found = KnownToken(SessionCaller(row.id, row.user_id), read_scopes(row.scopes), V1)
    shop.remember_token(digest, found)
    return found


async def _is_staff(connection: AsyncConnection, user_id: int, *, locked: bool = False) -> bool:
    query = select(or_(tables.users.c.is_cashier, tables.users.c.is_admin)).where(
        tables.users.c.id == user_id
    )
    return bool(await connection.scalar(query.with_for_update(key_share=True) if locked else query))


def hashed(secret: str) -> bytes:
    """All that is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()
