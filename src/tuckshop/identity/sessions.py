"""Logging in, staying logged in, logging out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.refusals import BadCredentials, CredentialReused, SessionEnded, UnknownSession
from tuckshop.domain.users import (
    Actor,
    Role,
    Scope,
    UserState,
    name_key,
    read_scopes,
    roles_within,
    with_second_factor,
)
from tuckshop.identity import audiences, login_throttle, second_factor, sign_on, users
from tuckshop.identity.access_tokens import ACCESS_SECONDS
from tuckshop.identity.login_throttle import NOT_COUNTED, Attempt
from tuckshop.identity.sign_on import Entered
from tuckshop.identity.users import User
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import reading, writing
from tuckshop.store.erased import NO_PASSWORD
from tuckshop.till.callers import SessionCaller

SESSION_DAYS = 30  # However often it is refreshed; then the password is asked again.
FRESH_SECONDS = 600  # For so long a log-in shows that whoever acts knows the password.
DEVICE_LENGTH_MAX = 200
ACTIVE_ELSEWHERE = "There is already an active session using your account"
_SECOND_US = 1_000_000
_DAY_US = 86_400 * _SECOND_US

_users, sessions = tables.users, tables.sessions


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A pair of tokens, and how many other sessions the user has."""

    access: str
    refresh: str
    user: User
    active_sessions: int
    expires_in: int = ACCESS_SECONDS


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One log-in on one device."""

    id: int
    device: str | None
    address: str | None
    created_us: int
    expires_us: int


async def log_in(
    shop: Shop,
    *,
    username: str,
    password: str,
    device: str | None = None,
    address: str | None = None,
    machine_id: int | None = None,
    code: str | None = None,
    audience: str = audiences.V1,
) -> LoggedIn:
    """A new session, good for this interface alone.

    With a `machine_id`, at that machine, whose key may then serve the user's wallet.

    Raises:
        BadCredentials: alike for unknown names, wrong passwords and inactive users.
        SecondFactorNeeded, SecondFactorWrong: the password fits, and `code` is missing or does not.
        TooManyTries: of this name, or from this address.
        SignOnAway: the directory that knows the user does not answer.
    """
    caller, others = await open_session(
        shop,
        username=username,
        password=password,
        device=device,
        address=address,
        machine_id=machine_id,
        code=code,
        audience=audience,
    )
    return LoggedIn(
        access=shop.tokens.access(caller, audience=audience),
        refresh=shop.tokens.refresh(caller, generation=1, audience=audience),
        user=await users.find(shop, user_id=caller.user_id),
        active_sessions=others,
    )


async def open_session(
    shop: Shop,
    *,
    username: str,
    password: str,
    device: str | None = None,
    address: str | None = None,
    days: int = SESSION_DAYS,
    secret_hash: bytes | None = None,
    instead_of: SessionCaller | None = None,
    machine_id: int | None = None,
    audience: str,
    code: str | None = None,
    known_device: str | None = None,
) -> tuple[SessionCaller, int]:
    """A new session, and how many others the user has; with a secret's hash, a browser's session known by it.

    `instead_of`: the session that the same browser had, whoever's it was; it ends.

    Raises:
        BadCredentials, SecondFactorNeeded, SecondFactorWrong, TooManyTries: as `log_in`.
    """
    entered, counted = await _verify(shop, username, password, address, known_device)
    await second_factor.require(shop, user_id=entered.user_id, code=code, attempt=counted)
    return await open_for(
        shop,
        entered,
        device=device,
        address=address,
        days=days,
        secret_hash=secret_hash,
        instead_of=instead_of,
        machine_id=machine_id,
        audience=audience,
        counted=counted,
    )


async def open_for(
    shop: Shop,
    entered: Entered,
    *,
    device: str | None = None,
    address: str | None = None,
    days: int = SESSION_DAYS,
    secret_hash: bytes | None = None,
    instead_of: SessionCaller | None = None,
    machine_id: int | None = None,
    audience: str,
    counted: Attempt = NOT_COUNTED,
) -> tuple[SessionCaller, int]:
    """A new session of somebody who was let in just now, as `open_session`.

    Raises:
        BadCredentials: the user is not active, or got another password since.
    """
    user_id, kept = entered
    now_us = shop.clock()
    async with writing(shop.engine) as connection:
        # Held until the session is there: a password changed meanwhile must end this session too.
        still = select(_users.c.id).where(
            _users.c.id == user_id,
            _users.c.password_hash == kept,
            _users.c.state == UserState.ACTIVE.value,
        )
        if await connection.scalar(still.with_for_update(read=True)) is None:
            raise BadCredentials
        await login_throttle.forgive(connection, counted)
        if instead_of is not None:
            await _end(connection, instead_of, now_us)
        others = await _count_live(connection, user_id, now_us)
        session_id = await connection.scalar(
            insert(sessions)
            .values(
                user_id=user_id,
                generation=1,
                device=device and device[:DEVICE_LENGTH_MAX],
                address=address,
                machine_id=machine_id,
                audience=audience,
                created_us=now_us,
                expires_us=now_us + days * _DAY_US,
            )
            .returning(sessions.c.id)
        )
        if secret_hash is not None:
            token = {"session_id": session_id, "name": "log-in", "secret_hash": secret_hash}
            await connection.execute(insert(tables.api_tokens).values(token))
    return SessionCaller(session_id, user_id), others


async def refresh(shop: Shop, *, token: str, audience: str = audiences.V1) -> LoggedIn:
    """New tokens for a refresh token, which is used up by that.

    Raises:
        SessionEnded: the token or its session is not good any more, or not at this interface.
        CredentialReused: the token was used before; whoever holds its successor is logged out too.
    """
    caller, generation = shop.tokens.refreshing(token, audience=audience)
    now_us = shop.clock()
    async with writing(shop.engine) as connection:
        held = (await _require_live(connection, caller, now_us)).audience
        live = await _count_live(connection, caller.user_id, now_us)
        used = await connection.execute(
            update(sessions)
            .where(sessions.c.id == caller.session_id, sessions.c.generation == generation)
            .values(generation=generation + 1)
        )
        reused = used.rowcount != 1
        if reused:
            await _end(connection, caller, now_us)
    if reused:
        raise CredentialReused
    return LoggedIn(
        access=shop.tokens.access(caller, audience=held),
        refresh=shop.tokens.refresh(caller, generation=generation + 1, audience=held),
        user=await users.find(shop, user_id=caller.user_id),
        active_sessions=live - 1,
    )


async def renew(shop: Shop, *, token: str, audience: str) -> str:
    """A new access token for a refresh token, which stays as good as it was: for clients that keep one.

    Raises:
        SessionEnded: the token or its session is not good any more, or not at this interface.
        CredentialReused: `refresh` gave a successor for the token; whoever holds that is logged out too.
    """
    caller, generation = shop.tokens.refreshing(token, audience=audience)
    now_us = shop.clock()
    async with reading(shop.engine) as connection:
        held = (await _require_live(connection, caller, now_us)).audience
        newest = await connection.scalar(
            select(sessions.c.generation).where(sessions.c.id == caller.session_id)
        )
    if newest != generation:
        async with writing(shop.engine) as connection:
            await _end(connection, caller, now_us)
        raise CredentialReused
    return shop.tokens.access(caller, audience=held)


async def log_out(shop: Shop, *, caller: SessionCaller) -> None:
    """Ends the caller's session. Raises SessionEnded if it has ended already."""
    now_us = shop.clock()
    async with writing(shop.engine) as connection:
        await _require_live(connection, caller, now_us)
        await _end(connection, caller, now_us)


