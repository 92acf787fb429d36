"""How people come into the shop: by their own wish, or by the operator's."""

from __future__ import annotations

from collections.abc import Iterable

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
)
from tuckshop.identity.passwords import COMMON
from tuckshop.identity.users import User
from tuckshop.till.callers import OPERATOR, RegistrantCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.users import NewUser, Register, Registered


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
        InvalidField, RegistrationClosed: see `new_user`.
        NameTaken, EmailTaken: (in that order) another user has it.
    """
    user = await new_user(
        shop,
        username=username,
        email=email,
        password=password,
        roles=roles,
        buyers=buyers,
        sellers=sellers,
    )
    return await _send(shop, Register(RegistrantCaller.named(user.username), user))


async def new_user(
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
    return await _send(shop, Register(OPERATOR, checked, only_first=only_first))


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


async def _send(shop: Shop, command: Register) -> User:
    receipt = (await shop.till.execute(Envelope(command))).receipt()
    assert isinstance(receipt, Registered)
    user = command.user
    roles = tuple(role for role in Role if role in user.roles)
    return User(receipt.user_id, user.username, user.email, roles, user.state)
