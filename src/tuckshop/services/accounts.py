"""People: registering them, finding them, changing them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.domain.accounts import (
    Actor,
    RegistrationMode,
    Role,
    UserState,
    check_email,
    check_password,
    check_username,
    name_key,
)
from tuckshop.domain.refusals import (
    BadCredentials,
    EmailTaken,
    InvalidField,
    LastAdmin,
    NameTaken,
    RegistrationClosed,
    UnknownUser,
)
from tuckshop.services import admin_log
from tuckshop.services.passwords import COMMON, invent
from tuckshop.services.shop import Shop
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing

users = tables.users


@dataclass(frozen=True, slots=True)
class User:
    """A person as others may see them; never the password."""

    id: int
    username: str
    email: str | None
    roles: tuple[Role, ...]
    state: UserState


async def register(
    shop: Shop,
    *,
    username: str,
    email: str | None,
    password: str,
    roles: Iterable[Role],
    buyers: RegistrationMode = RegistrationMode.OPEN,
    sellers: RegistrationMode = RegistrationMode.OPEN,
) -> User:
    """A new buyer or seller by their own wish; pending if an admin has to let them in.

    Raises:
        InvalidField: a name, address, password or role outside its rules.
        RegistrationClosed: nobody takes this role by themselves.
        NameTaken, EmailTaken: (in that order) another user has it.
    """
    wanted = frozenset(roles)
    state = UserState.ACTIVE
    for role, mode in ((Role.BUYER, buyers), (Role.SELLER, sellers)):
        if role in wanted and mode is RegistrationMode.CLOSED:
            raise RegistrationClosed(role=role.value)
        if role in wanted and mode is RegistrationMode.APPROVE:
            state = UserState.PENDING
    for role in sorted(wanted - {Role.BUYER, Role.SELLER}):
        raise RegistrationClosed(role=role.value)
    return await _add(shop, username=username, email=email, password=password, roles=wanted, state=state)


async def add(
    shop: Shop,
    *,
    username: str,
    email: str | None,
    password: str,
    roles: Iterable[Role],
    any_password: bool = False,
) -> User:
    """A new active user with whatever roles; for the operator. `any_password` is for demo data alone.

    Raises:
        InvalidField, NameTaken, EmailTaken: as `register`.
    """
    return await _add(
        shop,
        username=username,
        email=email,
        password=password,
        roles=frozenset(roles),
        state=UserState.ACTIVE,
        any_password=any_password,
        is_logged=True,
    )


async def _add(
    shop: Shop,
    *,
    username: str,
    email: str | None,
    password: str,
    roles: frozenset[Role],
    state: UserState,
    any_password: bool = False,
    is_logged: bool = False,
) -> User:
    if not roles:
        raise InvalidField(field="roles", reason="must name at least one role")
    username = check_username(username)
    email = None if email is None else check_email(email)
    if not any_password:
        check_password(password, common=COMMON)
    values = {
        "username": username,
        "username_key": name_key(username),
        "email": email,
        "email_key": None if email is None else name_key(email),
        "password_hash": await shop.passwords.hash(password),
        "state": state.value,
        "created_us": shop.clock(),
        **_flags(roles),
    }
    async with writing(shop.engine) as connection:
        await _require_free(connection, username, email)
        try:
            row = (await connection.execute(insert(users).values(values).returning(*_COLUMNS))).one()
        except IntegrityError as error:
            raise _taken(error, username, email) from None
        if is_logged:
            await _log(connection, "user.add", row, after=_standing(row), now_us=shop.clock())
    return _user(row)


async def change(
    shop: Shop,
    *,
    user_id: int,
    username: str | None = None,
    email: str | msgspec.UnsetType | None = msgspec.UNSET,
    password: str | None = None,
    current_password: str | None = None,
) -> User:
    """The user's own name, address or password; a new password needs the present one.

    A new password ends every session of the user.

    Raises:
        BadCredentials: the present password is missing or wrong.
        InvalidField, NameTaken, EmailTaken: as `register`.
    """
    values: dict[str, Any] = {}
    kept = None
    if username is not None:
        username = check_username(username)
        values |= {"username": username, "username_key": name_key(username)}
    if not isinstance(email, msgspec.UnsetType):
        email = None if email is None else check_email(email)
        values |= {"email": email, "email_key": None if email is None else name_key(email)}
    if password is not None:
        check_password(password, common=COMMON)
        async with reading(shop.engine) as connection:
            kept = await connection.scalar(select(users.c.password_hash).where(users.c.id == user_id))
        if not await shop.passwords.fits(current_password or "", kept):
            raise BadCredentials
        values["password_hash"] = await shop.passwords.hash(password)
    if not values:
        return await find(shop, user_id=user_id)
    given_email = None if isinstance(email, msgspec.UnsetType) else email
    async with writing(shop.engine) as connection:
        await _require_free(connection, username, given_email, but=user_id)
        query = update(users).where(users.c.id == user_id).values(values).returning(*_COLUMNS)
        if password is not None:
            # Whoever knew the old one must not undo a reset that came in between.
            query = query.where(users.c.password_hash == kept)
        try:
            row = (await connection.execute(query)).one_or_none()
        except IntegrityError as error:
            raise _taken(error, username or "", given_email) from None
        if row is None:
            raise BadCredentials
        if password is not None:
            await end_sessions(connection, user_id, now_us=shop.clock())
    return _user(row)


async def reset_password(shop: Shop, *, username: str, password: str | None = None) -> str:
    """A new password for somebody who lost theirs; a random one unless given. Ends every session.

    Raises:
        UnknownUser: nobody has this name.
        InvalidField: the password is too short, too long or too common.
    """
    password = invent() if password is None else check_password(password, common=COMMON)
    hashed = await shop.passwords.hash(password)
    user = await find_by_name(shop, username=username)
    async with writing(shop.engine) as connection:
        await connection.execute(update(users).where(users.c.id == user.id).values(password_hash=hashed))
        await end_sessions(connection, user.id, now_us=shop.clock())
        await _log(connection, "user.password", user, now_us=shop.clock())
    return password


async def set_standing(
    shop: Shop, *, username: str, roles: Iterable[Role] | None = None, state: UserState | None = None
) -> User:
    """Other roles or another state; ends every session of the user.

    Raises:
        UnknownUser: nobody has this name.
        InvalidField: no role at all, or the state `closed`, which is for a whole closing.
        LastAdmin: nobody else could run the shop.
    """
    user = await find_by_name(shop, username=username)
    values: dict[str, Any] = {}
    if roles is not None:
        held = frozenset(roles)
        if not held:
            raise InvalidField(field="roles", reason="must name at least one role")
        values |= _flags(held)
    if state is not None:
        if state is UserState.CLOSED:
            raise InvalidField(field="state", reason="must be pending, active or disabled")
        values["state"] = state.value
    this = select(*_COLUMNS).where(users.c.id == user.id)
    # All admins, in one order: two who strike each other off at once must not both find the other there.
    touched = select(users.c.id).where(or_(users.c.id == user.id, users.c.is_admin)).order_by(users.c.id)
    async with writing(shop.engine) as connection:
        await connection.execute(touched.with_for_update())
        before = (await connection.execute(this)).one()
        if values:
            await connection.execute(update(users).where(users.c.id == user.id).values(values))
        admins = select(func.count()).where(users.c.is_admin, users.c.state == UserState.ACTIVE.value)
        if before.is_admin and not await connection.scalar(admins):
            raise LastAdmin
        await end_sessions(connection, user.id, now_us=shop.clock())
        row = (await connection.execute(this)).one()
        await _log(
            connection,
            "user.standing",
            row,
            before=_standing(before),
            after=_standing(row),
            now_us=shop.clock(),
        )
    return _user(row)


async def find(shop: Shop, *, user_id: int) -> User:
    """The user. Raises UnknownUser."""
    async with reading(shop.engine) as connection:
        row = (await connection.execute(select(*_COLUMNS).where(users.c.id == user_id))).one_or_none()
    if row is None or row.state == UserState.CLOSED.value:
        raise UnknownUser(user=user_id)
    return _user(row)


async def find_by_name(shop: Shop, *, username: str) -> User:
    """The user of this name. Raises UnknownUser."""
    query = select(*_COLUMNS).where(
        users.c.username_key == name_key(username), users.c.state != UserState.CLOSED.value
    )
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownUser(user=username)
    return _user(row)


async def page(shop: Shop, *, after_id: int = 0, limit: int = 100) -> list[User]:
    """Users by id, those after `after_id`."""
    query = select(*_COLUMNS).where(users.c.id > after_id).order_by(users.c.id).limit(limit)
    async with reading(shop.engine) as connection:
        return [_user(row) for row in await connection.execute(query)]


async def end_sessions(
    connection: AsyncConnection, user_id: int, *, now_us: int, but: int | None = None
) -> int:
    """Ends the user's sessions at once, `but` one; how many there were."""
    sessions = tables.sessions
    query = update(sessions).where(sessions.c.user_id == user_id, sessions.c.ended_us.is_(None))
    if but is not None:
        query = query.where(sessions.c.id != but)
    return (await connection.execute(query.values(ended_us=now_us))).rowcount


