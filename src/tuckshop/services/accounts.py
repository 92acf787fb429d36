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
    StillHoldsValue,
    UnknownUser,
)
from tuckshop.services import admin_log, tries
from tuckshop.services.passwords import COMMON, invent
from tuckshop.services.shop import Shop
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.till.commands import OPERATOR, Envelope, Newcomer, RemoveProduct

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
        InvalidField, RegistrationClosed: see `newcomer`.
        NameTaken, EmailTaken: (in that order) another user has it.
    """
    return await _add(
        shop,
        await newcomer(
            shop,
            username=username,
            email=email,
            password=password,
            roles=roles,
            buyers=buyers,
            sellers=sellers,
        ),
    )


async def newcomer(
    shop: Shop,
    *,
    username: str,
    email: str | None,
    password: str,
    roles: Iterable[Role],
    buyers: RegistrationMode = RegistrationMode.OPEN,
    sellers: RegistrationMode = RegistrationMode.OPEN,
) -> Newcomer:
    """Whoever wants to register, checked but for who is there already; for a Register command.

    Raises:
        InvalidField: a name, address, password or role outside its rules.
        RegistrationClosed: nobody takes this role by themselves.
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
    return await _checked(shop, username=username, email=email, password=password, roles=wanted, state=state)


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
    checked = await _checked(
        shop,
        username=username,
        email=email,
        password=password,
        roles=frozenset(roles),
        state=UserState.ACTIVE,
        any_password=any_password,
    )
    return await _add(shop, checked, is_logged=True)


async def _checked(
    shop: Shop,
    *,
    username: str,
    email: str | None,
    password: str,
    roles: frozenset[Role],
    state: UserState,
    any_password: bool = False,
) -> Newcomer:
    if not roles:
        raise InvalidField(field="roles", reason="must name at least one role")
    username = check_username(username)
    email = None if email is None else check_email(email)
    if not any_password:
        check_password(password, common=COMMON)
    return Newcomer(username, email, await shop.passwords.hash(password), roles, state)


