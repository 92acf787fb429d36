"""People: finding them, changing what they say of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.refusals import (
    BadCredentials,
    EmailTaken,
    InvalidField,
    NameTaken,
    NameTooSimilar,
    UnknownUser,
)
from tuckshop.domain.users import (
    USERNAME_LENGTH_MAX,
    Actor,
    Role,
    UserState,
    check_email,
    check_name,
    check_password,
    check_username,
    name_key,
)
from tuckshop.identity import login_throttle, present_password
from tuckshop.identity.passwords import common, invent
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import reading, writing
from tuckshop.store.erased import NO_PASSWORD
from tuckshop.store.skeletons import is_misleading, skeleton
from tuckshop.till.callers import SessionCaller

users = tables.users


@dataclass(frozen=True, slots=True)
class User:
    """A person as others may see them; never the password."""

    id: int
    username: str
    email: str | None
    roles: tuple[Role, ...]
    state: UserState


async def change(
    shop: Shop,
    *,
    user_id: int,
    username: str | None = None,
    email: str | msgspec.UnsetType | None = msgspec.UNSET,
    password: str | None = None,
    current_password: str | None = None,
    address: str | None = None,
    proven: str | None = None,
    keeps: SessionCaller | None = None,
    actor_id: int | None = None,
) -> User:
    """The user's own name, address or password; a new password needs the current one.

    A new password ends every session of the user; where one is to be kept, a new email address ends all
    others. `proven`: see `sessions.proven`, where that has been asked. If the actor is somebody else, the log
    of the office has it.

    Raises:
        BadCredentials, TooManyTries: the current password is missing or wrong, or was so too often.
        InvalidField, NameTaken, NameTooSimilar, EmailTaken: as `registration.register`.
    """
    values: dict[str, Any] = {}
    kept = proven
    if username is not None:
        username = check_username(username)
        values |= {"username": username, "username_key": name_key(username)}
    if not isinstance(email, msgspec.UnsetType):
        email = None if email is None else check_email(email)
        values |= {"email": email, "email_key": None if email is None else name_key(email)}
    if password is not None:
        name = username or (await find(shop, user_id=user_id)).username
        check_password(password, username=name, common=common())
        if kept is None:
            kept = await check_current_password(
                shop, user_id=user_id, password=current_password, address=address
            )
        values["password_hash"] = await _new_hash(shop, password, instead_of=kept)
    if not values:
        return await find(shop, user_id=user_id)
    given_email = None if isinstance(email, msgspec.UnsetType) else email
    async with writing(shop.engine) as connection:
        this = users.c.id == user_id, users.c.state != UserState.CLOSED.value
        before = (await connection.execute(select(*COLUMNS).where(*this).with_for_update())).one_or_none()
        await _take(connection, username, given_email, before)
        query = update(users).where(*this).values(values).returning(*COLUMNS)
        if kept is not None:
            # Whoever knew the old one must not undo a reset that came in between.
            query = query.where(users.c.password_hash == kept)
        try:
            row = (await connection.execute(query)).one_or_none()
        except IntegrityError as error:
            raise taken(error, username or "", given_email) from None
        if row is None:
            raise BadCredentials if actor_id in (None, user_id) else UnknownUser(user=user_id)
        if password is not None:
            await end_sessions(connection, user_id, now_us=shop.clock())
        elif keeps is not None and before is not None and before.email != row.email:
            await end_sessions(connection, user_id, now_us=shop.clock(), but=keeps.session_id)
        if actor_id not in (None, user_id):
            await log(
                connection,
                "user.change",
                row,
                before=_contact(before),
                after={**_contact(row), "new_password": password is not None},
                actor_id=actor_id,
                now_us=shop.clock(),
            )
    return user_of(row)


async def _new_hash(shop: Shop, password: str, *, instead_of: str) -> str:
    """The hash of a new password. Raises BadCredentials for whom an outside service lets in.

    Once it did so no more, they would come in by that password.
    """
    if instead_of == NO_PASSWORD:
        raise BadCredentials
    return await shop.passwords.hash(password)


async def _take(
    connection: AsyncConnection, username: str | None, email: str | None, before: Row[Any] | None
) -> None:
    """Raises NameTaken, NameTooSimilar or EmailTaken, if it is not free for whoever was called so before."""
    if username is not None:
        # As the till does it, and in its order: of two who look the same one must find the other.
        await connection.execute(select(tables.shop.c.id).with_for_update(key_share=True))
    await require_free(connection, username, email, but=0 if before is None else before.id)
    if username is None or before is None:
        return
    looks, skeletons = skeleton(username), tables.user_skeletons
    if name_key(username) != name_key(before.username):  # Names that are there stay.
        alike = (
            select(users.c.id)
            .join(skeletons, users.c.id == skeletons.c.user_id)
            .where(skeletons.c.skeleton == looks, users.c.state != UserState.CLOSED.value)
            .where(users.c.id != before.id)
            .limit(1)
        )
        if is_misleading(username) or await connection.scalar(alike) is not None:
            raise NameTooSimilar(name=username)
    await connection.execute(delete(skeletons).where(skeletons.c.user_id == before.id))
    await connection.execute(insert(skeletons).values(user_id=before.id, skeleton=looks))


async def check_current_password(
    shop: Shop, *, user_id: int, password: str | None, address: str | None
) -> str:
    """The hash of the user's password, if this is it. Raises BadCredentials, TooManyTries."""
    shown = await present_password.check(shop, user_id=user_id, password=password or "", address=address)
    async with writing(shop.engine) as connection:
        await login_throttle.forgive(connection, shown.attempt)
    return shown.password_hash