def roles_of(row: Any) -> tuple[Role, ...]:
    """The roles in a row of `users`."""
    return tuple(role for role in Role if getattr(row, f"is_{role.value}"))


def actor_of(row: Any) -> Actor:
    """Who acts, from a row of `users`."""
    return Actor(user_id=row.id, roles=frozenset(roles_of(row)))


_COLUMNS = (
    users.c.id,
    users.c.username,
    users.c.email,
    users.c.state,
    *(users.c[f"is_{role.value}"] for role in Role),
)


def _flags(held: frozenset[Role]) -> dict[str, bool]:
    return {f"is_{role.value}": role in held for role in Role}


def _user(row: Row[Any]) -> User:
    return User(row.id, row.username, row.email, roles_of(row), UserState(row.state))


def _standing(row: Any) -> dict[str, Any]:
    return {"username": row.username, "roles": roles_of(row), "state": row.state}


async def _log(connection: AsyncConnection, action: str, user: Any, **more: Any) -> None:
    await admin_log.record(connection, action=action, subject=f"user:{user.id}", **more)


async def _require_free(
    connection: AsyncConnection, username: str | None, email: str | None, *, but: int = 0
) -> None:
    others = select(users.c.id).where(users.c.state != UserState.CLOSED.value, users.c.id != but)
    if username is not None and await connection.scalar(
        others.where(users.c.username_key == name_key(username))
    ):
        raise NameTaken(name=username)
    if email is not None and await connection.scalar(others.where(users.c.email_key == name_key(email))):
        raise EmailTaken(email=email)


def _taken(error: IntegrityError, username: str, email: str | None) -> NameTaken | EmailTaken:
    """Somebody else was faster between the look and the write."""
    if email is not None and "email_key" in str(error.orig):
        return EmailTaken(email=email)
    return NameTaken(name=username)
