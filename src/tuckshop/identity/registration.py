"""How people come into the shop: by their own wish, or by the operator's."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.refusals import RegistrationClosed
from tuckshop.domain.users import (
    RegistrationMode,
    Role,
    UserState,
    check_email,
    check_password,
    check_roles,
    check_username,
    name_key,
)
from tuckshop.identity import users as accounts
from tuckshop.identity.passwords import COMMON
from tuckshop.identity.users import User
from tuckshop.store import tables
from tuckshop.store.engine import writing
from tuckshop.till.commands.users import NewUser


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
) -> NewUser:
    """Whoever wants to register, checked but for who is there already; for a Register command.

    Raises:
        InvalidField: a name, address, password or role outside its rules.
        RegistrationClosed: nobody takes this role by themselves.
    """
    wanted = check_roles(roles)
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
    only_first: bool = False,
) -> User:
    """A new active user with whatever roles; for the operator. `any_password` is for demo data alone.

    Raises:
        InvalidField, NameTaken, EmailTaken: as `register`.
        RegistrationClosed: was to be `only_first` of the admins, and there is one.
    """
    checked = await _checked(
        shop,
        username=username,
        email=email,
        password=password,
        roles=check_roles(roles),
        state=UserState.ACTIVE,
        any_password=any_password,
    )
    return await _add(shop, checked, is_logged=True, only_first=only_first)


async def _checked(
    shop: Shop,
    *,
    username: str,
    email: str | None,
    password: str,
    roles: frozenset[Role],
    state: UserState,
    any_password: bool = False,
) -> NewUser:
    username = check_username(username)
    email = None if email is None else check_email(email)
    if not any_password:
        check_password(password, common=COMMON)
    return NewUser(username, email, await shop.passwords.hash(password), roles, state)


async def _add(shop: Shop, newcomer: NewUser, *, is_logged: bool = False, only_first: bool = False) -> User:
    username, email = newcomer.username, newcomer.email
    values = {
        "username": username,
        "username_key": name_key(username),
        "email": email,
        "email_key": None if email is None else name_key(email),
        "password_hash": newcomer.password_hash,
        "state": newcomer.state.value,
        "created_us": shop.clock(),
        **accounts.flags_of(newcomer.roles),
    }
    async with writing(shop.engine) as connection:
        if only_first:
            await _require_no_admin(connection)
        await accounts.require_free(connection, username, email)
        try:
            row = (
                await connection.execute(insert(tables.users).values(values).returning(*accounts.COLUMNS))
            ).one()
        except IntegrityError as error:
            raise accounts.taken(error, username, email) from None
        if is_logged:
            await accounts.log(
                connection, "user.add", row, after=accounts.standing_of(row), now_us=shop.clock()
            )
    return accounts.user_of(row)


async def _require_no_admin(connection: AsyncConnection) -> None:
    # Locked before looking: two who type the code at once must not both find nobody there.
    await connection.execute(select(tables.shop.c.id).with_for_update())
    if await connection.scalar(select(tables.users.c.id).where(tables.users.c.is_admin).limit(1)) is not None:
        raise RegistrationClosed(role=Role.ADMIN.value)