async def reset_password(
    shop: Shop, *, username: str, password: str | None = None, actor_id: int | None = None
) -> str:
    """A new password for somebody who lost theirs; a random one unless given. Ends every session.

    Raises:
        UnknownUser: nobody has this name.
        InvalidField: as `check_password`.
    """
    if password is None:
        password = invent()
    else:
        check_password(password, username=username, common=common())
    hashed = await shop.passwords.hash(password)
    user = await find_by_name(shop, username=username)
    async with writing(shop.engine) as connection:
        this = users.c.id == user.id, users.c.state != UserState.CLOSED.value
        if not (await connection.execute(update(users).where(*this).values(password_hash=hashed))).rowcount:
            raise UnknownUser(user=username)  # Closed meanwhile: nothing of them is kept.
        await end_sessions(connection, user.id, now_us=shop.clock())
        await log(connection, "user.password", user, actor_id=actor_id, now_us=shop.clock())
    return password


async def find(shop: Shop, *, user_id: int) -> User:
    """The user. Raises UnknownUser."""
    async with reading(shop.engine) as connection:
        row = (await connection.execute(select(*COLUMNS).where(users.c.id == user_id))).one_or_none()
    if row is None or row.state == UserState.CLOSED.value:
        raise UnknownUser(user=user_id)
    return user_of(row)


async def find_by_name(shop: Shop, *, username: str) -> User:
    """The user of this name. Raises UnknownUser."""
    try:
        key = name_key(check_name(username, field="username", length_max=USERNAME_LENGTH_MAX))
    except InvalidField:  # Nobody's, and the database might choke on it.
        raise UnknownUser(user=username) from None
    query = select(*COLUMNS).where(users.c.username_key == key, users.c.state != UserState.CLOSED.value)
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownUser(user=username)
    return user_of(row)


def first_role(user: User) -> Role:
    """The one that stands for all, where a contract shows one alone."""
    return next(role for role in (Role.ADMIN, Role.SELLER, Role.BUYER, Role.CASHIER) if role in user.roles)


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


COLUMNS = (
    users.c.id,
    users.c.username,
    users.c.email,
    users.c.state,
    *(users.c[f"is_{role.value}"] for role in Role),
)


def flags_of(held: frozenset[Role]) -> dict[str, bool]:
    """The roles as columns of `users`."""
    return {f"is_{role.value}": role in held for role in Role}


def user_of(row: Row[Any]) -> User:
    """The user in a row of COLUMNS."""
    return User(row.id, row.username, row.email, roles_of(row), UserState(row.state))


def snapshot_of(row: Any) -> dict[str, Any]:
    """What the admin log says of somebody before and after."""
    return {"username": row.username, "roles": roles_of(row), "state": row.state}


def _contact(row: Any) -> dict[str, Any]:
    return {"username": row.username, "email": row.email}


async def log(connection: AsyncConnection, action: str, user: Any, **more: Any) -> None:
    """A line of the admin log about this user."""
    await admin_log.record(connection, action=action, subject=f"user:{user.id}", **more)


async def require_free(
    connection: AsyncConnection, username: str | None, email: str | None, *, but: int = 0
) -> None:
    """Raises NameTaken or EmailTaken if somebody has it, `but` for this user."""
    others = select(users.c.id).where(users.c.state != UserState.CLOSED.value, users.c.id != but)
    if username is not None and await connection.scalar(
        others.where(users.c.username_key == name_key(username))
    ):
        raise NameTaken(name=username)
    if email is not None and await connection.scalar(others.where(users.c.email_key == name_key(email))):
        raise EmailTaken(email=email)


def taken(error: IntegrityError, username: str, email: str | None) -> NameTaken | EmailTaken:
    """Somebody else was faster between the look and the write."""
    if email is not None and "email_key" in str(error.orig):
        return EmailTaken(email=email)
    return NameTaken(name=username)
