"""Fresh log-ins: who changes rights, keys or tokens has shown the password within the last minutes.

A session that somebody else got hold of, or a browser that was left open, is not enough for that.
"""

from __future__ import annotations

from sqlalchemy import func, select, update

from tuckshop.context import Shop
from tuckshop.domain.refusals import ConfirmationRequired, SessionEnded
from tuckshop.domain.users import UserState
from tuckshop.identity import login_throttle, present_password, second_factor
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.till.callers import SessionCaller

FRESH_SECONDS = 600  # For one errand in the office; not for whoever comes by after a break.
_FRESH_US = FRESH_SECONDS * 1_000_000

_users, _sessions = tables.users, tables.sessions


async def require(shop: Shop, *, caller: SessionCaller) -> None:
    """Raises ConfirmationRequired unless the session is fresh: by its log-in, or by `confirm`."""
    query = select(func.coalesce(_sessions.c.confirmed_us, _sessions.c.created_us)).where(
        _sessions.c.id == caller.session_id
    )
    async with reading(shop.engine) as connection:
        at_us = await connection.scalar(query)
    # Nothing is fresh that is yet to come: the clock was set back.
    if at_us is None or not 0 <= shop.clock() - at_us <= _FRESH_US:
        raise ConfirmationRequired(fresh_seconds=FRESH_SECONDS)


async def confirm(
    shop: Shop, *, caller: SessionCaller, password: str, address: str | None, code: str | None = None
) -> int:
    """Makes the session fresh; until when, in microseconds. Tries are counted as log-ins are.

    Raises:
        SessionEnded: it has ended meanwhile.
        BadCredentials, SecondFactorNeeded, SecondFactorWrong, TooManyTries: as a log-in.
    """
    shown = await present_password.check(shop, user_id=caller.user_id, password=password, address=address)
    await second_factor.require(shop, user_id=caller.user_id, code=code, attempt=shown.attempt)
    now_us = shop.clock()
    same = select(_users.c.id).where(
        _users.c.id == caller.user_id,
        _users.c.password_hash == shown.password_hash,
        _users.c.state == UserState.ACTIVE.value,
    )
    fresh = (
        update(_sessions)
        .where(
            _sessions.c.id == caller.session_id,
            _sessions.c.user_id == caller.user_id,
            _sessions.c.scopes.is_(None),
            _sessions.c.ended_us.is_(None),  # When it expires, the caller was asked for.
        )
        .values(confirmed_us=now_us)
    )
    async with writing(shop.engine) as connection:
        # Held until the session is fresh: a password changed meanwhile ends this session.
        if await connection.scalar(same.with_for_update(read=True)) is None:
            raise SessionEnded
        if (await connection.execute(fresh)).rowcount != 1:
            raise SessionEnded
        await login_throttle.forgive(connection, shown.attempt)
    return now_us + _FRESH_US