async def log_out_everywhere(shop: Shop, *, caller: SessionCaller) -> int:
    """Ends every session of the caller's user; how many. Raises SessionEnded."""
    now_us = shop.clock()
    async with writing(shop.engine) as connection:
        await _require_live(connection, caller, now_us)
        return await users.end_sessions(connection, caller.user_id, now_us=now_us)


async def log_out_everywhere_by_password(
    shop: Shop, *, username: str, password: str, address: str | None = None
) -> int:
    """The same for somebody who is not logged in here. Raises BadCredentials, TooManyTries."""
    entered, counted = await _verify(shop, username, password, address)
    async with writing(shop.engine) as connection:
        await login_throttle.forgive(connection, counted)
        return await users.end_sessions(connection, entered.user_id, now_us=shop.clock())


async def actor(shop: Shop, *, caller: SessionCaller) -> Actor:
    """Who the caller is now, roles as they stand. Raises SessionEnded.

    An API token has the roles that its scopes lend; to look at things, reading lends those of customers.
    """
    async with reading(shop.engine) as connection:
        row = await _require_live(connection, caller, shop.clock())
    found = with_second_factor(
        users.actor_of(row),
        has_one=row.second_factor_us is not None,
        is_required=shop.till.policy.staff_second_factor,
    )
    if row.scopes is None:
        return found
    scopes = read_scopes(row.scopes)
    roles = roles_within(found.roles, scopes)
    if Scope.READ in scopes:
        roles |= found.roles & {Role.BUYER, Role.SELLER}
    return replace(found, roles=roles)


def is_fresh(shown_us: int, *, now_us: int) -> bool:
    """Whether it is less than FRESH_SECONDS since the password was shown; not if that is yet to come."""
    return 0 <= now_us - shown_us < FRESH_SECONDS * _SECOND_US


