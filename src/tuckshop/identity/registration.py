"""How people come into the shop: by their own wish, or by the operator's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

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
from tuckshop.identity import registration_throttle
from tuckshop.identity.passwords import common
from tuckshop.identity.users import User
from tuckshop.store.skeletons import skeleton
from tuckshop.till.callers import OPERATOR, RegistrantCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.users import NewUser, Register, Registered

PER_HOUR = 60  # From one network: a lecture hall on its first day, and no list of invented names.


async def register(
    shop: Shop,
    *,
    username: str,
    email: str | None,
    password: str,
    roles: Iterable[Role],
    buyers: RegistrationMode = RegistrationMode.OPEN,
    sellers: RegistrationMode = RegistrationMode.OPEN,
    address: str | None = None,
    per_hour: int = PER_HOUR,
) -> User:
    """A new buyer or seller by their own wish; pending if an admin has to let them in.

    `per_hour`: how many may come from the network of `address`.

    Raises:
        InvalidField, RegistrationClosed, TooManyRegistrations: see `new_user`.
        NameTaken, NameTooSimilar, EmailTaken: (in that order) another user has it, or a name that looks so.
    """
    user = await new_user(
        shop,
        username=username,
        email=email,
        password=password,
        roles=roles,
        buyers=buyers,
        sellers=sellers,
        address=address,
        per_hour=per_hour,
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
    address: str | None = None,
    per_hour: int = PER_HOUR,
) -> NewUser:
    """Whoever wants to register, checked but for who is there already; for a Register command.

    Raises:
        InvalidField: a name, address, password or role outside its rules.
        RegistrationClosed: nobody takes this role by themselves.
        TooManyRegistrations: from the same network, within an hour.
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
    checked = _checked(username, email, password)
    await registration_throttle.begin(shop, address=address, per_hour=per_hour)  # Hashing is what costs.
    return await _hashed(shop, checked, roles=wanted, state=state)


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
        InvalidField, NameTaken, NameTooSimilar, EmailTaken: as `register`.
        RegistrationClosed: was to be `only_first` of the admins, and there is one.
    """
    checked = _checked(username, email, password, any_password=any_password)
    user = await _hashed(shop, checked, roles=check_roles(roles), state=UserState.ACTIVE)
    return await _send(shop, Register(OPERATOR, user, only_first=only_first))


class _Checked(NamedTuple):
    username: str
    email: str | None
    password: str


def _checked(username: str, email: str | None, password: str, *, any_password: bool = False) -> _Checked:
    username = check_username(username)
    email = None if email is None else check_email(email)
    if not any_password:
        check_password(password, username=username, common=common())
    return _Checked(username, email, password)


async def _hashed(shop: Shop, given: _Checked, *, roles: frozenset[Role], state: UserState) -> NewUser:
    await asyncio.to_thread(skeleton, given.username)  # The first one reads its data, which takes a while.
    return NewUser(given.username, given.email, await shop.passwords.hash(given.password), roles, state)


async def _send(shop: Shop, command: Register) -> User:
    receipt = (await shop.till.execute(Envelope(command))).receipt()
    assert isinstance(receipt, Registered)
    user = command.user
    roles = tuple(role for role in Role if role in user.roles)
    return User(receipt.user_id, user.username, user.email, roles, user.state)
