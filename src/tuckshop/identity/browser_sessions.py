"""Log-ins whose token says nothing: one secret for as long as the session lasts, and none to refresh.

For clients that keep a single token. It is 256 random bits; its SHA-256 alone is kept, beside those of API
tokens, with a session that has no scopes: all rights of a log-in, and ended by all that ends log-ins.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import select

from tuckshop.context import KnownToken, Shop
from tuckshop.domain.refusals import SessionEnded
from tuckshop.identity import audiences, known_devices, sessions
from tuckshop.identity.api_tokens import SECRET_BYTES, hashed
from tuckshop.identity.sign_on import Entered
from tuckshop.store import tables
from tuckshop.store.engine import reading
from tuckshop.till.callers import SessionCaller

PREFIX = "tss_"  # Told apart from an API token, and found by those who scan for secrets.


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """The secret, which nobody can find out again, whose it is, and what a browser keeps when it is over."""

    secret: str
    caller: SessionCaller
    active_sessions: int
    mark: str


async def log_in(
    shop: Shop,
    *,
    username: str,
    password: str,
    days: int = sessions.SESSION_DAYS,
    device: str | None = None,
    address: str | None = None,
    instead_of: SessionCaller | None = None,
    machine_id: int | None = None,
    code: str | None = None,
    audience: str = audiences.PAGES,
    mark: str | None = None,
) -> BrowserSession:
    """A new session of so many days, known by its secret; `instead_of` is ended with it.

    `mark`: what the browser keeps of log-ins before, see `known_devices`.

    Raises:
        BadCredentials, SecondFactorNeeded, SecondFactorWrong, TooManyTries: as `sessions.log_in`.
    """
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    device_known = known_devices.device_of(shop, username=username, mark=mark)
    caller, others = await sessions.open_session(
        shop,
        username=username,
        password=password,
        device=device,
        address=address,
        days=days,
        secret_hash=hashed(secret),
        instead_of=instead_of,
        machine_id=machine_id,
        code=code,
        audience=audience,
        known_device=device_known,
    )
    if mark is None or device_known is None:
        mark = known_devices.new_mark(shop, username=username)
    # A machine's screen is nobody's own device.
    return BrowserSession(secret, caller, others, "" if machine_id is not None else mark)


async def enter(
    shop: Shop,
    entered: Entered,
    *,
    device: str | None = None,
    address: str | None = None,
    instead_of: SessionCaller | None = None,
    machine_id: int | None = None,
) -> BrowserSession:
    """The same for somebody whom an outside service has let in. Raises BadCredentials."""
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    caller, others = await sessions.open_for(
        shop,
        entered,
        device=device,
        address=address,
        secret_hash=hashed(secret),
        instead_of=instead_of,
        machine_id=machine_id,
        audience=audiences.PAGES,
    )
    return BrowserSession(secret, caller, others, "")


async def caller(shop: Shop, *, secret: str, audience: str = audiences.PAGES) -> SessionCaller:
    """Whose session it is; whether that still is good is asked at every use.

    Raises:
        SessionEnded: there never was such a secret, or it is good at another interface.
    """
    if not secret.startswith(PREFIX):
        raise SessionEnded
    known = await _known(shop, secret)
    if not audiences.fits(known.audience, audience):
        raise SessionEnded
    return known.caller


async def _known(shop: Shop, secret: str) -> KnownToken:
    digest = hashed(secret)
    remembered = shop.known_tokens.get(digest)
    if remembered is not None:
        return remembered
    session, token = tables.sessions.c, tables.api_tokens.c
    query = (
        select(session.id, session.user_id, session.audience)
        .join(tables.api_tokens, token.session_id == session.id)
        .where(token.secret_hash == digest, session.scopes.is_(None))
    )
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise SessionEnded
    found = KnownToken(SessionCaller(row.id, row.user_id), frozenset(), row.audience)
    shop.remember_token(digest, found)
    return found