async def proven(
    shop: Shop, *, caller: SessionCaller, audience: str, current_password: str | None, address: str | None
) -> str:
    """The hash of the caller's password: shown now, or at a fresh log-in to this very interface.

    Raises:
        BadCredentials, TooManyTries: the password is wrong, or needed and missing, or was so too often.
        SessionEnded: the session is over.
    """
    now_us = shop.clock()
    async with reading(shop.engine) as connection:
        row = await _require_live(connection, caller, now_us)
    if (
        current_password is None
        and row.audience == audience  # Where one that is good everywhere was opened, nobody knows.
        and is_fresh(row.logged_in_us, now_us=now_us)
    ):
        kept: str = row.password_hash
        return kept
    return await users.check_current_password(
        shop, user_id=row.id, password=current_password, address=address
    )


async def page(shop: Shop, *, user_id: int, before_id: int | None, limit: int) -> list[SessionRecord]:
    """Where the user is logged in, newest first, those before `before_id`; API tokens are no log-ins."""
    columns = (sessions.c[name] for name in SessionRecord.__slots__)
    query = select(*columns).where(*_log_ins(user_id, shop.clock()))
    if before_id is not None:
        query = query.where(sessions.c.id < before_id)
    async with reading(shop.engine) as connection:
        rows = await connection.execute(query.order_by(sessions.c.id.desc()).limit(limit))
        return [SessionRecord(*row) for row in rows]


async def end(shop: Shop, *, user_id: int, session_id: int) -> None:
    """Ends one of the user's sessions at once. Raises UnknownSession."""
    now_us = shop.clock()
    query = update(sessions).where(*_log_ins(user_id, now_us), sessions.c.id == session_id)
    async with writing(shop.engine) as connection:
        if not (await connection.execute(query.values(ended_us=now_us))).rowcount:
            raise UnknownSession(session=session_id)


async def end_others(shop: Shop, *, caller: SessionCaller) -> int:
    """Ends every other log-in of the caller's user, API tokens aside; how many. Raises SessionEnded."""
    now_us = shop.clock()
    async with writing(shop.engine) as connection:
        await _require_live(connection, caller, now_us)
        query = update(sessions).where(*_log_ins(caller.user_id, now_us), sessions.c.id != caller.session_id)
        return (await connection.execute(query.values(ended_us=now_us))).rowcount


async def end_all(shop: Shop, *, user_id: int, actor_id: int | None = None) -> int:
    """Ends every log-in and token of somebody else; how many. For admins, and the operator."""
    now_us = shop.clock()
    async with writing(shop.engine) as connection:
        ended = await users.end_sessions(connection, user_id, now_us=now_us)
        if ended:
            await admin_log.record(
                connection,
                action="user.sessions",
                subject=f"user:{user_id}",
                before={"sessions": ended},
                after={"sessions": 0},
                actor_id=actor_id,
                now_us=now_us,
            )
    return ended


def _log_ins(user_id: int, now_us: int) -> tuple[ColumnElement[bool], ...]:
    return (
        sessions.c.user_id == user_id,
        sessions.c.scopes.is_(None),
        sessions.c.ended_us.is_(None),
        sessions.c.expires_us > now_us,
    )


async def _verify(
    shop: Shop, username: str, password: str, address: str | None, known_device: str | None = None
) -> tuple[Entered, Attempt]:
    counted = await login_throttle.begin(shop, username=username, address=address, known_device=known_device)
    query = select(_users.c.id, _users.c.password_hash, _users.c.state).where(
        _users.c.username_key == name_key(username), _users.c.state != UserState.CLOSED.value
    )
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    fits = await shop.passwords.fits(password, None if row is None else row.password_hash)
    directory = shop.sign_on.directory
    # A user with a password of this shop logs in by that alone: the directory learns no other.
    if directory is not None and (row is None or row.password_hash == NO_PASSWORD):
        external = await directory.find(username=username, password=password)
        if external is None:
            raise BadCredentials
        return await sign_on.enter(shop, external), counted
    if row is None or not fits or row.state != UserState.ACTIVE.value:
        raise BadCredentials
    return Entered(row.id, row.password_hash), counted


async def _count_live(connection: AsyncConnection, user_id: int | None, now_us: int) -> int:
    assert user_id is not None
    return await connection.scalar(select(func.count()).where(*_log_ins(user_id, now_us))) or 0


async def _require_live(connection: AsyncConnection, caller: SessionCaller, now_us: int) -> Any:
    query = select(
        _users, sessions.c.scopes, sessions.c.audience, sessions.c.created_us.label("logged_in_us")
    ).join(sessions, sessions.c.user_id == _users.c.id)
    row = (
        await connection.execute(
            query.where(
                sessions.c.id == caller.session_id,
                sessions.c.user_id == caller.user_id,
                sessions.c.ended_us.is_(None),
                sessions.c.expires_us > now_us,
                _users.c.state == UserState.ACTIVE.value,
            )
        )
    ).one_or_none()
    if row is None:
        raise SessionEnded
    return row


async def _end(connection: AsyncConnection, caller: SessionCaller, now_us: int) -> None:
    await connection.execute(
        update(sessions)
        .where(sessions.c.id == caller.session_id, sessions.c.ended_us.is_(None))
        .values(ended_us=now_us)
    )