async def _add(shop: Shop, newcomer: Newcomer, *, is_logged: bool = False) -> User:
    username, email = newcomer.username, newcomer.email
    values = {
        "username": username,
        "username_key": name_key(username),
        "email": email,
        "email_key": None if email is None else name_key(email),
        "password_hash": newcomer.password_hash,
        "state": newcomer.state.value,
        "created_us": shop.clock(),
        **_flags(newcomer.roles),
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
    address: str | None = None,
    needs_present: bool = True,
    actor_id: int | None = None,
) -> User:
    """The user's own name, address or password; a new password needs the present one.

    A new password ends every session of the user. Not `needs_present`: some older contracts change the
    password of whoever holds a token. If the actor is somebody else, the log of the office has it.

    Raises:
        BadCredentials, TooManyTries: the present password is missing or wrong, or was so too often.
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
        if needs_present:
            kept = await _check_present(shop, user_id, current_password, address)
        values["password_hash"] = await shop.passwords.hash(password)
    if not values:
        return await find(shop, user_id=user_id)
    given_email = None if isinstance(email, msgspec.UnsetType) else email
    async with writing(shop.engine) as connection:
        await _require_free(connection, username, given_email, but=user_id)
        this = users.c.id == user_id, users.c.state != UserState.CLOSED.value
        before = (await connection.execute(select(*_COLUMNS).where(*this).with_for_update())).one_or_none()
        query = update(users).where(*this).values(values).returning(*_COLUMNS)
        if kept is not None:
            # Whoever knew the old one must not undo a reset that came in between.
            query = query.where(users.c.password_hash == kept)
        try:
            row = (await connection.execute(query)).one_or_none()
        except IntegrityError as error:
            raise _taken(error, username or "", given_email) from None
        if row is None:
            raise BadCredentials if needs_present else UnknownUser(user=user_id)
        if password is not None:
            await end_sessions(connection, user_id, now_us=shop.clock())
        if actor_id not in (None, user_id):
            await _log(
                connection,
                "user.change",
                row,
                before=_contact(before),
                after={**_contact(row), "new_password": password is not None},
                actor_id=actor_id,
                now_us=shop.clock(),
            )
    return _user(row)


async def _check_present(shop: Shop, user_id: int, password: str | None, address: str | None) -> str:
    """The hash of the present password, if this is it."""
    query = select(users.c.username, users.c.password_hash).where(users.c.id == user_id)
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one()
    counted = await tries.begin(shop, username=row.username, address=address)
    if not await shop.passwords.fits(password or "", row.password_hash):
        raise BadCredentials
    async with writing(shop.engine) as connection:
        await tries.give_back(connection, counted)
    present: str = row.password_hash
    return present


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
    shop: Shop,
    *,
    user_id: int,
    roles: Iterable[Role] | None = None,
    state: UserState | None = None,
    actor_id: int | None = None,
) -> User:
    """Other roles or another state; a change ends every session of the user.

    Raises:
        UnknownUser: there is nobody with this id.
        InvalidField: no role at all, or the state `closed`, which is for a whole closing.
        LastAdmin: nobody else could run the shop.
    """
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
    async with writing(shop.engine) as connection:
        return await _set(connection, "user.standing", user_id, values, actor_id, now_us=shop.clock())


async def close(shop: Shop, *, user_id: int, actor_id: int | None = None) -> None:
    """Frees the name and the address and ends every session; what was bought and sold stays on the books.

    Raises:
        UnknownUser: there is nobody with this id.
        StillHoldsValue: money or goods must be settled first.
        LastAdmin: nobody else could run the shop.
    """
    products = select(tables.products.c.id).where(
        tables.products.c.seller_id == user_id, tables.products.c.removed_us.is_(None)
    )
    async with reading(shop.engine) as connection:
        await _require_settled(connection, user_id)
        empty = list(await connection.scalars(products))
    await find(shop, user_id=user_id)
    for product_id in empty:
        await shop.till.settle(Envelope(RemoveProduct(OPERATOR, product_id)))
    money = select(tables.accounts.c.id).where(tables.accounts.c.user_id == user_id)
    now_us = shop.clock()
    async with writing(shop.engine) as connection:
        # As the till: money first. Whoever waits for it finds the user closed.
        await connection.execute(money.order_by(tables.accounts.c.id).with_for_update(key_share=True))
        await _require_settled(connection, user_id)
        values = {"state": UserState.CLOSED.value, "closed_us": now_us}
        await _set(connection, "user.close", user_id, values, actor_id, now_us=now_us)


async def _require_settled(connection: AsyncConnection, user_id: int) -> None:
    kept, shelves, products = tables.accounts, tables.shelves, tables.products
    money = select(kept.c.balance_cents).where(kept.c.user_id == user_id, kept.c.balance_cents != 0)
    stock = (
        select(func.coalesce(func.sum(shelves.c.quantity), 0))
        .join(products, products.c.id == shelves.c.product_id)
        .where(products.c.seller_id == user_id)
    )
    balance_cents = (await connection.scalars(money.order_by(kept.c.id).limit(1))).first() or 0
    pieces = int(await connection.scalar(stock) or 0)
    if balance_cents or pieces:
        raise StillHoldsValue(balance_cents=balance_cents, stock=pieces)


async def _set(
    connection: AsyncConnection,
    action: str,
    user_id: int,
    values: dict[str, Any],
    actor_id: int | None,
    *,
    now_us: int,
) -> User:
    this = select(*_COLUMNS).where(users.c.id == user_id, users.c.state != UserState.CLOSED.value)
    # All admins, in one order: two who strike each other off at once must not both find the other there.
    touched = select(users.c.id).where(or_(users.c.id == user_id, users.c.is_admin)).order_by(users.c.id)
    await connection.execute(touched.with_for_update(key_share=True))
    before = (await connection.execute(this)).one_or_none()
    if before is None:
        raise UnknownUser(user=user_id)
    changed = {name: value for name, value in values.items() if getattr(before, name, None) != value}
    if not changed:
        return _user(before)
    changing = update(users).where(users.c.id == user_id).values(changed).returning(*_COLUMNS)
    row = (await connection.execute(changing)).one()
    admins = select(func.count()).where(users.c.is_admin, users.c.state == UserState.ACTIVE.value)
    if before.is_admin and not await connection.scalar(admins):
        raise LastAdmin
    await end_sessions(connection, user_id, now_us=now_us)
    await _log(
        connection,
        action,
        row,
        before=_standing(before),
        after=_standing(row),
        actor_id=actor_id,
        now_us=now_us,
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
    try:
        key = name_key(check_username(username))
    except InvalidField:  # Nobody's, and the database might choke on it.
        raise UnknownUser(user=username) from None
    query = select(*_COLUMNS).where(users.c.username_key == key, users.c.state != UserState.CLOSED.value)
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownUser(user=username)
    return _user(row)


async def page(
    shop: Shop, *, after_id: int = 0, limit: int = 100, offset: int = 0, state: UserState | None = None
) -> list[User]:
    """Users by id, those after `after_id` but for the first `offset`; without a state, all but the closed."""
    query = select(*_COLUMNS).where(users.c.id > after_id).order_by(users.c.id).limit(limit).offset(offset)
    if state is None:
        query = query.where(users.c.state != UserState.CLOSED.value)
    else:
        query = query.where(users.c.state == state.value)
    async with reading(shop.engine) as connection:
        return [_user(row) for row in await connection.execute(query)]


async def count(shop: Shop) -> int:
    """How many users there are, without the closed."""
    query = select(func.count()).where(users.c.state != UserState.CLOSED.value)
    async with reading(shop.engine) as connection:
        return await connection.scalar(query) or 0


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


def _contact(row: Any) -> dict[str, Any]:
    return {"username": row.username, "email": row.email}


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
